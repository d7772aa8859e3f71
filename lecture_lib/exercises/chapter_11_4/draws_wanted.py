"""Exercise: how many draws from the prior an estimate of log p(x) takes."""

import numpy as np
import torch
from scipy.special import logsumexp

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="How many draws does it take?",
    page="11-4-1-intractable",
    equation="eq-log-estimate-bias",
    level="core",
    minutes=20,
    rtol=1e-3,  # in float32 a log-likelihood of -3850 has an error of 1e-4, and squares double it
    trains="You can tell from a pilot run how many draws an estimate needs, even where the likelihoods underflow.",
    statement=r"""
Somebody wants to know $\log p(\x)$ of some images to within a tenth of a nat, by draws from the prior. Before the
long run you make a pilot run: $n$ draws for each image, and the log-likelihood of each draw. How many draws are
needed for the standard error wanted? Estimate from the pilot run, for each image, the relative variance
$\rho(\x)$: the variance of $p(\x|\z)$ over the square of its mean. Take the plain variance (divided by $n$), and
solve for the number of draws. Leave it unrounded.

The log-likelihoods are typical ones: around $-900$, and thousands of nats below that for some of the images. What
does `np.exp(-900)` give? Why does a factor that all likelihoods of an image share drop out of $\rho$?
""",
    solution=r"""
The standard error is about $\sqrt{\rho/n}$, {eq}`eq-log-estimate-bias`; set it equal to the error $h$ that is wanted and solve, $n = \rho / h^2$. A tenth of the error takes a hundred times the draws.

In double precision $e^{-900}$ is zero. But $\rho$ {eq}`eq-relative-variance` is a variance over a *squared* mean,
so a common factor drops out. Take out the largest likelihood of each image, which in logarithms is a subtraction;
then the largest number is 1 and nothing of weight is lost. Each image needs a factor of its own: one image may be
less likely than another by thousands of nats.

Be careful with the answer. A pilot run that missed the island where the posterior lives finds a small $\rho$, and
promises a good estimate. And the formula wants $n$ large against $\rho$, in the pilot run as well.
""",
    afterwards=r"""
# x = z + noise of N(0, 0.3²) in Q dimensions, seen at x = 0
rng = np.random.default_rng(0)
for Q in [1, 2, 4, 8, 16]:
    z = rng.normal(size=(50_000, Q))
    log_lik = -0.5 * ((z / 0.3) ** 2).sum(axis=1, keepdims=True)
    print(f"Q = {Q:2}: {draws_wanted(log_lik, 0.1)[0]:10,.0f} draws wanted")
# The exact 1 + rho grows by the same factor with each dimension. Which of
# these answers would you not trust?
""",
)


@exercise.reference
def draws_wanted(log_likelihoods, error):
    """How many prior draws bring log p(x) to a given standard error.

    log_likelihoods : array, shape (n, B), log p(x|z), n draws for B images
    error : number, the standard error wanted, in nats
    returns : array, shape (B,), not rounded
    """
    shifted = log_likelihoods - log_likelihoods.max(axis=0)
    likelihoods = np.exp(shifted)
    rho = likelihoods.var(axis=0) / likelihoods.mean(axis=0) ** 2
    return rho / error**2


@exercise.inputs
def inputs(rng):
    # levels that differ by thousands: no shift suits two images at once
    for draws, rows, spread in [(6, 4, 1.0), (5, 3, 0.5), (4, 1, 2.0)]:
        level = rng.permutation(np.arange(rows)) * -1000.0 - 850
        logs = level + spread * rng.normal(size=(draws + rng.integers(2), rows))
        yield logs, rng.uniform(0.05, 0.5)
    yield rng.normal(size=(7, 2)), 0.2  # likelihoods that can be written down


def relative_variance(logs):
    weights = np.exp(logs - logs.max(axis=0))
    return weights.var(axis=0) / weights.mean(axis=0) ** 2


@exercise.mistake
def no_common_factor(log_likelihoods, error):
    """Your likelihoods come out as zero, and zero is divided by zero. They are too small for a computer's numbers,
    but their ratios are not. Which factor may be taken out of all likelihoods of one image?"""
    likelihoods = np.exp(log_likelihoods)
    return likelihoods.var(axis=0) / likelihoods.mean(axis=0) ** 2 / error**2


@exercise.mistake
def one_factor_for_all_images(log_likelihoods, error):
    """You took one common factor out of the whole table. Images that are less likely by a thousand nats become zero
    with it. Does `rho` of one image depend on the others?"""
    likelihoods = np.exp(log_likelihoods - log_likelihoods.max())
    return likelihoods.var(axis=0) / likelihoods.mean(axis=0) ** 2 / error**2


@exercise.mistake
def error_not_squared(log_likelihoods, error):
    """You divided by the error, not by its square. Half the error takes four times the draws. Under which root does
    the number of draws stand?"""
    return relative_variance(log_likelihoods) / error


@exercise.mistake
def root_taken(log_likelihoods, error):
    """Your number is the root of the right one. With it, half the error would take twice the draws. How does a
    standard error fall as the number of draws grows?"""
    return np.sqrt(relative_variance(log_likelihoods)) / error


@exercise.mistake
def deviation_for_variance(log_likelihoods, error):
    """You divided a standard deviation by the mean, where the variance and the squared mean belong. Look at the
    definition of the relative variance again. Which powers are in it?"""
    return np.sqrt(relative_variance(log_likelihoods)) / error**2


@exercise.mistake
def solved_the_bias(log_likelihoods, error):
    """You made the bias as small as the error wanted, which takes fewer draws. The scatter of the estimate is far
    larger than its bias. Which of the two formulas holds the standard error?"""
    return relative_variance(log_likelihoods) / (2 * error)


@exercise.mistake
def variance_of_the_logarithms(log_likelihoods, error):
    """You took the variance of the log-likelihoods. What is averaged over the draws is the likelihood itself, and
    the logarithm comes last. Of which numbers is `rho` the relative variance?"""
    return log_likelihoods.var(axis=0) / error**2


@exercise.mistake
def mean_forgotten(log_likelihoods, error):
    """You took the variance of the likelihoods, and did not compare it with their mean. It depends on the common
    factor that you have taken out. What must it be divided by?"""
    return np.exp(log_likelihoods - log_likelihoods.max(axis=0)).var(axis=0) / error**2


@exercise.mistake
def divided_by_one_less(log_likelihoods, error):
    """Your variance is divided by n − 1. That is often wise, but here the plain variance is asked for. What does
    your formula give for a pilot run of a single draw?"""
    n = len(log_likelihoods)
    return relative_variance(log_likelihoods) * n / (n - 1) / error**2


@exercise.mistake
def over_the_images(log_likelihoods, error):
    """You took mean and variance over the images, so that there is one number for each draw. Each image has a
    relative variance of its own. Which axis holds the draws?"""
    return relative_variance(log_likelihoods.T) / error**2


@exercise.mistake
def rounded_up(log_likelihoods, error):
    """Your numbers are right up to the rounding. One cannot make half a draw, but the number is an estimate itself,
    and is asked for as it comes out. Which step did you add?"""
    return np.ceil(relative_variance(log_likelihoods) / error**2)


@exercise.variant
def in_logarithms(log_likelihoods, error):
    n = len(log_likelihoods)
    log_mean = logsumexp(log_likelihoods, axis=0) - np.log(n)
    log_mean_square = logsumexp(2 * log_likelihoods, axis=0) - np.log(n)
    return np.expm1(log_mean_square - 2 * log_mean) / error**2


@exercise.variant
def with_a_loop(log_likelihoods, error):
    wanted = []
    for logs in log_likelihoods.T:
        likelihoods = np.exp(logs - np.mean(logs))
        relative = likelihoods / likelihoods.mean() - 1
        wanted.append((relative**2).mean() / error**2)
    return wanted


@exercise.variant
def with_torch(log_likelihoods, error):
    weights = torch.softmax(torch.as_tensor(log_likelihoods), dim=0) * len(log_likelihoods)
    return weights.var(dim=0, correction=0) / error**2
