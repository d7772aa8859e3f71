"""Exercise: new points rebuilt by the PCA of others."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="New points, rebuilt",
    page="11-2-1-pca-derived",
    equation="eq-pca-decoder",
    level="core",
    minutes=20,
    trains="You fit PCA to one set of points and encode and decode another, without mixing the two.",
    statement=r"""
A camera sends each image as $Q$ numbers. Sender and receiver agreed on a mean and on directions long ago, from the
images in $\mathbf{X}$. Now new images come. What does the receiver see?

Write the whole way: fit PCA to the rows of `X`, encode the rows of `X_new` with it, and decode them again.

Before you write: if `X_new` holds one row only, what must *not* come out, and which mistake would bring it out? And
does the order of the $Q$ directions matter here?
""",
    solution=r"""
All that is fitted, the mean and the directions, comes from `X`. The new points only go through the encoder
{eq}`eq-pca-encoder` and the decoder {eq}`eq-pca-decoder`. As points are rows here, $\z = \V\T(\x - \xm)$ becomes
`(X_new - mean) @ V`, and $\V\z$ becomes a product with `V.T` on the right.

With the mean of the new points instead, a single new point would be its own mean, and come out unchanged: an error
of zero, from a code of zeros. That mistake flatters every error that is measured.

The order of the directions does not matter, because $\V\V\T$ is a sum over them; nor do their signs. So the last
$Q$ columns of `eigh` will do as they are.
""",
    afterwards="""from lecture_lib import plotting
from lecture_lib.datasets import load_digits

plotting.use_style()
digits = load_digits()
new = digits.x_test[digits.y_test == 7][:5].astype(float)
rows = [new]
for k in (0, 7):  # PCA of zeros, and of sevens, for sevens
    known = digits.x_train[digits.y_train == k].astype(float)
    rows.append(reconstruct(known, new, 20))
names = ["sent", "by zeros", "by sevens"]
plotting.image_grid(np.vstack(rows), (28, 28), columns=5, row_labels=names);""",
)


@exercise.reference
def reconstruct(X, X_new, Q):
    """New points, encoded and decoded by PCA with Q directions.

    X : array, shape (N, D), the points that PCA is fitted to
    X_new : array, shape (B, D), the points to rebuild
    Q : int, how many directions
    returns : array, shape (B, D)
    """
    mean = X.mean(axis=0)
    _, U = np.linalg.eigh((X - mean).T @ (X - mean))
    V = U[:, -Q:]
    return mean + (X_new - mean) @ V @ V.T


@exercise.inputs
def inputs(rng):
    for N, B, D, Q in [(12, 4, 5, 2), (9, 3, 4, 3), (20, 6, 7, 1), (15, 1, 6, 4)]:
        scales = 3 * 1.7 ** -np.arange(D)
        mixing = np.linalg.qr(rng.normal(size=(D, D))).Q * scales[:, None]
        mean = rng.uniform(1, 2, size=D)
        other = rng.normal(size=D)  # the new points lie elsewhere
        yield rng.normal(size=(N, D)) @ mixing + mean, rng.normal(size=(B, D)) + mean + other, Q


def _fit(X, Q):
    mean = X.mean(axis=0)
    return mean, np.linalg.svd(X - mean).Vh[:Q].T


@exercise.mistake
def mean_of_the_new(X, X_new, Q):
    """You took the mean of the new points off, and put it back. The receiver does not know that mean: only `X` was
    agreed on. What would come out for one single new point?"""
    _, V = _fit(X, Q)
    mean = X_new.mean(axis=0)
    return mean + (X_new - mean) @ V @ V.T


@exercise.mistake
def fitted_to_the_new(X, X_new, Q):
    """Your directions and mean are fitted to the new points, and `X` has no effect. Errors would look better than
    they are. Which points are there to fit to?"""
    mean, V = _fit(X_new, Q)
    return mean + (X_new - mean) @ V @ V.T


@exercise.mistake
def mean_not_added(X, X_new, Q):
    """Your points lie around the origin: the mean was taken off and not put back. The decoder walks along the
    directions from a starting point. Which one?"""
    mean, V = _fit(X, Q)
    return (X_new - mean) @ V @ V.T


@exercise.mistake
def mean_not_subtracted(X, X_new, Q):
    """The mean is added at the end, but was never taken off. A code is the dot product of a direction with
    something. With the point itself, or with what?"""
    mean, V = _fit(X, Q)
    return mean + X_new @ V @ V.T


@exercise.mistake
def no_mean(X, X_new, Q):
    """Your directions are right, but encoder and decoder start from the origin, so you projected onto a plane through
    it. The best plane goes through the mean of the data. At which two places does x̄ enter?"""
    _, V = _fit(X, Q)
    return X_new @ V @ V.T


@exercise.mistake
def scatter_about_the_origin(X, X_new, Q):
    """Encoder and decoder are right, but the directions come from products of the points as they are. The scatter
    matrix is made of offsets. From where are they measured?"""
    mean, V = X.mean(axis=0), np.linalg.svd(X).Vh[:Q].T
    return mean + (X_new - mean) @ V @ V.T


@exercise.mistake
def the_smallest(X, X_new, Q):
    """You kept the directions along which the data vary least. `np.linalg.eigh` gives eigenvalues in ascending
    order. Where in its answer are the largest?"""
    mean = X.mean(axis=0)
    V = np.linalg.eigh((X - mean).T @ (X - mean))[1][:, :Q]
    return mean + (X_new - mean) @ V @ V.T


@exercise.mistake
def wrong_sign(X, X_new, Q):
    """Your codes have the wrong sign, so each point is rebuilt on the other side of the mean. Does an offset point
    from the mean to the data point, or back?"""
    mean, V = _fit(X, Q)
    return mean + (mean - X_new) @ V @ V.T


@exercise.mistake
def columns_of_vh(X, X_new, Q):
    """You took columns of the last factor of the singular value decomposition. That factor comes transposed: its
    rows are the directions. How do they become columns?"""
    mean = X.mean(axis=0)
    V = np.linalg.svd(X - mean).Vh[:, :Q]
    return mean + (X_new - mean) @ V @ V.T


@exercise.mistake
def rows_for_columns(X, X_new, Q):
    """You used rows of the matrix of eigenvectors as directions, but its columns are the eigenvectors. Is S times
    one of your directions a multiple of it?"""
    mean = X.mean(axis=0)
    V = np.linalg.eigh((X - mean).T @ (X - mean))[1][-Q:].T
    return mean + (X_new - mean) @ V @ V.T


@exercise.variant
def in_a_loop(X, X_new, Q):
    mean, V = _fit(X, Q)
    result = []
    for x in X_new:
        x_hat = mean.copy()
        for j in range(Q):
            z = V[:, j] @ (x - mean)
            x_hat += z * V[:, j]
        result.append(x_hat)
    return result


@exercise.variant
def take_away_what_is_lost(X, X_new, Q):
    mean = X.mean(axis=0)
    _, U = np.linalg.eigh(np.cov(X.T))
    rest = U[:, : X.shape[1] - Q]
    return X_new - np.einsum("bd,dk,ek->be", X_new - mean, rest, rest)


@exercise.variant
def with_sklearn(X, X_new, Q):
    from sklearn.decomposition import PCA

    pca = PCA(Q).fit(X)
    return pca.inverse_transform(pca.transform(X_new))
