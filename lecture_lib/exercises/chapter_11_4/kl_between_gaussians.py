"""Exercise: the KL divergence between two Gaussians of one dimension, derived by hand."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The KL of two Gaussians",
    page="11-4-2-elbo",
    equation="eq-kl",
    level="core",
    minutes=20,
    by_hand=True,
    trains="You can derive a divergence from its definition, whatever the second Gaussian is.",
    statement=r"""
With another prior, or to compare two posteriors, one needs the KL divergence between two Gaussians of any mean and
width. Take $q = \N(\mu, \sigma^2)$ and $r = \N(m, s^2)$ in one dimension, and derive $\KL{q}{r}$ from the
definition with pencil and paper. All you need of $q$ is its mean and $\E\,(z - \mu)^2 = \sigma^2$. Then type in the
formula.

Before you start: which values of $\mu$ and $\sigma$ make it zero? And what becomes of it as $s$ grows beyond all
bounds, with $q$ fixed: does it stay finite?
""",
    solution=r"""
The definition {eq}`eq-kl` is the mean over $q$ of $\log q(z) - \log r(z)$. Each logarithm of a Gaussian has three
parts; $-\frac12\log 2\pi$ stands in both and drops out:

$$
\log \frac{q(z)}{r(z)} = \log\frac{s}{\sigma} - \frac{(z - \mu)^2}{2\sigma^2} + \frac{(z - m)^2}{2 s^2} .
$$

Now the mean over $q$. The first term is a constant. In the second $\E\,(z - \mu)^2 = \sigma^2$, so it becomes
$-\frac12$. In the third, write $z - m = (z - \mu) + (\mu - m)$ and square. The mixed term has mean zero, hence
$\E\,(z - m)^2 = \sigma^2 + (\mu - m)^2$, and

$$
\KL{q}{r} = \log\frac{s}{\sigma} + \frac{\sigma^2 + (\mu - m)^2}{2 s^2} - \frac12 .
$$

It is zero for $\mu = m$, $\sigma = s$. As $s$ grows the fraction vanishes and the logarithm grows without end,
though slowly: a prior that is too wide is dear as well, because it has little to give at any one place. With
$m = 0$ and $s = 1$ it is one term of {eq}`eq-kl-closed`.
""",
)


@exercise.reference
def kl_between_gaussians(mu, sigma, m, s):
    """The KL divergence from q = N(mu, sigma²) to r = N(m, s²), in nats.

    mu, sigma : numbers, mean and standard deviation of q
    m, s : numbers, mean and standard deviation of r
    returns : number
    """
    return np.log(s / sigma) + (sigma**2 + (mu - m) ** 2) / (2 * s**2) - 0.5


@exercise.inputs
def inputs(rng):
    for _ in range(3):
        mu, m = rng.normal(size=2)
        sigma, s = rng.uniform(0.4, 2.5, size=2)
        yield mu, sigma, m, s
    yield 1.5, 1.0, -0.5, 1.0  # equal widths
    yield 0.7, 0.5, 0.7, 2.0  # equal means
    yield -0.3, 1.7, -0.3, 1.7  # no difference


@exercise.mistake
def exchanged(mu, sigma, m, s):
    """This is the divergence from r to q. The KL is not symmetric; the mean is over the density that is named
    first. Over which of the two did you average?"""
    return np.log(sigma / s) + (s**2 + (mu - m) ** 2) / (2 * sigma**2) - 0.5


@exercise.mistake
def logarithm_upside_down(mu, sigma, m, s):
    """The logarithm has the wrong sign: your formula can fall below zero, which a KL never does. A narrow q under a
    wide r must be dear. Which width stands above the line?"""
    return np.log(sigma / s) + (sigma**2 + (mu - m) ** 2) / (2 * s**2) - 0.5


@exercise.mistake
def logarithm_of_the_variances(mu, sigma, m, s):
    """Your logarithm is twice as large as it should be. It is that of the ratio of the variances, and the factor in
    front of a log variance is missing. How does log σ² relate to log σ?"""
    return np.log(s**2 / sigma**2) + (sigma**2 + (mu - m) ** 2) / (2 * s**2) - 0.5


@exercise.mistake
def logarithm_halved(mu, sigma, m, s):
    """Your logarithm is half of what it should be. The one half belongs to the logarithm of a variance. Is yours of
    variances or of standard deviations?"""
    return 0.5 * np.log(s / sigma) + (sigma**2 + (mu - m) ** 2) / (2 * s**2) - 0.5


@exercise.mistake
def logarithm_forgotten(mu, sigma, m, s):
    """Your formula has no logarithm. The factor in front of a Gaussian depends on its width, and the two widths
    differ. What is left of these factors when the logarithms are subtracted?"""
    return (sigma**2 + (mu - m) ** 2) / (2 * s**2) - 0.5


@exercise.mistake
def constant_forgotten(mu, sigma, m, s):
    """For two equal Gaussians your formula gives one half, and it should give zero. What is the mean over q of q's
    own exponent?"""
    return np.log(s / sigma) + (sigma**2 + (mu - m) ** 2) / (2 * s**2)


@exercise.mistake
def half_of_the_squares_forgotten(mu, sigma, m, s):
    """The squares count twice in your formula. In the exponent of a Gaussian a factor stands in front of the
    square. What is your value for two equal Gaussians?"""
    return np.log(s / sigma) + (sigma**2 + (mu - m) ** 2) / s**2 - 0.5


@exercise.mistake
def sigma_for_variance(mu, sigma, m, s):
    """You treated `sigma` and `s` as variances. They are standard deviations. Which of your terms have to be
    squared, and what happens to the logarithm?"""
    return 0.5 * np.log(s / sigma) + (sigma + (mu - m) ** 2) / (2 * s) - 0.5


@exercise.mistake
def spread_of_q_forgotten(mu, sigma, m, s):
    """You put the mean of q into the exponent of r. But z scatters about μ, and that adds to its mean square
    distance from m. What is the mean over q of the square of z − m?"""
    return np.log(s / sigma) + (mu - m) ** 2 / (2 * s**2) - 0.5


@exercise.mistake
def width_of_r_not_squared(mu, sigma, m, s):
    """You divided squares by `s`, which is a standard deviation, so that a unit is left over. What stands below the
    square in the exponent of a Gaussian?"""
    return np.log(s / sigma) + (sigma**2 + (mu - m) ** 2) / (2 * s) - 0.5


@exercise.variant
def with_variances(mu, sigma, m, s):
    ratio = sigma**2 / s**2
    return 0.5 * (ratio - 1 - np.log(ratio) + ((mu - m) / s) ** 2)


@exercise.variant
def with_torch(mu, sigma, m, s):
    mu, sigma, m, s = (torch.tensor(value, dtype=torch.float64) for value in (mu, sigma, m, s))
    q, r = torch.distributions.Normal(mu, sigma), torch.distributions.Normal(m, s)
    return torch.distributions.kl_divergence(q, r)


@exercise.variant
def by_quadrature(mu, sigma, m, s):
    u, weights = np.polynomial.hermite_e.hermegauss(3)  # exact for squares
    z = mu + sigma * u
    log_ratio = np.log(s) - np.log(sigma) - u**2 / 2 + (z - m) ** 2 / (2 * s**2)
    return weights @ log_ratio / weights.sum()
