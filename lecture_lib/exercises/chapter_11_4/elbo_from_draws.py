"""Exercise: the evidence lower bound, estimated from draws."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The bound from a few draws",
    page="11-4-2-elbo",
    equation="eq-elbo-estimate",
    level="core",
    minutes=20,
    trains="You can estimate the bound of a whole batch, with each sum and each mean over its axis.",
    statement=r"""
Where the KL to the prior has no closed form, the ELBO is estimated as a whole, from draws. The prior is
$\N(\mathbf{0}, \mathbf{I})$ in $Q$ dimensions, and
$q(\z_i|\x_i) = \N(\boldsymbol{\mu}_i, \operatorname{diag}\boldsymbol{\sigma}_i^2)$ for each row of a batch. From
each of these $q$ there are $S$ draws, and a decoder has told $\log p(\x_i|\z_{si})$ for each draw. Estimate the
ELBO of each row.

Before you write: which constants need not be written, since they are in both densities of $\z$? And what must come
out if $q$ is the prior?
""",
    solution=r"""
The logarithm of the weight is $\log p(\x|\z) + \log p(\z) - \log q(\z|\x)$. The latent dimensions are independent
under the prior and under $q$, so both logarithms are *sums* over $j$, {eq}`eq-recognition`;
$-\tfrac{Q}{2}\log 2\pi$ is in both and drops out. Then comes the *mean* over the $S$ draws, {eq}`eq-elbo-estimate`:
of the logarithms, not the logarithm of a mean. The batch keeps its axis. If $q$ is the prior, the two densities of
$\z$ cancel, and the mean log-likelihood is left.

The logarithm of the mean of the weights would be a bound as well, a tighter one:
{doc}`11.4.8 <../notebooks/11-4-8-importance-weights>` is about it. Its mean over the noise is not the ELBO, though.
""",
    afterwards=r"""
import matplotlib.pyplot as plt

# a model that can be solved: x = z + noise, both N(0, 1), seen at x = 1
rng = np.random.default_rng(0)
plt.axhline(-0.5 * np.log(4 * np.pi) - 0.25, color="0.8", lw=6)  # log p(x)
for width in [0.2, 2**-0.5, 2.0]:
    z = 0.5 + width * rng.normal(size=(20, 200, 1))
    log_lik = -0.5 * (np.log(2 * np.pi) + (1 - z[:, :, 0]) ** 2)
    mu, sigma = np.full((200, 1), 0.5), np.full((200, 1), width)
    plt.plot(elbo_from_draws(log_lik, z, mu, sigma), label=f"σ = {width:.2f}")
plt.legend();  # which width is the posterior's?
""",
)


@exercise.reference
def elbo_from_draws(log_likelihood, z, mu, sigma):
    """The ELBO of each row of a batch, estimated from S draws each, in nats.

    log_likelihood : array, shape (S, B), log p(x|z) at each draw
    z : array, shape (S, B, Q), the draws from q
    mu : array, shape (B, Q), the means of q
    sigma : array, shape (B, Q), the standard deviations of q
    returns : array, shape (B,)
    """
    log_prior = -(z**2).sum(axis=2) / 2
    log_q = -(((z - mu) / sigma) ** 2 / 2 + np.log(sigma)).sum(axis=2)
    return (log_likelihood + log_prior - log_q).mean(axis=0)


@exercise.inputs
def inputs(rng):
    for draws, rows, dims in [(5, 4, 3), (3, 1, 2), (2, 6, 1)]:
        draws = draws + rng.integers(2)
        mu, sigma = rng.normal(size=(rows, dims)), rng.uniform(0.3, 2.0, size=(rows, dims))
        z = mu + sigma * rng.normal(size=(draws, rows, dims))
        yield rng.normal(-6, 2, size=(draws, rows)), z, mu, sigma
    z = rng.normal(size=(4, 2, 3))  # q is the prior
    yield rng.normal(-6, 2, size=(4, 2)), z, np.zeros((2, 3)), np.ones((2, 3))


def log_densities(z, mu, sigma):
    """Both without their common constant, dimension by dimension."""
    return -(z**2) / 2, -(((z - mu) / sigma) ** 2) / 2 - np.log(sigma)


@exercise.mistake
def log_of_the_mean(log_likelihood, z, mu, sigma):
    """You took the logarithm of the mean weight. That is a bound too, a tighter one, which the book reaches in
    11.4.8; it is not the ELBO. In which order do mean and logarithm stand here?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    log_w = log_likelihood + (log_prior - log_q).sum(axis=2)
    return np.log(np.exp(log_w).mean(axis=0))


@exercise.mistake
def summed_over_draws(log_likelihood, z, mu, sigma):
    """You summed over the draws, so that twice as many draws give twice the bound. The draws stand for an average
    over q. What belongs in front of the sum?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    return (log_likelihood + (log_prior - log_q).sum(axis=2)).sum(axis=0)


@exercise.mistake
def averaged_over_dimensions(log_likelihood, z, mu, sigma):
    """You averaged the log densities over the latent dimensions, which counts them Q times too little. The density
    of independent dimensions is a product. What does the logarithm make of it?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    return (log_likelihood + (log_prior - log_q).mean(axis=2)).mean(axis=0)


@exercise.mistake
def log_q_added(log_likelihood, z, mu, sigma):
    """You added log q. The bound rewards a wide q, and yours a narrow one: it grows as σ shrinks. On which side of
    the fraction does q stand in a weight?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    return (log_likelihood + (log_prior + log_q).sum(axis=2)).mean(axis=0)


@exercise.mistake
def price_added(log_likelihood, z, mu, sigma):
    """You added the mean of log q − log p(z) to the reconstruction, so that your bound grows as q leaves the prior.
    That mean is a price. Which sign has a price in a number that is raised?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    return (log_likelihood + (log_q - log_prior).sum(axis=2)).mean(axis=0)


@exercise.mistake
def log_q_forgotten(log_likelihood, z, mu, sigma):
    """Your bound holds the log joint and nowhere `log q`, as if the code came for free. It would be highest for a q
    that is all but a point. What is below the line in a weight?"""
    log_prior, _ = log_densities(z, mu, sigma)
    return (log_likelihood + log_prior.sum(axis=2)).mean(axis=0)


@exercise.mistake
def variance_not_squared(log_likelihood, z, mu, sigma):
    """In log q you divided the squared distance by σ, where the variance belongs. `sigma` is a standard deviation.
    In which unit is a square measured?"""
    log_prior, _ = log_densities(z, mu, sigma)
    log_q = -((z - mu) ** 2) / (2 * sigma) - np.log(sigma)
    return (log_likelihood + (log_prior - log_q).sum(axis=2)).mean(axis=0)


@exercise.mistake
def log_sigma_forgotten(log_likelihood, z, mu, sigma):
    """Your log q lacks the factor in front of the exponential: a narrow Gaussian is also a high one. Constants drop
    out here, this one does not, since the widths of q differ. Which term is it?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    return (log_likelihood + (log_prior - log_q - np.log(sigma)).sum(axis=2)).mean(axis=0)


@exercise.mistake
def log_sigma_halved(log_likelihood, z, mu, sigma):
    """In log q the logarithm of the width counts half. One half stands before the logarithm of a variance. Which of
    the two does `sigma` hold?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    return (log_likelihood + (log_prior - log_q - np.log(sigma) / 2).sum(axis=2)).mean(axis=0)


@exercise.mistake
def constant_on_one_side(log_likelihood, z, mu, sigma):
    """One of the two densities of z has its constant and the other does not: the result is off by a multiple of log
    2π. Leave it out of both or write it in both. What comes out if q is the prior?"""
    log_prior, log_q = log_densities(z, mu, sigma)
    constant = np.log(2 * np.pi) / 2
    return (log_likelihood + (log_prior - log_q + constant).sum(axis=2)).mean(axis=0)


@exercise.mistake
def kl_in_closed_form(log_likelihood, z, mu, sigma):
    """You took the KL to the prior in closed form. That is a good estimate too, often a calmer one. Here the whole
    bound is to come from the draws, as it must where the KL has no formula. What does each draw say about both
    densities?"""
    kl = ((mu**2 + sigma**2 - 1) / 2 - np.log(sigma)).sum(axis=1)
    return log_likelihood.mean(axis=0) - kl


@exercise.variant
def with_a_loop(log_likelihood, z, mu, sigma):
    total = 0.0
    for log_lik, code in zip(log_likelihood, z, strict=True):
        log_w = log_lik.copy()
        for j in range(mu.shape[1]):
            eps = (code[:, j] - mu[:, j]) / sigma[:, j]
            log_w += 0.5 * eps**2 - 0.5 * code[:, j] ** 2 + np.log(sigma[:, j])
        total = total + log_w
    return total / len(z)


@exercise.variant
def with_torch(log_likelihood, z, mu, sigma):
    log_likelihood, z, mu, sigma = (torch.as_tensor(v) for v in (log_likelihood, z, mu, sigma))
    q = torch.distributions.Independent(torch.distributions.Normal(mu, sigma), 1)
    zero, one = torch.zeros_like(mu), torch.ones_like(mu)
    prior = torch.distributions.Independent(torch.distributions.Normal(zero, one), 1)
    return (log_likelihood + prior.log_prob(z) - q.log_prob(z)).mean(dim=0)
