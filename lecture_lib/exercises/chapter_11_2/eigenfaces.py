"""Exercise: principal directions from a small matrix, when there are more pixels than images."""

import numpy as np
import torch

from lecture_lib.exercises import equivalence
from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="More pixels than faces",
    page="11-2-4-faces",
    equation="eq-scatter-rank",
    level="core",
    minutes=25,
    trains="You find the directions of very many dimensions from a matrix that is only as large as there are points.",
    equivalent=equivalence.up_to_signs,
    statement=r"""
A hundred faces of $200 \times 200$ pixels: $\S$ has $40{,}000^2$ entries, 13 gigabytes, and yet at most 99 of its
eigenvalues are not zero. Turk and Pentland went round it. Let $\mathbf{A} \in \R^{N \times D}$ hold the offsets
$\x_i - \xm$ as rows. Then $\S = \mathbf{A}\T\mathbf{A}$, while $\mathbf{G} = \mathbf{A}\mathbf{A}\T$ is only
$N \times N$.

First with a pencil: let $\mathbf{u}$ be of length one, with $\mathbf{G}\mathbf{u} = \lambda\mathbf{u}$ and
$\lambda > 0$. Multiply by $\mathbf{A}\T$ from the left. Which vector is an eigenvector of $\S$, and how long is it?

Then write the top $Q$ directions without ever making a $D \times D$ matrix. Signs are free. (The check uses small
arrays and cannot see which way you went; the cell after it can.)
""",
    solution=r"""
Multiplying $\mathbf{A}\mathbf{A}\T\mathbf{u} = \lambda\mathbf{u}$ by $\mathbf{A}\T$ gives
$\mathbf{A}\T\mathbf{A}\,(\mathbf{A}\T\mathbf{u}) = \lambda\,(\mathbf{A}\T\mathbf{u})$. So $\mathbf{A}\T\mathbf{u}$
is an eigenvector of $\S$, with the same eigenvalue. It is a sum of offsets, weighted by the entries of $\mathbf{u}$:
every eigenface is a mixture of the faces.

Its squared length is $\mathbf{u}\T\mathbf{A}\mathbf{A}\T\mathbf{u} = \lambda\,\mathbf{u}\T\mathbf{u} = \lambda$, which
is above zero. To be a direction it must be divided by its length, $\sqrt{\lambda}$. The reference measures the length
and so needs no formula for it.

The offsets sum to zero, so $\mathbf{G}$ has the eigenvalue 0 as well, for the vector of ones: at most $N - 1$
directions can be had, as {eq}`eq-scatter-rank` says.
""",
    afterwards="""import time

# 60 points of 5,000 dimensions: S would hold 25 million numbers
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 5_000))
X += 0.1 * rng.normal(size=X.shape)
start = time.perf_counter()
V = eigenfaces(X, 3)
print(f"{1000 * (time.perf_counter() - start):.0f} milliseconds")
retained = (X @ V).var(axis=0).sum() / X.var(axis=0).sum()
print(f"retained: {retained:.1%}")""",
)


@exercise.reference
def eigenfaces(X, Q):
    """The top Q principal directions, from an N x N matrix.

    X : array, shape (N, D), one face a row, with N much less than D
    Q : int, how many directions, less than N
    returns : array, shape (D, Q), unit vectors as columns, best first
    """
    A = X - X.mean(axis=0)
    _, U = np.linalg.eigh(A @ A.T)
    V = A.T @ U[:, ::-1][:, :Q]
    return V / np.linalg.norm(V, axis=0)


@exercise.inputs
def inputs(rng):
    for N, D, Q in [(6, 40, 3), (9, 25, 4), (5, 60, 1), (4, 30, 2)]:
        # centred and orthonormal, so that the spectrum is the one that we choose
        left = rng.normal(size=(N, N - 1))
        left = np.linalg.qr(left - left.mean(axis=0)).Q
        right = np.linalg.qr(rng.normal(size=(D, N - 1))).Q
        s = rng.uniform(4, 6) * 0.7 ** np.arange(N - 1)
        yield (left * s) @ right.T + rng.uniform(0.2, 0.8, size=D), Q
    yield rng.uniform(size=(2, 11)), 1


def _gram(A):
    eigenvalues, U = np.linalg.eigh(A @ A.T)
    return eigenvalues[::-1], U[:, ::-1]


def _unit(V):
    return V / np.linalg.norm(V, axis=0)


@exercise.mistake
def eigenvectors_of_the_small_matrix(X, Q):
    """These are eigenvectors of the N × N matrix, with an entry for each face. A direction has an entry for each
    pixel: it is an image itself. What takes a vector with N entries to one with D?"""
    A = X - X.mean(axis=0)
    return _gram(A)[1][:, :Q]


@exercise.mistake
def not_of_length_one(X, Q):
    """Your columns are eigenvectors of S, but not of length one. A code would be stretched by that length. How long
    is Aᵀu when u has length one?"""
    A = X - X.mean(axis=0)
    return A.T @ _gram(A)[1][:, :Q]


@exercise.mistake
def divided_by_eigenvalue(X, Q):
    """Your columns point the right way, but you divided them by the eigenvalues. An eigenvalue here is the
    squared length of Aᵀu. By what is a vector divided to have length one?"""
    A = X - X.mean(axis=0)
    eigenvalues, U = _gram(A)
    return A.T @ U[:, :Q] / eigenvalues[:Q]


@exercise.mistake
def divided_by_a_standard_deviation(X, Q):
    """Your columns point the right way, but their length is √N. Dividing by a standard deviation, the root of λ/N,
    gives that. How long is Aᵀu itself?"""
    A = X - X.mean(axis=0)
    eigenvalues, U = _gram(A)
    return A.T @ U[:, :Q] / np.sqrt(eigenvalues[:Q] / len(X))


@exercise.mistake
def unit_rows(X, Q):
    """You gave each row of V the length one, and there is a row for each pixel. Directions are the columns. Along
    which axis is the sum of squares taken?"""
    A = X - X.mean(axis=0)
    V = A.T @ _gram(A)[1][:, :Q]
    return V / np.linalg.norm(V, axis=1, keepdims=True)


@exercise.mistake
def unit_as_a_whole(X, Q):
    """You divided all columns by one number, the length of the whole matrix. Each column needs a length of one.
    What does the norm do when it is given a matrix and no axis?"""
    A = X - X.mean(axis=0)
    V = A.T @ _gram(A)[1][:, :Q]
    return V / np.sqrt((V**2).sum())


@exercise.mistake
def not_centred(X, Q):
    """Your offsets are measured from the origin. The first direction is then spent on pointing to where the faces
    are. From where are the rows of A measured?"""
    return _unit(X.T @ _gram(X)[1][:, :Q])


@exercise.mistake
def ascending_order(X, Q):
    """You have the right directions, in ascending order: the best one stands last. `np.linalg.eigh` sorts from the
    smallest eigenvalue to the largest. How do you turn the order of columns round?"""
    A = X - X.mean(axis=0)
    return _unit(A.T @ _gram(A)[1][:, :Q][:, ::-1])


@exercise.mistake
def one_to_a_row(X, Q):
    """You have the right directions, one to a row, as scikit-learn keeps them. The lecture's V has them as columns.
    How does one array become the other?"""
    A = X - X.mean(axis=0)
    return _unit(A.T @ _gram(A)[1][:, :Q]).T


@exercise.variant
def by_the_large_matrix(X, Q):
    return -np.linalg.eigh(np.cov(X.T))[1][:, ::-1][:, :Q]


@exercise.variant
def by_svd(X, Q):
    A = torch.as_tensor(X) - torch.as_tensor(X).mean(dim=0)
    return torch.linalg.svd(A, full_matrices=False).Vh[:Q].T


@exercise.variant
def one_by_one(X, Q):
    A = X - X.mean(axis=0)
    eigenvalues, U = np.linalg.eigh(A @ A.T / len(X))
    columns = []
    for j in range(1, Q + 1):
        mixture = sum(u * a for u, a in zip(U[:, -j], A, strict=True))
        columns.append(mixture / np.sqrt(len(X) * eigenvalues[-j]))
    return np.stack(columns, axis=1)


@exercise.variant
def mapped_back_with_the_faces(X, Q):
    """The entries of u sum to zero, so the mean face drops out of Xᵀu."""
    A = X - X.mean(axis=0)
    V = X.T @ np.linalg.eigh(A @ A.T)[1][:, ::-1][:, :Q]
    return V / np.sqrt((V**2).sum(axis=0))
