"""Exercise: the principal directions, out of a decoder that only knows their plane."""

import numpy as np
import torch
from sklearn.decomposition import PCA

from lecture_lib.exercises import equivalence
from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Out of a decoder, the directions",
    page="11-3-2-finding-directions",
    equation="eq-orthonormal-codes",
    level="core",
    minutes=25,
    trains="You turn codes until they are uncorrelated, and read directions off any linear decoder.",
    statement=r"""
A linear autoencoder was trained without weight decay and without any demand on its decoder. So the columns of
$\mathbf{B}$ are neither of length one nor at right angles; only the plane that they span means something. The table on
the page says in half a line what helps: take an orthonormal basis of the plane, then turn the codes.

Do that. Within the span of $\mathbf{B}$, find the $Q$ orthonormal directions along which the data $\x_i$ are
uncorrelated, with the variance along each, largest first. It must work for any decoder with independent columns, well
trained or not.

Predict: what comes out if $\mathbf{B}$ is square?
""",
    solution=r"""
An orthonormal basis $\mathbf{P}$ of the plane plays the part of an orthonormal decoder. The codes of the centred data
are $\z = \mathbf{P}\T(\x - \xm)$, the best ones by {eq}`eq-orthonormal-encoder`, and their covariance is a
$Q \times Q$ matrix. Its eigenvectors $\mathbf{w}_j$ turn the codes until they are uncorrelated: seen in $\R^D$ that
is the direction $\mathbf{P}\mathbf{w}_j$, and the eigenvalue is the variance along it. `eigh` gives eigenvalues in
rising order, so both results are turned round. The signs are free.

If $\mathbf{B}$ spans PCA's plane, {eq}`eq-orthonormal-codes` says that these are $\v_1, \dots, \v_Q$, up to
signs, if their variances differ. If it spans another, they are the principal directions of what the data look like inside it. A square $\mathbf{B}$ spans
everything, and the function is PCA with all $D$ directions.
""",
    equivalent=equivalence.up_to_signs,
    afterwards="""
import matplotlib.pyplot as plt

from lecture_lib import PCA, LinearAutoencoder, fit
from lecture_lib.datasets import load_digits

x = load_digits().x_train[:2000]
torch.manual_seed(0)
model = LinearAutoencoder(784, 4)
fit(model, x, epochs=60, learning_rate=0.05)
B = model.decoder.weight.detach().numpy()
rows = [B, decoder_directions(B, x)[0], PCA(4).fit(x).components_.T]
axes = plt.subplots(3, 4, figsize=(5, 4))[1]  # decoder, turned, PCA
for ax, image in zip(axes.flat, np.hstack(rows).T.reshape(-1, 28, 28)):
    ax.imshow(image, cmap="gray"), ax.axis("off")
""",
)


@exercise.reference
def decoder_directions(B, X):
    """Directions within a decoder's span along which data are uncorrelated.

    B : array, shape (D, Q), independent columns
    X : array, shape (N, D), the data, one point a row, not centred
    returns : the directions as columns of length one, shape (D, Q), and the
        variance of the data along each, with 1/N, shape (Q,); the largest first
    """
    basis = np.linalg.qr(B).Q
    codes = (X - X.mean(axis=0)) @ basis
    variances, turn = np.linalg.eigh(codes.T @ codes / len(X))
    return basis @ turn[:, ::-1], variances[::-1]


@exercise.inputs
def inputs(rng):
    for dims, q in [(5, 2), (7, 3), (4, 4)]:
        rows = 12 + int(rng.integers(6))
        axes = np.linalg.qr(rng.normal(size=(dims, dims))).Q
        spread = np.array([3.0, 1.5, 0.8, 0.4, 0.3, 0.2, 0.1])[:dims]
        X = rng.normal(size=(rows, dims)) * spread @ axes.T + rng.uniform(1, 2, size=dims)
        # roughly PCA's plane, in a basis that leans
        near = axes[:, :q] + 0.15 * rng.normal(size=(dims, q))
        yield near @ (rng.normal(size=(q, q)) + 2 * np.eye(q)), X
    X = rng.normal(size=(9, 3)) * (2, 1, 0.5) + (0, 1, -1)
    yield rng.normal(size=(3, 1)), X


def turned(basis, codes, count):
    variances, turn = np.linalg.eigh(codes.T @ codes / count)
    return basis @ turn[:, ::-1], variances[::-1]


@exercise.mistake
def columns_taken_as_they_are(B, X):
    """You used the columns of the decoder as if they were orthonormal. Then neither the codes nor the turned columns
    are what they seem: look at their lengths. What comes before the codes?"""
    return turned(B, (X - X.mean(axis=0)) @ B, len(X))


@exercise.mistake
def singular_vectors_only(B, X):
    """Your directions are the singular vectors of the decoder. That is enough after training with weight decay. This
    decoder has learned without, and only the data know the directions. What still has to be turned?"""
    U = np.linalg.svd(B, full_matrices=False).U
    return U, (((X - X.mean(axis=0)) @ U) ** 2).mean(axis=0)


@exercise.mistake
def basis_not_turned(B, X):
    """Your directions are orthonormal and span the right plane, but along them the data are still correlated. The
    variances are those of other directions within the plane. Which turn makes the codes uncorrelated?"""
    basis = np.linalg.qr(B).Q
    return basis, (((X - X.mean(axis=0)) @ basis) ** 2).mean(axis=0)


@exercise.mistake
def smallest_first(B, X):
    """Your directions are in ascending order of variance. The largest comes first in this book. In which order does
    `eigh` give its eigenvalues?"""
    V, variances = exercise.solve(B, X)
    return V[:, ::-1], variances[::-1]


@exercise.mistake
def only_the_variances_reversed(B, X):
    """Your variances are in the right order, but the directions are still in that of `eigh`. Each variance must
    belong to the column at the same place. What else must be turned round?"""
    V, variances = exercise.solve(B, X)
    return V[:, ::-1], variances


@exercise.mistake
def data_not_centred(B, X):
    """You did not take the mean away, so your codes have a mean too and their second moments are no variances. The
    first direction leans towards the mean. What comes before the codes?"""
    basis = np.linalg.qr(B).Q
    return turned(basis, X @ basis, len(X))


@exercise.mistake
def one_less_than_n(B, X):
    """Your directions are right, and your variances are too large by a factor of N / (N − 1), as `np.cov` has it. By
    what does this book divide?"""
    V, variances = exercise.solve(B, X)
    return V, variances * len(X) / (len(X) - 1)


@exercise.mistake
def decoder_ignored(B, X):
    """You found the principal directions of the data and never asked the decoder. They agree only if its plane is the
    best one. Which space must the directions lie in?"""
    V, variances = np.linalg.eigh(np.cov(X.T, bias=True))[::-1]
    return V[:, ::-1][:, : B.shape[1]], variances[::-1][: B.shape[1]]


@exercise.mistake
def directions_of_the_codes(B, X):
    """Your directions have Q entries: they live among the codes. The directions asked for live among the data. Which
    matrix leads from a code back to a point?"""
    basis = np.linalg.qr(B).Q
    return turned(np.eye(B.shape[1]), (X - X.mean(axis=0)) @ basis, len(X))


@exercise.mistake
def columns_only_scaled_to_one(B, X):
    """You gave the decoder's columns length one, but they still lean against each other. Turning them does not make
    them orthogonal. Which decomposition gives a basis that is?"""
    unit = B / np.linalg.norm(B, axis=0)
    return turned(unit, (X - X.mean(axis=0)) @ unit, len(X))


@exercise.variant
def by_svd_of_the_codes(B, X):
    basis = np.linalg.svd(B, full_matrices=False).U
    _, sizes, turn = np.linalg.svd((X - X.mean(axis=0)) @ basis, full_matrices=False)
    return -basis @ turn.T, sizes**2 / len(X)


@exercise.variant
def by_pca_of_the_projections(B, X):
    B, X = torch.as_tensor(B), torch.as_tensor(X)
    projected = (X @ B @ torch.linalg.inv(B.T @ B) @ B.T).numpy()
    pca = PCA(B.shape[1]).fit(projected)
    return pca.components_.T, pca.explained_variance_ * (len(X) - 1) / len(X)
