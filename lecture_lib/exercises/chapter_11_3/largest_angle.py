"""Exercise: the angle between the plane of a decoder and that of PCA."""

import numpy as np
import torch
from scipy.linalg import subspace_angles

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="How far apart are two planes?",
    page="11-3-1-linear-autoencoder",
    equation="eq-ae-pca-optimum",
    level="core",
    minutes=20,
    trains="You compare what two matrices span, whatever bases they are written in.",
    statement=r"""
A trained decoder $\mathbf{B}$ and PCA's $\V$ may span the same plane though no two of their columns are alike. (A
*plane* is here what $Q$ columns span, for any $Q$.) The page asks a library for the largest principal angle between
the two. Write it yourself, for any two matrices of the same shape with independent columns.

What you need to know: if the columns of $\mathbf{P}$ are an orthonormal basis of one plane, and those of $\mathbf{R}$
one of the other, then the singular values of $\mathbf{P}\T\mathbf{R}$ are the cosines of the principal angles.

Predict: if the columns of the first matrix are doubled, or added to one another, by how much may the angle change?
""",
    solution=r"""
The columns of a decoder are seldom orthonormal, and then the singular values of $\mathbf{B}\T\V$ are no cosines; they
may exceed one. So both matrices get an orthonormal basis first. `qr` gives one whose columns span the same plane.
After that step nothing is left of the basis that was given: with $\mathbf{B}\mathbf{T}$ in place of $\mathbf{B}$, for
any invertible $\mathbf{T}$, the angle is the same. By {eq}`eq-ae-invariance` that is what training leaves open, so it
is the right way to ask whether {eq}`eq-ae-pca-optimum` has been reached.

*Why cosines?* For unit vectors $\mathbf{P}\mathbf{u}$ and $\mathbf{R}\mathbf{w}$ of the two planes the cosine is
$\mathbf{u}\T\mathbf{P}\T\mathbf{R}\mathbf{w}$, and its largest value is the largest singular value: the *smallest*
angle. The largest angle belongs to the smallest singular value. Rounding can push a cosine a little above one, where
the arc cosine does not exist, so it is cut there. Singular values are never negative, so no angle exceeds 90 degrees.
""",
    afterwards="""
from lecture_lib import PCA, LinearAutoencoder, fit
from lecture_lib.datasets import load_digits

x = load_digits().x_train[:1000]
V = PCA(3).fit(x).components_.T
torch.manual_seed(0)
model, marks = LinearAutoencoder(784, 3), [0, 5, 10, 20, 40, 60, 100]
plan = {"epochs": 100, "batch_size": 100, "learning_rate": 0.05}
history = fit(model, x, **plan, snapshots=marks)
for epoch in marks:
    B = history.snapshots[epoch]["decoder.weight"].numpy()
    print(f"epoch {epoch:3}: {largest_angle(B, V):5.1f} degrees")
""",
)


@exercise.reference
def largest_angle(U, V):
    """The largest principal angle between the column spaces of two matrices.

    U : array, shape (D, Q), independent columns, not orthonormal in general
    V : array, shape (D, Q), the same
    returns : float, in degrees, from 0 to 90
    """
    P, R = np.linalg.qr(U).Q, np.linalg.qr(V).Q
    cosines = np.linalg.svd(P.T @ R).S
    return np.degrees(np.arccos(cosines.min().clip(max=1)))


@exercise.inputs
def inputs(rng):
    # short columns, so that products of raw columns stay below one and no cut at one hides them
    for q in (2, 3, 1):
        dims = q + 3 + int(rng.integers(3))
        V = 0.3 * rng.normal(size=(dims, q))
        turn = 0.7 * np.linalg.qr(rng.normal(size=(q, q))).Q + 0.1 * rng.normal(size=(q, q))
        # near enough that no angle is close to 90 degrees
        yield (V + 0.15 * rng.normal(size=(dims, q))) @ turn, V
    U = np.linalg.qr(rng.normal(size=(6, 2))).Q
    yield U, U * (1.0, 0.5) + 0.3 * rng.normal(size=(6, 2))
    u = 0.3 * rng.normal(size=(4, 1))
    yield u, -u + 0.15 * rng.normal(size=(4, 1))  # lines that point in opposite directions


def cosines_of(U, V):
    P, R = np.linalg.qr(U).Q, np.linalg.qr(V).Q
    return np.clip(np.linalg.svd(P.T @ R).S, 0, 1)


def unit(U):
    return U / np.linalg.norm(U, axis=0)


@exercise.mistake
def bases_not_orthonormal(U, V):
    """You used the columns as they were given. Their products are cosines only for orthonormal columns, and yours
    change when a column is doubled. What must be done to both matrices first?"""
    return np.degrees(np.arccos(np.clip(np.linalg.svd(U.T @ V).S.min(), -1, 1)))


@exercise.mistake
def columns_only_scaled_to_one(U, V):
    """You gave the columns length one. They still lean against each other, so they are no orthonormal basis. Which
    decomposition gives a basis whose vectors are also at right angles?"""
    return np.degrees(np.arccos(np.clip(np.linalg.svd(unit(U).T @ unit(V)).S.min(), -1, 1)))


@exercise.mistake
def one_basis_left_as_it_was(U, V):
    """One of your two bases is orthonormal, the other is as it was given. Both must be, or the singular values are no
    cosines. Does your answer change when you exchange the two matrices?"""
    return np.degrees(np.arccos(np.clip(np.linalg.svd(np.linalg.qr(U).Q.T @ V).S.min(), -1, 1)))


@exercise.mistake
def in_radians(U, V):
    """Your angle is in radians. A right angle would be about 1.57. In which unit is it asked for?"""
    return np.arccos(cosines_of(U, V).min())


@exercise.mistake
def smallest_angle(U, V):
    """You gave the smallest of the principal angles. It may be zero for planes that share one direction and differ in
    all others. A large angle has which kind of cosine?"""
    return np.degrees(np.arccos(cosines_of(U, V).max()))


@exercise.mistake
def cosine_returned(U, V):
    """You gave the cosine of the angle, not the angle itself. For two equal planes yours is one. What is asked for,
    and in which unit?"""
    return cosines_of(U, V).min()


@exercise.mistake
def all_angles(U, V):
    """You gave all Q angles. They are right, and one number is asked for. Which of them is zero only if the planes are
    one?"""
    return np.degrees(np.arccos(cosines_of(U, V)))


@exercise.mistake
def column_by_column(U, V):
    """You compared column with column and took the largest angle. Two bases of one plane may have no column in
    common. What should the answer be when the columns of one matrix change places?"""
    cosines = np.abs((unit(U) * unit(V)).sum(axis=0))
    return np.degrees(np.arccos(np.clip(cosines, 0, 1))).max()


@exercise.variant
def by_scipy(U, V):
    return np.rad2deg(subspace_angles(U, V)[0])


@exercise.variant
def by_projections(U, V):
    P = U @ np.linalg.solve(U.T @ U, U.T)
    R = V @ np.linalg.pinv(V)
    return np.degrees(np.arcsin(np.linalg.norm(P - R, ord=2)))


@exercise.variant
def with_torch(U, V):
    P = torch.linalg.svd(torch.as_tensor(U), full_matrices=False).U
    R = torch.linalg.svd(torch.as_tensor(V), full_matrices=False).U
    squares = torch.linalg.eigvalsh(P.T @ R @ R.T @ P)
    return torch.rad2deg(torch.arccos(squares[0].sqrt()))
