"""Exercise: evidence, bound and gap of a model with two latent states, by hand."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A bound on the back of an envelope",
    page="11-4-2-elbo",
    equation="eq-elbo-identity",
    level="warm-up",
    minutes=10,
    by_hand=True,
    rtol=3e-3,  # three decimals are asked for, and the smallest number is about 0.1
    trains="You can split a log-likelihood into bound and gap, and know what each is averaged over.",
    statement=r"""
A firefly sits on the left of its wire with probability 0.6, on the right with probability 0.4. A camera reports
"high" with probability 0.5 if it sits on the left, and with probability 0.25 if on the right. Tonight the camera
reports "high": this is $x$, and the side is $z$.

Someone who has not done the sums guesses $q(z) = \tfrac12$ for either side. Compute by hand, in nats: $\log p(x)$,
the ELBO of this $q$, and the gap between them. Find the gap from its own definition, not as a difference; then
the identity checks your work. Which of the three numbers would not change with another $q$?
""",
    solution=r"""
The joint probabilities are $0.6 \cdot 0.5 = 0.3$ and $0.4 \cdot 0.25 = 0.1$. Their sum is the evidence,
$p(x) = 0.4$, and divided by it they are the posterior, $\tfrac34$ and $\tfrac14$. The ELBO {eq}`eq-elbo` is a mean
over $q$ of logarithms,

$$
\tfrac12 \log \frac{0.3}{0.5} + \tfrac12 \log \frac{0.1}{0.5},
$$

and the gap is the divergence {eq}`eq-kl` from $q$ to the posterior, also a mean over $q$:

$$
\tfrac12 \log \frac{1/2}{3/4} + \tfrac12 \log \frac{1/2}{1/4} = \tfrac12 \log \tfrac43 .
$$

ELBO and gap add up to $\tfrac12 \log(0.6 \cdot 0.2 \cdot \tfrac43) = \tfrac12 \log 0.16 = \log 0.4$, as
{eq}`eq-elbo-identity` says. That sum contains no $q$, so $\log p(x)$ is the number that stays. A better $q$ moves
the boundary between the two parts.
""",
)


@exercise.reference
def bound_by_hand():
    """The evidence of the report "high", and what the guess q makes of it.

    returns : log p(x), the ELBO of q, the gap, each in nats to three decimals
    """
    prior, likelihood = np.array([0.6, 0.4]), np.array([0.5, 0.25])
    q = np.array([0.5, 0.5])
    joint = prior * likelihood
    posterior = joint / joint.sum()
    elbo = (q * np.log(joint / q)).sum()
    gap = (q * np.log(q / posterior)).sum()
    return np.log(joint.sum()), elbo, gap


PRIOR, LIKELIHOOD, Q = np.array([0.6, 0.4]), np.array([0.5, 0.25]), np.array([0.5, 0.5])
JOINT = PRIOR * LIKELIHOOD
POSTERIOR = JOINT / JOINT.sum()
LOG_P, ELBO, GAP = bound_by_hand()


@exercise.mistake
def in_bits():
    """These are the right numbers in bits, with the logarithm to base 2. The book counts in nats. Which logarithm
    belongs to nats, and by which factor do the two differ?"""
    return LOG_P / np.log(2), ELBO / np.log(2), GAP / np.log(2)


@exercise.mistake
def gap_to_the_prior():
    """Your gap is the divergence from q to the prior. That one is a part of the ELBO, the price of a code. What
    must q equal for the gap to be zero?"""
    return LOG_P, ELBO, (Q * np.log(Q / PRIOR)).sum()


@exercise.mistake
def gap_the_other_way_round():
    """Your gap is averaged over the posterior, with q below the line. The KL is not symmetric, and with yours ELBO
    and gap do not add up to `log p(x)`. Which density is the mean of the ELBO taken over?"""
    return LOG_P, ELBO, (POSTERIOR * np.log(POSTERIOR / Q)).sum()


@exercise.mistake
def gap_below_zero():
    """Your gap is negative, and a KL divergence never is. The size is right. What comes first in the fraction, the
    density that the mean is over or the other one?"""
    return LOG_P, ELBO, -GAP


@exercise.mistake
def entropy_forgotten():
    """Your ELBO is the mean of the log joint alone. It lies far below `log p(x)`, and your gap does not fill the
    space. What is missing is a term that rewards a wide q. Which one?"""
    return LOG_P, (Q * np.log(JOINT)).sum(), GAP


@exercise.mistake
def prior_left_out():
    """Your ELBO holds the likelihood and q, and nowhere the prior. It even exceeds `log p(x)`, which no lower bound
    may. Is the joint density the same as the likelihood?"""
    return LOG_P, (Q * np.log(LIKELIHOOD / Q)).sum(), GAP


@exercise.mistake
def price_left_out():
    """Your ELBO is the reconstruction, the mean of the log-likelihood over q. A bound also charges for codes that
    differ from the prior. Which term is still to be taken off?"""
    return LOG_P, (Q * np.log(LIKELIHOOD)).sum(), GAP


@exercise.mistake
def log_of_the_mean():
    """Your ELBO equals `log p(x)`, so nothing is left for the gap, yet q is not the posterior. You took the
    logarithm of a mean. In which order do logarithm and mean stand in the bound?"""
    return LOG_P, LOG_P, GAP


@exercise.mistake
def averaged_over_the_posterior():
    """Your ELBO lies above `log p(x)`, which a lower bound never does. You weighted the logarithms with the
    posterior. Which density do we draw from when the posterior is unknown?"""
    return LOG_P, (POSTERIOR * np.log(JOINT / Q)).sum(), GAP


@exercise.mistake
def evidence_without_logarithm():
    """Your first number is `p(x)` itself. It is right, and its logarithm is asked for, to which the other two must
    add up. Which sign will it have?"""
    return np.exp(LOG_P), ELBO, GAP


@exercise.mistake
def two_decimals():
    """Right as far as your digits go. Two decimals are too few to tell a small gap from another that is wrong. What
    is the third one?"""
    return round(LOG_P, 2), round(ELBO, 2), round(GAP, 2)


@exercise.variant
def rounded():
    return -0.916, -1.060, 0.144


@exercise.variant
def by_the_second_reading():
    reconstruction = 0.5 * np.log(0.5) + 0.5 * np.log(0.25)
    price = 0.5 * np.log(0.5 / 0.6) + 0.5 * np.log(0.5 / 0.4)
    return np.log(0.4), reconstruction - price, np.log(4 / 3) / 2


@exercise.variant
def with_torch():
    q = torch.distributions.Categorical(torch.tensor([0.5, 0.5]))
    posterior = torch.distributions.Categorical(torch.tensor([0.75, 0.25]))
    gap = torch.distributions.kl_divergence(q, posterior)
    return np.log(0.4), np.log(0.4) - gap, gap
