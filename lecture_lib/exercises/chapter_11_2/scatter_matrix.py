"""Exercise: the scatter matrix of points that were seen several times."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A scatter matrix with counts",
    page="11-2-1-pca-derived",
    equation="eq-scatter",
    level="warm-up",
    minutes=10,
    trains="You build a scatter matrix without a loop, and know which mean, which axis and which divisor it takes.",
    statement=r"""
A sensor puts out a few patterns only, again and again. So the data are stored as the *different* points $\x_i$, the
rows of an array, and with each the number of times $n_i$ that it was seen. Write the scatter matrix of all the
data, repeats included, as if every point stood there $n_i$ times. Do not make the long list of repeated points: a
count may be in the millions.

Before you write: what is the scatter matrix of one single point that was seen five times? And is the mean of the
data the mean of the rows?
""",
    solution=r"""
In {eq}`eq-scatter` the same point gives the same term each time it is seen, so its term counts $n_i$ times. The
mean is a sum over the same data: $\xm = \sum_i n_i\x_i / \sum_i n_i$, and not the mean of the rows.

With the offsets as rows of an array, `offsets.T @ offsets` is $\sum_i (\x_i - \xm)(\x_i - \xm)\T$: the inner index
of the product is the point, and so it is summed over. Multiplying *one* of the two factors by the counts weights
each term once. (Multiplying both would weight by $n_i^2$.) Nothing is divided: the scatter matrix is a sum. One
point seen five times lies at the mean, so its scatter is zero.
""",
)


@exercise.reference
def scatter_matrix(X, counts):
    """The scatter matrix S of data in which some points repeat.

    X : array, shape (N, D), the points that differ, one a row
    counts : array, shape (N,), how often each of them was seen
    returns : array, shape (D, D), not divided by anything
    """
    mean = counts @ X / counts.sum()
    offsets = X - mean
    return (offsets.T * counts) @ offsets


@exercise.inputs
def inputs(rng):
    for N, D in [(6, 3), (4, 5), (9, 2)]:
        yield rng.normal(size=(N, D)) + rng.uniform(1, 3, size=D), rng.permutation(N) + 1
    yield rng.normal(size=(5, 2)) + 1, np.ones(5, dtype=int)
    yield rng.integers(1, 9, size=(1, 3)).astype(float), np.array([5])


@exercise.mistake
def covariance(X, counts):
    """You divided by the number of points, which gives the covariance matrix. The lecture's scatter matrix is a sum
    over the data. Is there a divisor in its definition?"""
    return _right(X, counts) / counts.sum()


@exercise.mistake
def divided_by_rows(X, counts):
    """You divided by the number of rows. The scatter matrix is a sum over the data and is divided by nothing. Look
    at its definition once more: is there a mean in it besides x̄?"""
    return _right(X, counts) / len(X)


@exercise.mistake
def unbiased_covariance(X, counts):
    """You divided by the number of points less one, as the unbiased covariance does. The scatter matrix is a plain
    sum. Which line of yours averages?"""
    return _right(X, counts) / max(counts.sum() - 1, 1)


@exercise.mistake
def counts_ignored(X, counts):
    """This is the scatter matrix of the rows, each taken once. The counts have no effect. How often does the term
    of a point stand in the sum if the point was seen five times?"""
    offsets = X - X.mean(axis=0)
    return offsets.T @ offsets


@exercise.mistake
def plain_mean(X, counts):
    """The terms are counted rightly, but the offsets are taken from the plain mean of the rows. A point that was
    seen often pulls the mean towards itself. What is the mean of the data with the repeats?"""
    offsets = X - X.mean(axis=0)
    return (offsets.T * counts) @ offsets


@exercise.mistake
def mean_divided_by_rows(X, counts):
    """Your mean sums the repeats and divides by the number of rows, so it is too long. How many points went into
    that sum?"""
    offsets = X - counts @ X / len(X)
    return (offsets.T * counts) @ offsets


@exercise.mistake
def mean_taken_off_once(X, counts):
    """You summed products of the points and took off the product of the mean once. Expand the square: every point
    brings such a term. How many points are there, repeats included?"""
    mean = counts @ X / counts.sum()
    return (X.T * counts) @ X - np.outer(mean, mean)


@exercise.mistake
def counts_only_in_the_mean(X, counts):
    """The mean is right, but each offset enters the sum once, however often its point was seen. Each sighting
    brings a term of its own. Where else do the counts belong?"""
    offsets = X - counts @ X / counts.sum()
    return offsets.T @ offsets


@exercise.mistake
def counts_squared(X, counts):
    """Each term is counted as often as its count squared. The offset stands in it twice, and you multiplied both.
    How often may the count enter a term?"""
    offsets = (X - counts @ X / counts.sum()) * counts[:, None]
    return offsets.T @ offsets


@exercise.mistake
def not_centred(X, counts):
    """Your matrix sums products of the points, not of their offsets from the mean. Far from the origin it tells
    mostly where the data are, not how they spread. What has to be taken off first?"""
    return (X.T * counts) @ X


@exercise.mistake
def gram_matrix(X, counts):
    """Your matrix has a row for each point: it holds the dot products between points. The scatter matrix has a row
    for each dimension. Which index should the product sum over?"""
    offsets = X - counts @ X / counts.sum()
    return (offsets * counts[:, None]) @ offsets.T


@exercise.mistake
def centred_each_point(X, counts):
    """You took the mean of each point over its own dimensions, which makes every row sum to zero. The data mean is
    one point, a mean over rows. Which axis is that?"""
    offsets = X - X.mean(axis=1, keepdims=True)
    return (offsets.T * counts) @ offsets


def _right(X, counts):
    offsets = X - np.average(X, axis=0, weights=counts)
    return np.einsum("i,id,ie->de", counts, offsets, offsets)


@exercise.variant
def point_by_point(X, counts):
    mean = sum(n * x for x, n in zip(X, counts, strict=True)) / sum(counts)
    total = 0
    for x, n in zip(X, counts, strict=True):
        total = total + n * np.outer(mean - x, mean - x)
    return total


@exercise.variant
def with_repeats(X, counts):
    repeated = np.repeat(X, counts, axis=0)
    return len(repeated) * np.cov(repeated.T, ddof=0)


@exercise.variant
def second_moments(X, counts):
    total = counts @ X
    return X.T @ (X * counts[:, None]) - np.outer(total, total) / counts.sum()
