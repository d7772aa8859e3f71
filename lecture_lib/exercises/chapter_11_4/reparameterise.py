"""Exercise: codes drawn from what an encoder puts out, with the noise given."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Make draws out of noise",
    page="11-4-4-reparameterisation",
    equation="eq-pathwise",
    level="warm-up",
    minutes=10,
    trains="You can draw codes so that the draw moves with the mean and the width of q.",
    statement=r"""
The pathwise estimator needs draws that move when $\mu$ and $\sigma$ move: $f'$ is taken at a point that is computed
from noise. An encoder has put out the means $\mu_{ij}$ and the *logarithms of the variances*, $\log\sigma_{ij}^2$,
for a batch of $B$ rows. Standard Gaussian noise is given, $S$ times for each row. Return the $S$ draws of the
codes.

Before you write: what must come out where the noise is zero? And what is $\sigma$ where $\log\sigma^2 = 0$?
""",
    solution=r"""
A draw from $\N(\mu, \sigma^2)$ is $\mu + \sigma\varepsilon$, with the *standard deviation* in front of the noise,
as in {eq}`eq-pathwise`. With $\ell = \log\sigma^2$ it is $\sigma = \sqrt{e^{\ell}} = e^{\ell/2}$. The noise has one
axis more, at the front, and NumPy repeats the means and widths along it. Where the noise is zero the draw is the
mean, and where the logarithm is 0 both variance and standard deviation are 1.

With $e^{\ell}$ for $\sigma$ the program would run as well, and its draws would have the right mean. They belong to
another Gaussian, though, and the bound computed with them is no bound. See
{doc}`the note on log σ² <../notebooks/11-4-3-vae>`.
""",
    afterwards=r"""
import matplotlib.pyplot as plt

noise = np.random.default_rng(0).normal(size=(8, 1, 1))
widths = np.linspace(-4, 2, 61)[:, None]  # log σ²: 61 rows of Q = 1
paths = reparameterise(0 * widths, widths, noise * np.ones((61, 1)))
for path in paths:  # keep the noise, turn the knob: each draw moves
    plt.plot(widths, path)
plt.xlabel("log σ²")
plt.ylabel("the same eight draws");
""",
)


@exercise.reference
def reparameterise(mu, log_var, noise):
    """Draws from N(mu, sigma²), made from standard Gaussian noise.

    mu : array, shape (B, Q), the means
    log_var : array, shape (B, Q), log sigma²
    noise : array, shape (S, B, Q), draws from N(0, 1)
    returns : array, shape (S, B, Q)
    """
    return mu + np.exp(log_var / 2) * noise


@exercise.inputs
def inputs(rng):
    for draws, rows, dims in [(2, 4, 3), (5, 1, 2), (1, 3, 4)]:
        shape = (rows + rng.integers(2), dims)
        yield rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=(draws, *shape))
    yield rng.normal(size=(2, 3)), np.full((2, 3), -3.0), rng.normal(size=(4, 2, 3))


@exercise.mistake
def variance_as_scale(mu, log_var, noise):
    """Your draws have σ² as their standard deviation. The argument is the logarithm of a variance. What has to be
    done to a variance before it may scale the noise?"""
    return mu + np.exp(log_var) * noise


@exercise.mistake
def logarithm_as_scale(mu, log_var, noise):
    """You scaled the noise by the logarithm itself. It may be negative or zero, which a standard deviation never
    is. How does one get from `log_var` back to σ?"""
    return mu + log_var * noise


@exercise.mistake
def half_in_front(mu, log_var, noise):
    """Your scale is half of the variance. The one half is right and stands in the wrong place: the root of an
    exponential is not half of it. What is the root of e to the power a?"""
    return mu + np.exp(log_var) / 2 * noise


@exercise.mistake
def noise_unscaled(mu, log_var, noise):
    """Your draws do not depend on `log_var`: all of them have variance 1. A sharp q and a wide one would give the
    same codes. What must the noise be multiplied by?"""
    return mu + noise


@exercise.mistake
def mean_scaled_too(mu, log_var, noise):
    """The mean of your draws is not μ, since μ was scaled along with the noise. Set the noise to zero and look. In
    which order are stretching and shifting done?"""
    return np.exp(log_var / 2) * (mu + noise)


@exercise.mistake
def divided_by_sigma(mu, log_var, noise):
    """You divided the noise by σ. That is how a draw is turned into standard noise, the way back. Should a larger
    variance bring the draws closer together?"""
    return mu + noise / np.exp(log_var / 2)


@exercise.mistake
def root_of_the_logarithm(mu, log_var, noise):
    """You took the root of the logarithm, and where the logarithm is negative there is none. The root is of the
    variance. What has to come before it?"""
    return mu + np.sqrt(log_var) * noise


@exercise.variant
def with_a_loop(mu, log_var, noise):
    sigma = np.sqrt(np.exp(log_var))
    return np.stack([mu + sigma * eps for eps in noise])


@exercise.variant
def with_torch(mu, log_var, noise):
    mu, log_var, noise = (torch.as_tensor(value) for value in (mu, log_var, noise))
    return torch.addcmul(mu, (0.5 * log_var).exp(), noise)
