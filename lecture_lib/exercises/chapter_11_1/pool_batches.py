"""Exercise: a Monte Carlo estimate and its error from batches of draws."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="An error bar from batches",
    page="11-1-3-generative-models",
    equation="eq-mc-error",
    level="core",
    minutes=25,
    trains="You put estimates and error bars from several runs together into one.",
    statement=r"""
Ten billion draws do not fit into memory, so they are made in batches. Of each batch only three numbers are
kept: how many draws it had, the mean of their likelihoods $p(\x \mid \z_s)$, and the variance of these (squared
deviations from the batch's own mean, summed and divided by the number of draws *minus one*).

Put the batches together. Wanted are the Monte Carlo estimate of $p(\x)$ and its standard error, exactly as if all
draws had been kept and treated as one long run. There too the variance is taken with one less than the number of
draws.

Before you write: two batches with variance zero each, one with mean 1 and one with mean 3. Is the standard error
zero?
""",
    solution=r"""
The mean of all draws is the sum of all draws over their number, so batches count by their size. Write $p_s = p(\x \mid \z_s)$, and $\hat{p}$ for the mean of all $n = \sum_b n_b$ draws. For the variance in
{eq}`eq-mc-error` we need the squared deviations from $\hat{p}$. Within a batch of $n_b$ draws with mean
$\bar{p}_b$ and variance $v_b$, these split in two:

$$
\sum_{s \in b} (p_s - \hat{p})^2 = \sum_{s \in b} (p_s - \bar{p}_b)^2 + n_b\, (\bar{p}_b - \hat{p})^2 ,
$$

because the mixed term $2(\bar{p}_b - \hat{p}) \sum_{s \in b} (p_s - \bar{p}_b)$ is zero. The first part is
$(n_b - 1)\, v_b$. Add up over the batches, divide by $n - 1$ for the variance of one draw, by $n$ for that of the
average, and take the root.

Two batches with means 1 and 3 and no spread inside: the spread lies between them, and the error is not zero.
""",
    afterwards=r"""
from scipy.stats import norm

from lecture_lib.toy import curve_point

rng, x, sigma, kept = np.random.default_rng(0), curve_point(2.5), 0.15, []
for n in (20_000, 50_000, 100_000, 30_000):
    places = curve_point(rng.standard_normal(n))
    p = norm.pdf(x, places, sigma).prod(axis=1)
    kept.append((n, p.mean(), p.var(ddof=1)))
    p_hat, error = pool_batches(*np.array(kept).T)
    print(f"{len(kept)} batches: p(x) = {p_hat:.6f} +- {error:.6f}")
# Page 11.1.3 has the exact value. How many errors is it away?
""",
)


@exercise.reference
def pool_batches(counts, means, variances):
    """The Monte Carlo estimate of p(x) and its standard error, from batches.

    counts : array, shape (B,), the number of draws of each batch, two or more
    means : array, shape (B,), the mean of p(x|z) over each batch
    variances : array, shape (B,), that of p(x|z), divided by the count minus one
    returns : two numbers, the estimate and its standard error
    """
    n = counts.sum()
    p_hat = (counts * means).sum() / n
    within = ((counts - 1) * variances).sum()
    between = (counts * (means - p_hat) ** 2).sum()
    return p_hat, np.sqrt((within + between) / (n - 1) / n)


@exercise.inputs
def inputs(rng):
    for batches in (3, 6):
        counts = rng.integers(2, 9, size=batches)
        counts[0] = 12
        batch_means = rng.uniform(0.5, 3, size=batches)
        yield counts, batch_means, rng.uniform(0.3, 2, size=batches)
    yield np.array([40, 3]), np.array([0.2, 1.5]), rng.uniform(0.1, 0.3, size=2)
    yield np.array([5, 4, 5]), np.array([1.0, 2.0, 3.0]) + rng.uniform(0, 0.5, 3), np.zeros(3)
    yield np.array([7]), rng.uniform(1, 2, size=1), rng.uniform(1, 2, size=1)  # one batch alone


@exercise.mistake
def batches_count_alike(counts, means, variances):
    """Your estimate is the plain mean of the batch means, so a short batch counts as much as a long one. In one long
    run every draw would count alike. How much should a batch count?"""
    n, p_hat = counts.sum(), means.mean()
    squares = ((counts - 1) * variances + counts * (means - p_hat) ** 2).sum()
    return p_hat, np.sqrt(squares / (n - 1) / n)


@exercise.mistake
def all_count_alike(counts, means, variances):
    """Batches count alike in your answer, whatever their size: means and variances are averaged as they are. In one
    long run every draw would count alike. How much should a batch count?"""
    return means.mean(), np.sqrt(variances.mean() / counts.sum())


@exercise.mistake
def between_batches_forgotten(counts, means, variances):
    """The estimate is right. Your error knows the spread inside the batches only. If their means differ, the draws of
    one batch deviate from the mean of all by more than from their own. Where does that come in?"""
    n = counts.sum()
    return (counts * means).sum() / n, np.sqrt(((counts - 1) * variances).sum() / (n - 1) / n)


@exercise.mistake
def pooled_variance(counts, means, variances):
    """The estimate is right. Your variance is averaged over the batches, which leaves out how far their means lie
    apart. Two batches without any spread inside may still disagree. What is their spread about the mean of all?"""
    n = counts.sum()
    pooled = ((counts - 1) * variances).sum() / (counts - 1).sum()
    return (counts * means).sum() / n, np.sqrt(pooled / n)


@exercise.mistake
def variances_weighted_by_counts(counts, means, variances):
    """The estimate is right. Your error is made of the batch variances alone, weighted by size, which leaves out how
    far the batch means lie apart. What do two batches give that have no spread inside, but different means?"""
    n = counts.sum()
    return (counts * means).sum() / n, np.sqrt((counts * variances).sum() / n / n)


@exercise.mistake
def spread_of_the_batch_means(counts, means, variances):
    """The estimate is right. Your error comes from the spread of the batch means, as if each batch were one draw.
    That is a guess from a few numbers, and one batch alone has no spread. What do the variances add?"""
    n, B = counts.sum(), len(counts)
    with np.errstate(all="ignore"):
        deviations = ((means - means.mean()) ** 2).sum() / np.float64(B - 1)
        return (counts * means).sum() / n, np.sqrt(deviations / B)


@exercise.mistake
def each_batch_deviates_once(counts, means, variances):
    """The estimate is right. In the error each batch mean deviates once, however many draws it stands for. Every draw
    of a batch carries that deviation. How often does it count?"""
    n = counts.sum()
    p_hat = (counts * means).sum() / n
    squares = ((counts - 1) * variances + (means - p_hat) ** 2).sum()
    return p_hat, np.sqrt(squares / (n - 1) / n)


@exercise.mistake
def squares_from_the_wrong_divisor(counts, means, variances):
    """Nearly: you turned the batch variances back into sums of squares with the number of draws. They were divided by
    one less. What gives back the sum that was divided?"""
    n = counts.sum()
    p_hat = (counts * means).sum() / n
    squares = (counts * variances + counts * (means - p_hat) ** 2).sum()
    return p_hat, np.sqrt(squares / (n - 1) / n)


@exercise.mistake
def divided_by_all_draws(counts, means, variances):
    """The estimate is right, and the error a little too small: you divided the squares by the number of all draws.
    The statement asks for one less in the variance of a draw. For one batch alone, does its variance come back?"""
    n = counts.sum()
    p_hat = (counts * means).sum() / n
    squares = ((counts - 1) * variances + counts * (means - p_hat) ** 2).sum()
    return p_hat, np.sqrt(squares / n / n)


@exercise.mistake
def deviation_of_one_draw(counts, means, variances):
    """The estimate is right. The second number is the standard deviation of a single draw. The error of the average
    is smaller, and falls with the number of draws. How?"""
    n = counts.sum()
    p_hat = (counts * means).sum() / n
    squares = ((counts - 1) * variances + counts * (means - p_hat) ** 2).sum()
    return p_hat, np.sqrt(squares / (n - 1))


@exercise.variant
def from_draws_made_up(counts, means, variances):
    draws = []
    for n, mean, variance in zip(counts, means, variances, strict=True):
        made = np.arange(n) - (n - 1) / 2  # any draws with this mean and this variance
        draws.append(mean + made * np.sqrt(variance / made.var(ddof=1)))
    draws = np.concatenate(draws)
    return draws.mean(), draws.std(ddof=1) / np.sqrt(len(draws))


@exercise.variant
def from_sums_of_squares(counts, means, variances):
    n, total, squares = 0, 0.0, 0.0
    for count, mean, variance in zip(counts, means, variances, strict=True):
        n += count
        total += count * mean
        squares += (count - 1) * variance + count * mean**2
    return total / n, ((squares - total**2 / n) / (n - 1) / n) ** 0.5


@exercise.variant
def with_torch(counts, means, variances):
    counts, means, variances = map(torch.as_tensor, (counts, means, variances))
    n = counts.sum()
    p_hat = counts.double() @ means / n
    squares = (counts - 1) * variances + counts * (means - p_hat).square()
    return p_hat, (squares.sum() / (n * (n - 1))).sqrt()
