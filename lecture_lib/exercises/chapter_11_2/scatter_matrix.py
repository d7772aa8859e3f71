"""Exercise: the scatter matrix of points that were seen several times."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A scatter matrix with counts",
    page="11-2-1-pca-derived",
    equation="eq-scatter",
    level="warm-up",
    minutes=10,
    trains="You build a scatter matrix without a loop, and know which mean its offsets are taken from.",
    statement=r"""
A sensor puts out the same few patterns again and again. So only the *different* points $\x_i$ are stored, as the rows
of an array, and with each the number of times $n_i$ that it was seen. Write the scatter matrix of all the data, as if
point $i$ stood there $n_i$ times. Do not make that long list: a count may be in the millions.

Before you write: what is the scatter matrix of a single point that was seen five times? And is the mean of the data
the mean of the rows?
""",
    solution=r"""
In {eq}`eq-scatter` a point gives the same term each time it is seen, so its term counts $n_i$ times. The mean is
taken over the same data: $\xm = \sum_i n_i\x_i / \sum_i n_i$, and not the mean of the rows.

With the offsets as rows, `offsets.T @ offsets` is $\sum_i (\x_i - \xm)(\x_i - \xm)\T$: the product sums over the
index of the points. Multiplying *one* of the two factors by the counts weights each term once; multiplying both would
weight it by $n_i^2$. Nothing is divided, because the scatter matrix is a sum. A single point is its own mean, so its
scatter is zero, however often it was seen.
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
    yield np.array([[1.0, 2.0, 3.0]]), np.array([5])  # a single point


@exercise.mistake
def covariance(X, counts):
    """You divided by the number of points, which gives the covariance matrix. The lecture's scatter matrix is a sum
    over the data. Is there a divisor in its definition?"""
    return np.cov(X.T, fweights=counts, ddof=0)


@exercise.mistake
def unbiased_covariance(X, counts):
    """You divided by the number of points less one, as `np.cov` does unless told otherwise. The lecture's scatter
    matrix is a sum over the data. Is there a divisor in its definition?"""
    return np.cov(X.T, fweights=counts)


@exercise.mistake
def counts_ignored(X, counts):
    """This is the scatter matrix of the rows, each taken once: the counts have no effect. If a point was seen five
    times, how often does its term stand in the sum?"""
    offsets = X - X.mean(axis=0)
    return offsets.T @ offsets


@exercise.mistake
def mean_of_the_rows(X, counts):
    """Each term is counted rightly, but the offsets are taken from the mean of the rows. A point that was seen often
    pulls the mean of the data towards itself. Over how many points is that mean taken?"""
    offsets = X - X.mean(axis=0)
    return (offsets.T * counts) @ offsets


@exercise.mistake
def counts_squared(X, counts):
    """Each term is weighted by the square of its count. The offset stands in it twice, and both times it was
    multiplied. How often may the count enter a term?"""
    offsets = (X - np.average(X, axis=0, weights=counts)) * counts[:, None]
    return offsets.T @ offsets


@exercise.mistake
def not_centred(X, counts):
    """Your matrix sums products of the points, not of their offsets from the mean. Far from the origin it tells
    mostly where the data are, not how they spread. What has to be taken off first?"""
    return (X.T * counts) @ X


@exercise.variant
def point_by_point(X, counts):
    mean = np.average(X, axis=0, weights=counts)
    return sum(n * np.outer(mean - x, mean - x) for x, n in zip(X, counts, strict=True))


@exercise.variant
def with_the_repeats(X, counts):
    repeated = np.repeat(X, counts, axis=0)
    return len(repeated) * np.cov(repeated.T, ddof=0)
