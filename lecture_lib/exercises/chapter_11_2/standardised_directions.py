"""Exercise: principal directions of columns that were standardised first."""

import numpy as np

from lecture_lib.exercises import equivalence
from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Directions when the units differ",
    page="11-2-1-pca-derived",
    equation="eq-pca-eigen",
    level="core",
    minutes=15,
    trains="You get principal directions out of an eigen-decomposition, in the right order and as columns.",
    equivalent=equivalence.up_to_signs,
    statement=r"""
One column of a table is a height in metres, the next a weight in grams. PCA of such a table finds the grams,
because their numbers vary by far more. The usual remedy is to **standardise** first: take off each column's mean and
divide by its standard deviation, so that every column has variance 1. Then do PCA.

Write the top $Q$ principal directions of the standardised data, as the columns of an array $\V$, best first. The
sign of each is free.

Predict before you run it: does it matter whether the standard deviation is taken with $N$ or with $N - 1$? And in
which order does `np.linalg.eigh` give eigenvalues?
""",
    solution=r"""
After the first line every column of `Y` has mean 0 and variance 1, so `Y.T @ Y` is the scatter matrix of the
standardised data: $N$ times the correlation matrix. Its eigenvectors solve {eq}`eq-pca-eigen`.

Two habits of `np.linalg.eigh` matter. Its eigenvalues come in *ascending* order, so the best direction is the last
one; `[::-1]` on the second axis turns the order round. And eigenvectors are the *columns* of the matrix it returns.
(`np.linalg.eig` is for any square matrix and sorts nothing. It may be right for one table and wrong for the next.)

A factor common to all columns multiplies $\S$ by a number. That changes the eigenvalues, but no eigenvector. So $N$ or $N - 1$ is all the same here, and so is whether $\S$ is divided by $N$.
""",
    afterwards="""from sklearn.datasets import load_wine

from lecture_lib import PCA

wine = load_wine()  # 13 measurements of 178 wines, each in its own unit
as_it_came = PCA(n_components=1).fit(wine.data).components_[0]
standardised = standardised_directions(wine.data, 1)[:, 0]
for v in (as_it_came, standardised):
    for k in np.argsort(-np.abs(v))[:4]:
        print(f"{v[k]:+.2f} {wine.feature_names[k]}")
    print()""",
)


@exercise.reference
def standardised_directions(X, Q):
    """The top Q principal directions of X with its columns standardised.

    X : array, shape (N, D), one point a row
    Q : int, how many directions
    returns : array, shape (D, Q), unit vectors as columns, best first
    """
    Y = (X - X.mean(axis=0)) / X.std(axis=0)
    _, U = np.linalg.eigh(Y.T @ Y)
    return U[:, ::-1][:, :Q]


@exercise.inputs
def inputs(rng):
    for N, D, Q in [(12, 4, 2), (9, 5, 3), (20, 3, 1), (8, 6, 4)]:
        # Uneven mixtures of a few sources have eigenvalues with clear gaps.
        sources = rng.normal(size=(N, D)) * 2.0 ** -np.arange(D)
        mixing = rng.normal(size=(D, D)) + 2 * np.eye(D)
        yield (sources @ mixing + rng.uniform(1, 2, D)) * rng.uniform(0.2, 5, D), Q


def _eigen(Y):
    eigenvalues, U = np.linalg.eigh(Y.T @ Y)
    return eigenvalues[::-1], U[:, ::-1]


def _standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


@exercise.mistake
def ascending_order(X, Q):
    """You have the right directions, in ascending order: the best one stands last. `np.linalg.eigh` sorts from the
    smallest eigenvalue to the largest. How do you turn the order of columns round?"""
    return _eigen(_standardised(X))[1][:, :Q][:, ::-1]


@exercise.mistake
def the_smallest(X, Q):
    """These are the directions along which the data vary least. `np.linalg.eigh` gives eigenvalues in ascending
    order. Where in its answer are the largest?"""
    return np.linalg.eigh(_standardised(X).T @ _standardised(X))[1][:, :Q]


@exercise.mistake
def not_standardised(X, Q):
    """These are the principal directions of the data as they came, with their units. The column that varies by the
    largest numbers then wins. Which step comes before the scatter matrix?"""
    return _eigen(X - X.mean(axis=0))[1][:, :Q]


@exercise.mistake
def divided_by_variance(X, Q):
    """You divided each column by its variance. Its unit is the square of the column's unit, so the units do not
    cancel. What has the column's own unit?"""
    return _eigen((X - X.mean(axis=0)) / X.var(axis=0))[1][:, :Q]


@exercise.mistake
def not_centred(X, Q):
    """You divided by the standard deviations, but the data still lie away from the origin. The first direction then
    tells mostly where the data are. What is taken off before the scatter matrix is made?"""
    return _eigen(X / X.std(axis=0))[1][:, :Q]


@exercise.mistake
def first_rows(X, Q):
    """You took the first rows of the matrix that `np.linalg.eigh` gives. Its eigenvectors are the columns, and the
    first of them has the smallest eigenvalue. Which index goes through the vectors, and from which end?"""
    return np.linalg.eigh(_standardised(X).T @ _standardised(X))[1][:Q].T


@exercise.mistake
def rows_turned_round(X, Q):
    """You turned the order of the rows round, which reverses the entries within each eigenvector. The vectors
    themselves stand in the order they had. Along which axis does the order have to change?"""
    return np.linalg.eigh(_standardised(X).T @ _standardised(X))[1][::-1, :Q]


@exercise.mistake
def columns_of_vh(X, Q):
    """You took columns of the last factor of the singular value decomposition. That factor comes transposed: its
    rows are the directions. How do they become columns?"""
    return np.linalg.svd(_standardised(X)).Vh[:, :Q]


@exercise.mistake
def one_scale_for_all(X, Q):
    """You took one mean and one standard deviation for the whole table, so metres and grams are still mixed. Each
    column has its own. Along which axis are they taken?"""
    return _eigen((X - X.mean()) / X.std())[1][:, :Q]


@exercise.mistake
def one_to_a_row(X, Q):
    """You have the right directions, one to a row, as scikit-learn keeps them. The lecture's V has them as columns.
    How does one array become the other?"""
    return _eigen(_standardised(X))[1][:, :Q].T


@exercise.variant
def by_correlations(X, Q):
    eigenvalues, U = np.linalg.eigh(np.corrcoef(X.T))
    return -U[:, np.argsort(-eigenvalues)[:Q]]


@exercise.variant
def by_svd(X, Q):
    Y = X - X.mean(axis=0)
    Y = Y / Y.std(axis=0, ddof=1)
    return np.linalg.svd(Y, full_matrices=False).Vh[:Q].T


@exercise.variant
def with_sklearn(X, Q):
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    return PCA(Q).fit(StandardScaler().fit_transform(X)).components_.T
