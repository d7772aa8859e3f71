"""Exercise: the Gaussian log-likelihood with all its constants, from log sigma."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The Gaussian term, constants and all",
    page="11-4-5-likelihoods",
    equation="eq-lik-gaussian",
    level="core",
    minutes=15,
    trains="You write a density that can be compared, and whose scale can be learned.",
    statement=r"""
A VAE of faces has a Gaussian likelihood, with one $\sigma$ for all pixels. The weight that is trained is
$\log \sigma$, because it may have any sign. Write $\log p(\x|\z)$ for each row, from the means $\xh$ that the
decoder puts out and from $\log\sigma$, in nats and with every constant.

Much public code leaves the constants out. The gradient for the decoder's weights does not notice. But your number
is to be compared with another model's, and $\sigma$ is to be learned too.

Before you write: if $\xh = \x$ exactly and $\sigma$ is very small, is the result positive or negative?
""",
    solution=r"""
Divide the error by $\sigma$ and the pixel is standard normal: $-\frac12 e_d^2 - \frac12\log 2\pi$ with
$e_d = (x_d - \hat{x}_d) / \sigma$. To get back from $e_d$ to $x_d$ the density is divided by $\sigma$, hence
$-\log\sigma$. Each pixel brings all three terms, so the constant counts $D$ times, as in {eq}`eq-lik-gaussian`,
where it is $\frac{D}{2}\log 2\pi\sigma^2$.

With $\xh = \x$ what is left is $-D(\log\sigma + \frac12\log 2\pi)$. That is positive for small $\sigma$: a density
may be above one. Without $-\log\sigma$ the training would make $\sigma$ as large as it can, for then errors cost
nothing.
""",
    afterwards="""
from lecture_lib.datasets import load_digits

x = load_digits().x_train[:500]
x_hat = np.tile(x.mean(axis=0), (500, 1))  # the mean digit, for everyone
for sigma in (0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0):
    nats = gaussian_reconstruction(x, x_hat, np.log(sigma)).mean()
    print(f"sigma {sigma:4}: {nats:10.1f} nats a digit")
print("root of the mean squared error:", ((x - x_hat) ** 2).mean() ** 0.5)
""",
)


@exercise.reference
def gaussian_reconstruction(x, x_hat, log_sigma):
    """log p(x|z) of each row under a Gaussian likelihood, in nats.

    x : array, shape (B, D)
    x_hat : array, shape (B, D), the means that the decoder puts out
    log_sigma : float, the logarithm of sigma, which all pixels share
    returns : array, shape (B,)
    """
    error = (x - x_hat) / np.exp(log_sigma)
    per_pixel = -0.5 * error**2 - log_sigma - 0.5 * np.log(2 * np.pi)
    return per_pixel.sum(axis=1)


@exercise.inputs
def inputs(rng):
    for rows, log_sigma in [(4, -1.2), (1, 0.7), (7, -0.4)]:
        D = int(rng.integers(8, 11))
        shape = (rows, D)
        yield rng.normal(size=shape), rng.normal(size=shape), log_sigma + 0.2 * rng.random()
    x = rng.normal(size=(2, 5))
    yield x, x.copy(), -2.0  # no error at all: the density is above one


def _squares(x, x_hat):
    return ((x - x_hat) ** 2).sum(axis=1)


def _constant(x, log_sigma):
    return x.shape[1] * (log_sigma + 0.5 * np.log(2 * np.pi))


@exercise.mistake
def constant_counted_once(x, x_hat, log_sigma):
    """The part without the error counts once for each row in your result. Every pixel has a density with a constant of
    its own, and densities multiply. How many times does it belong there?"""
    return -_squares(x, x_hat) / (2 * np.exp(2 * log_sigma)) - log_sigma - 0.5 * np.log(2 * np.pi)


@exercise.mistake
def taken_for_the_log_variance(x, x_hat, log_sigma):
    """Your result is right for an argument that is log σ². It is log σ here, the logarithm of the standard deviation.
    How do the two differ?"""
    return -_squares(x, x_hat) / (2 * np.exp(log_sigma)) - _constant(x, log_sigma / 2)


@exercise.mistake
def taken_for_sigma(x, x_hat, log_sigma):
    """You use the argument as if it were σ itself. It is a logarithm, so it may be negative, and σ may not. Which
    function makes σ of it?"""
    return -_squares(x, x_hat) / (2 * log_sigma**2) - _constant(x, np.log(abs(log_sigma)))


@exercise.mistake
def sigma_for_variance(x, x_hat, log_sigma):
    """In your result the squared error is divided by 2σ, where the variance belongs. Its unit shows it: squares of x
    over x leave a unit, and an exponent has none. What must stand under the square?"""
    return -_squares(x, x_hat) / (2 * np.exp(log_sigma)) - _constant(x, log_sigma)


@exercise.mistake
def half_of_log_sigma(x, x_hat, log_sigma):
    """In your result log σ counts half. The formula has half the logarithm of the variance. How much of log σ is
    that?"""
    return -_squares(x, x_hat) / (2 * np.exp(2 * log_sigma)) - _constant(x, log_sigma / 2)


@exercise.mistake
def forgot_the_half(x, x_hat, log_sigma):
    """In your result each squared error costs twice what it should. The exponent of a Gaussian has a factor in front of
    its square. Where did it go?"""
    return -_squares(x, x_hat) / np.exp(2 * log_sigma) - _constant(x, log_sigma)


@exercise.mistake
def forgot_two_pi(x, x_hat, log_sigma):
    """Your result lacks the constant with π, and is too high by 0.92 nats for each dimension. It does not move the
    optimum, but your value cannot be compared with others. What is the density of a standard normal at zero?"""
    return -_squares(x, x_hat) / (2 * np.exp(2 * log_sigma)) - x.shape[1] * log_sigma


@exercise.mistake
def constants_left_out(x, x_hat, log_sigma):
    """You have the squared error over 2σ² and nothing else. So your value is no density, and cannot be compared. Worse,
    a huge σ would cost nothing. Which terms make the density integrate to one?"""
    return -_squares(x, x_hat) / (2 * np.exp(2 * log_sigma))


@exercise.mistake
def mean_squared_error(x, x_hat, log_sigma):
    """You averaged the squared error over the pixels, while the constant counts for each of them. The logarithms of
    independent pixels add up, so the first part is too small by a factor D. Which word of your code averages?"""
    squares = _squares(x, x_hat) / x.shape[1]
    return -squares / (2 * np.exp(2 * log_sigma)) - _constant(x, log_sigma)


@exercise.mistake
def averaged_over_pixels(x, x_hat, log_sigma):
    """You averaged over the pixels. Densities of independent pixels multiply, so their logarithms add up. With a mean
    the KL weighs D times too much beside it. Which of the two does the equation have?"""
    squares = _squares(x, x_hat) / (2 * np.exp(2 * log_sigma))
    return (-squares - _constant(x, log_sigma)) / x.shape[1]


@exercise.mistake
def sign_of_the_loss(x, x_hat, log_sigma):
    """Your result is minus the log-likelihood, the loss that is made small. The exercise asks for what is made large.
    Which sign has the squared error there?"""
    return _squares(x, x_hat) / (2 * np.exp(2 * log_sigma)) + _constant(x, log_sigma)


@exercise.variant
def as_printed(x, x_hat, log_sigma):
    sigma2 = np.exp(log_sigma) ** 2
    result = -_squares(x, x_hat) / (2 * sigma2)
    return result - x.shape[1] / 2 * np.log(2 * np.pi * sigma2)


@exercise.variant
def with_a_loop(x, x_hat, log_sigma):
    result = []
    for row, guess in zip(x, x_hat, strict=True):
        total = 0.0
        for value, mean in zip(row, guess, strict=True):
            density = np.exp(-0.5 * ((value - mean) / np.exp(log_sigma)) ** 2)
            total += np.log(density / np.exp(log_sigma) / np.sqrt(2 * np.pi))
        result.append(total)
    return result


@exercise.variant
def with_torch(x, x_hat, log_sigma):
    density = torch.distributions.Normal(torch.as_tensor(x_hat), float(np.exp(log_sigma)))
    return density.log_prob(torch.as_tensor(x)).sum(dim=1)
