"""Exercise: the Bernoulli log-likelihood from logits of any size."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The Bernoulli term, from logits",
    page="11-4-5-likelihoods",
    equation="eq-lik-bernoulli",
    level="core",
    minutes=20,
    trains="You rewrite a likelihood so that it survives every number a network can put out.",
    statement=r"""
A decoder puts out one logit $\ell_d = \log\frac{p_d}{1 - p_d}$ for each pixel. Write the reconstruction term
$\log p(\x|\z)$ of a Bernoulli likelihood, one value for each row, in nats.

Early in training, and for pixels that never vary, logits can be huge. Your function has to hold for $\ell_d = 800$
and for $\ell_d = -800$ too. There $p_d$ rounds to one, or $1 - p_d$ does, and a formula that computes $p_d$ first
has lost what it needs. So express $\log p_d$ and $\log(1 - p_d)$ by the logit, on paper, before you code.

Before you write: what should a white pixel ($x_d = 1$) at $\ell_d = -800$ cost, about? And at $\ell_d = 800$?
""",
    solution=r"""
With $p = 1 / (1 + e^{-\ell})$ the two logarithms are $\log p = \ell - \log(1 + e^{\ell})$ and
$\log(1 - p) = -\log(1 + e^{\ell})$. Weigh them by $x$ and by $1 - x$: the second logarithm appears in both, once in
all, and {eq}`eq-lik-bernoulli` becomes $\sum_d \big[ x_d \ell_d - \log(1 + e^{\ell_d}) \big]$.

The last function, called softplus, is $\log(e^0 + e^{\ell})$. `np.logaddexp` takes the larger exponent out of the
logarithm first, so nothing overflows. For a large $\ell$ it is $\ell$, for a very negative one it is zero. A white
pixel at $\ell = -800$ therefore costs 800 nats, a finite price, and at $\ell = 800$ nothing.

The sum runs over pixels, because the likelihood is a product over them. A mean in its place divides this term by
$D$ and leaves the KL as it is: that is the slip of {doc}`11.4.6 <../notebooks/11-4-6-mean-or-sum>`, $\beta = D$.
""",
    afterwards="""
from lecture_lib.datasets import load_digits

x = load_digits().x_train[:1000].round()
share = x.mean(axis=0).clip(1e-3, 1 - 1e-3)  # of digits that are white there
logits = np.log(share / (1 - share))
for scale in (0, 0.5, 1, 2, 100):  # the same guess, less sure or more
    nats = bernoulli_reconstruction(x, scale * np.tile(logits, (1000, 1)))
    print(f"logits times {scale:5}: {nats.mean():10.1f} nats a digit")
""",
)


@exercise.reference
def bernoulli_reconstruction(x, logits):
    """log p(x|z) of each row under a Bernoulli likelihood, in nats.

    x : array, shape (B, D), zeros and ones
    logits : array, shape (B, D), log(p / (1 - p)) for each pixel, of any size
    returns : array, shape (B,)
    """
    return (x * logits - np.logaddexp(0, logits)).sum(axis=1)


@exercise.inputs
def inputs(rng):
    for rows in (4, 1, 6):
        D = int(rng.integers(7, 10))
        x = (rng.random((rows, D)) < 0.4).astype(float)
        yield x, 2 * rng.normal(size=(rows, D))
    # far out on the right side, and on the wrong one
    x = np.array([[1.0, 0, 1, 0, 1], [1, 0, 0, 1, 0]])
    yield x, np.array([[800.0, -800, 1, 2, 0.5], [-800, 800, 800, 3, -2]])
    yield np.array([[1.0, 0, 1, 0]]), np.zeros((1, 4))


def _log_probabilities(logits):
    return -np.logaddexp(0, -logits), -np.logaddexp(0, logits)


@exercise.mistake
def rounds_to_zero_or_one(x, logits):
    """Right for moderate logits, and NaN for large ones. There p rounds to exactly zero or one, and the logarithm of
    zero is infinite. Can you write log p and log(1 − p) with the logit alone, without p?"""
    p = 1 / (1 + np.exp(-logits))
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)


@exercise.mistake
def exponential_overflows(x, logits):
    """Your formula is right, but its exponential of a logit of 800 is too large for the computer, and the result is −∞.
    For such a logit, what is the logarithm of 1 plus its exponential, nearly? There is a function that adds in
    logarithms."""
    return (x * logits - np.log(1 + np.exp(logits))).sum(axis=1)


@exercise.mistake
def probabilities_clipped(x, logits):
    """Right for moderate logits, but no pixel of yours costs more than 17 nats: you keep p away from zero and one by
    1e-7. That hides the trouble and flattens the slope as well. Can the logarithms be had without p?"""
    p = np.clip(1 / (1 + np.exp(-logits)), 1e-7, 1 - 1e-7)
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)


@exercise.mistake
def logarithm_cut_at_100(x, logits):
    """Right for moderate logits, but no pixel of yours costs more than 100 nats. PyTorch's cross-entropy of
    probabilities cuts the logarithm there, since what the logits said is lost by then. Is there a form that takes
    the logits?"""
    p = torch.sigmoid(torch.as_tensor(logits))
    x = torch.as_tensor(x).to(p.dtype)
    loss = torch.nn.functional.binary_cross_entropy(p, x, reduction="none")
    return -loss.sum(dim=1)


@exercise.mistake
def averaged_over_pixels(x, logits):
    """You averaged over the pixels. Their probabilities multiply, so their logarithms add up. With a mean, this term
    shrinks by D and the KL beside it does not, which is a β-VAE with β = D by accident. Which of the two is asked
    for?"""
    return (x * logits - np.logaddexp(0, logits)).mean(axis=1)


@exercise.mistake
def sign_of_the_loss(x, logits):
    """Your result is the cross-entropy, a loss, and never negative. A probability is at most one. So which sign has the
    logarithm that is asked for?"""
    return -(x * logits - np.logaddexp(0, logits)).sum(axis=1)


@exercise.mistake
def black_and_white_exchanged(x, logits):
    """Your result has p and 1 − p exchanged: it is best where the decoder is wrong. The logit is large where a one is
    likely. Which of the two logarithms belongs to a pixel with x = 1?"""
    white, black = _log_probabilities(logits)
    return (x * black + (1 - x) * white).sum(axis=1)


@exercise.mistake
def forgot_the_black_pixels(x, logits):
    """Your result counts the pixels that are one and no others. A decoder that paints all white would then be the best
    of all. What does a black pixel say about p?"""
    return (x * _log_probabilities(logits)[0]).sum(axis=1)


@exercise.mistake
def logits_taken_for_probabilities(x, logits):
    """You take the logarithm of the logits themselves, and some are negative, hence NaN. A logit can be any number.
    Which function makes a probability of it, and what is the logarithm of that?"""
    return (x * np.log(logits) + (1 - x) * np.log(1 - logits)).sum(axis=1)


@exercise.mistake
def sigmoid_twice(x, logits):
    """You make probabilities of the logits, and then use these as if they were logits, so the sigmoid acts twice. No
    pixel can come out surer than 0.73 then. At which point of your code do you hold probabilities, and at which
    logits?"""
    p = 1 / (1 + np.exp(-logits))
    return (x * p - np.logaddexp(0, p)).sum(axis=1)


@exercise.variant
def with_a_loop(x, logits):
    result = []
    for row, answers in zip(x, logits, strict=True):
        total = 0.0
        for pixel, ell in zip(row, answers, strict=True):
            against = -ell if pixel == 1 else ell
            total -= max(against, 0) + np.log1p(np.exp(-abs(against)))
        result.append(total)
    return result


@exercise.variant
def two_logarithms(x, logits):
    white, black = _log_probabilities(logits)
    return np.einsum("bd,bd->b", x, white) + np.einsum("bd,bd->b", 1 - x, black)


@exercise.variant
def with_torch(x, logits):
    density = torch.distributions.Bernoulli(logits=torch.as_tensor(logits))
    return density.log_prob(torch.as_tensor(x)).sum(dim=1)


@exercise.variant
def with_the_loss_of_torch(x, logits):
    x, logits = torch.as_tensor(x), torch.as_tensor(logits)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return -loss.sum(dim=1)
