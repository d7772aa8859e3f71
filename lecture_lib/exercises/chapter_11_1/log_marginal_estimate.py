"""Exercise: the logarithm of a Monte Carlo average, where the densities are out of range."""

import math

import numpy as np
import torch
from scipy.special import logsumexp

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Average what cannot be written down",
    page="11-1-3-generative-models",
    equation="eq-marginal-mc",
    level="core",
    minutes=15,
    trains="You average densities that are too small for the computer, in their logarithms.",
    statement=r"""
For pictures the likelihoods $p(\x \mid \z_s)$ are numbers like $e^{-2000}$, or with little noise $e^{1500}$. A
computer rounds the first to zero and the second to infinity. So a decoder hands over their logarithms, a row for each
data point and a column for each draw $\z_s$ from the prior. We still want the Monte Carlo estimate, as a logarithm
too: $\log \hat{p}_n(\x)$ for each data point.

The factor that makes all numbers of a row harmless may be chosen, as long as it is given back at the end. Which one
is safe for *every* row?

Before you write: what must come out if there is one draw only? And if all draws have the same likelihood?
""",
    solution=r"""
The estimate is an average of likelihoods, so the logarithm comes last: $\log \frac1n \sum_s e^{\ell_s}$ with
$\ell_s = \log p(\x \mid \z_s)$. For any number $m$,

$$
\log \frac1n \sum_{s=1}^{n} e^{\ell_s} = m + \log \frac1n \sum_{s=1}^{n} e^{\ell_s - m} .
$$

With the largest $\ell_s$ of the row as $m$ nothing can overflow, as no exponent is above zero, and the sum is at
least one, so its logarithm is safe. What is rounded to zero then is too small to matter. Each row needs an $m$ of its
own: the best draw of one picture may be a thousand nats from that of another. This is the log-sum-exp trick, and
{doc}`chapter 11.4 <../notebooks/11-4-8-importance-weights>` uses it for every log-likelihood that it estimates.

With one draw the estimate is that draw's likelihood. With equal draws it is their common one: dividing by $n$ sees to
that.
""",
    afterwards=r"""
from scipy.stats import norm

from lecture_lib.toy import curve_point

rng = np.random.default_rng(0)
x, sigma = curve_point(2.5), 0.15  # a place that draws seldom hit
for n in (10, 100, 1_000, 10_000, 100_000):  # ten tries each
    places = curve_point(rng.standard_normal((10, n)))
    log_p = norm.logpdf(x, places, sigma).sum(axis=2)
    tries = log_marginal_estimate(log_p)
    print(f"{n:7} draws: from {tries.min():8.2f} to {tries.max():.2f}")
# Why do few draws err so far downwards, and so little upwards?
""",
)


@exercise.reference
def log_marginal_estimate(log_p):
    """Log of the Monte Carlo estimate of p(x), in nats, for each data point.

    log_p : array, shape (N, n), log p(x|z) of each point for its n draws of z
    returns : array, shape (N,)
    """
    largest = log_p.max(axis=1)
    ratios = np.exp(log_p - largest[:, None])  # none is above one
    return largest + np.log(ratios.mean(axis=1))


@exercise.inputs
def inputs(rng):
    yield rng.normal(-3, 2, size=(4, 6 + int(rng.integers(4))))
    yield rng.normal(-1, 1, size=(7, 3))
    # rows a thousand nats apart, with draws that differ by more than a float can hold
    centres = np.array([[-2500.0], [-900.0], [1500.0], [2.0]])
    yield centres + rng.normal(size=(4, 5)) * np.array([[1.0], [900.0], [1.0], [1.0]])
    # here the smallest number is far from the largest, and the mean is not
    yield np.array([[5.0, 805.0, 805.0], [-800.0, 0.0, 1.0]]) + rng.normal(size=(2, 3))
    yield np.array([[-2000.0, -1000.0, 0.0], [5.0, 805.0, 1605.0]]) + rng.normal(size=(2, 3))
    yield rng.normal(size=(3, 1))  # one draw
    yield np.full((2, 4), rng.normal())


@exercise.mistake
def mean_of_logarithms(log_p):
    """You averaged the logarithms. The estimate averages the likelihoods themselves, and the logarithm comes after
    that. The two differ, most of all where a few draws carry everything. Which one does the equation average?"""
    return log_p.mean(axis=1)


@exercise.mistake
def sum_for_mean(log_p):
    """A sum stands where an average belongs: your estimate grows with the number of draws. With equal likelihoods it
    should be what each of them is. What does a division become in the logarithm?"""
    largest = log_p.max(axis=1)
    return largest + np.log(np.exp(log_p - largest[:, None]).sum(axis=1))


@exercise.mistake
def divided_by_the_points(log_p):
    """You added up the likelihoods of a row and divided by the number of data points. An average is divided by how
    many numbers it adds up. Which axis tells how many draws there are?"""
    return logsumexp(log_p, axis=1) - np.log(len(log_p))


@exercise.mistake
def exponential_first(log_p):
    """Right where the numbers are harmless, and infinite where they are not: an exponential was rounded to zero, or
    grew beyond what a float can hold. Which factor could you take out of the average first?"""
    return np.log(np.exp(log_p).mean(axis=1))


@exercise.mistake
def one_shift_for_all_rows(log_p):
    """You took one and the same largest number out of all rows. A row that lies a thousand nats lower is then rounded
    to zero all the same. What would be a safe number for each row?"""
    return log_p.max() + np.log(np.exp(log_p - log_p.max()).mean(axis=1))


@exercise.mistake
def smallest_taken_out(log_p):
    """You took the smallest number of each row out. Then no exponent is below zero, and those that are large
    overflow. It is harmless if an exponential becomes zero. Which end of the row makes all of them small?"""
    smallest = log_p.min(axis=1)
    return smallest + np.log(np.exp(log_p - smallest[:, None]).mean(axis=1))


@exercise.mistake
def mean_taken_out(log_p):
    """You took the mean of each row out. That helps, but a draw that lies far above the mean still overflows. It is
    harmless if an exponential becomes zero. What could you take out so that none is above one?"""
    middle = log_p.mean(axis=1)
    return middle + np.log(np.exp(log_p - middle[:, None]).mean(axis=1))


@exercise.mistake
def logarithm_divided_by_n(log_p):
    """You divided the logarithm of the sum by the number of draws. The sum itself has to be divided, under the
    logarithm. What does a factor 1/n become outside of it?"""
    return logsumexp(log_p, axis=1) / log_p.shape[1]


@exercise.mistake
def shift_not_given_back(log_p):
    """You took the largest number out of each row, which is a good idea, and did not give it back. As it stands all
    rows come out between −log n and zero. Where does it go in the logarithm?"""
    return np.log(np.exp(log_p - log_p.max(axis=1, keepdims=True)).mean(axis=1))


@exercise.mistake
def averaged_over_points(log_p):
    """You averaged over the data points, so that one number is left for each draw. Every data point has a marginal of
    its own, an average over the draws. Which axis holds those?"""
    largest = log_p.max(axis=0)
    return largest + np.log(np.exp(log_p - largest).mean(axis=0))


@exercise.variant
def with_scipy(log_p):
    return logsumexp(log_p, axis=1) - np.log(log_p.shape[1])


@exercise.variant
def with_torch(log_p):
    log_p = torch.as_tensor(log_p)
    return torch.logsumexp(log_p, dim=1) - math.log(log_p.shape[1])


@exercise.variant
def one_draw_after_the_other(log_p):
    result = []
    for row in log_p:
        total = -np.inf
        for value in row:
            total = np.logaddexp(total, value)
        result.append(total - np.log(len(row)))
    return result
