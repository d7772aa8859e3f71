"""Exercise: the best linear decoder for codes that somebody else has made."""

import numpy as np
import torch
from sklearn.linear_model import LinearRegression

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The best linear decoder for given codes",
    page="11-3-1-linear-autoencoder",
    equation="eq-ae-best-offset",
    level="core",
    minutes=25,
    trains="You find a best offset first and see what it leaves: the problem for centred data.",
    statement=r"""
Somebody hands you codes $\z_i$ and the points $\x_i$ that they were made from. How they were made is a secret: the
encoder may be linear, a deep network or a person. You are asked for the linear decoder
$\xh = \mathbf{B}\z + \mathbf{b}$ with the least loss on these points.

The page holds the matrix fixed and finds the best offset. Do the same here: hold $\mathbf{B}$, find $\mathbf{b}$, put
it back into the loss, and look for $\mathbf{B}$ only then. Neither the codes nor the points are centred. (The centred codes have independent columns.)

Predict: if all codes are shifted by one and the same vector, which of $\mathbf{B}$ and $\mathbf{b}$ changes?
""",
    solution=r"""
Hold $\mathbf{B}$. What is left to explain of $\x_i$ is $\x_i - \mathbf{B}\z_i$, and by the argument of
{eq}`eq-ae-best-offset` the best $\mathbf{b}$ is the mean of these, $\xm - \mathbf{B}\bar{\z}$. Put it in: the error
of a point becomes $(\x_i - \xm) - \mathbf{B}(\z_i - \bar{\z})$. Points and codes are centred now: write $\tilde{\x}_i = \x_i - \xm$ and $\tilde{\z}_i = \z_i - \bar{\z}$, with
$\bar{\z}$ the mean code.

The slope of $\sum_i \|\mathbf{B}\tilde{\z}_i - \tilde{\x}_i\|^2$ in $\mathbf{B}$ is
$2\sum_i (\mathbf{B}\tilde{\z}_i - \tilde{\x}_i)\,\tilde{\z}_i\T$. It is zero for
$\mathbf{B} \sum_i \tilde{\z}_i\tilde{\z}_i\T = \sum_i \tilde{\x}_i\tilde{\z}_i\T$. The code transposes this equation,
because `solve` expects the unknown on the right. The points need not be centred there:
$\sum_i \tilde{\z}_i = \mathbf{0}$, so $\xm$ drops out.

A shift of all codes does not change $\tilde{\z}_i$, so $\mathbf{B}$ stays and $\mathbf{b}$ takes the shift up.
""",
    afterwards="""
import matplotlib.pyplot as plt

from lecture_lib.datasets import load_digits

digits = load_digits()  # a strange code: how bright are rows 5 to 22?
images = digits.x_train.reshape(-1, 28, 28)
B, b = best_decoder(images[:, 5:23].mean(axis=2), digits.x_train)
tests = digits.x_test[:8].reshape(-1, 28, 28)
rebuilt = tests[:, 5:23].mean(axis=2) @ B.T + b
fig, axes = plt.subplots(2, 8, figsize=(8, 2.2))
for ax, image in zip(axes.flat, [*tests, *rebuilt.reshape(-1, 28, 28)]):
    ax.imshow(image, cmap="gray", vmin=0, vmax=1), ax.axis("off")
""",
)


@exercise.reference
def best_decoder(Z, X):
    """The linear decoder with the least squared error for given codes.

    Z : array, shape (N, Q), the codes, one a row
    X : array, shape (N, D), the points that they belong to
    returns : B, shape (D, Q), and b, shape (D,)
    """
    z_bar, x_bar = Z.mean(axis=0), X.mean(axis=0)
    centred = Z - z_bar
    B = np.linalg.solve(centred.T @ centred, centred.T @ X).T
    return B, x_bar - B @ z_bar


def solved(Z, X):
    return np.linalg.solve(Z.T @ Z, Z.T @ X).T


def centred(Z):
    return Z - Z.mean(axis=0)


@exercise.inputs
def inputs(rng):
    for q in (2, 3, 1):
        rows, dims = 12 + int(rng.integers(4)), 4 + int(rng.integers(3))
        Z = rng.normal(size=(rows, q)) + rng.uniform(0.8, 1.5, size=q)
        X = Z @ rng.normal(size=(q, dims)) + rng.uniform(1, 2, dims)
        yield Z, X + 0.5 * rng.normal(size=(rows, dims))
    Z = rng.normal(size=(9, 2)) * (2, 0.7)
    yield Z - Z.mean(axis=0), rng.normal(size=(9, 5)) + 1.0


@exercise.mistake
def no_offset(Z, X):
    """Your decoder has no offset worth the name: all its answers lie in a space through the origin. Data whose mean
    is not zero pay for it. What does the equation say about the best offset for a given matrix?"""
    return solved(Z, X), np.zeros(X.shape[1])


@exercise.mistake
def matrix_as_if_there_were_no_offset(Z, X):
    """Your matrix is the best one without an offset, and the offset was added afterwards. Each is best alone, the
    pair is not. Put the best offset into the loss first: which codes does the matrix see then?"""
    B = solved(Z, X)
    return B, X.mean(axis=0) - B @ Z.mean(axis=0)


@exercise.mistake
def offset_is_the_mean(Z, X):
    """Your offset is the mean of the points. That is right for codes whose mean is zero, and these have another. What
    does the decoder make of the mean code?"""
    return solved(centred(Z), X), X.mean(axis=0)


@exercise.mistake
def sign_of_the_mean_code(Z, X):
    """Your offset adds what the matrix makes of the mean code where it should take it away. Test it: what does your
    decoder answer to the mean code, and what should it?"""
    B = solved(centred(Z), X)
    return B, X.mean(axis=0) + B @ Z.mean(axis=0)


@exercise.mistake
def product_for_a_solution(Z, X):
    """Your matrix is the covariance of points and codes. That would be right if the codes had variance one and were
    uncorrelated. What must undo their own covariance?"""
    B = centred(X).T @ centred(Z) / len(X)
    return B, X.mean(axis=0) - B @ Z.mean(axis=0)


@exercise.mistake
def transposed(Z, X):
    """Your numbers are right, but the matrix is transposed: that form suits codes that stand in rows. In the book the
    decoder is B z, with a column for each number of the code. Which shape is asked for?"""
    B = solved(centred(Z), X)
    return B.T, X.mean(axis=0) - B @ Z.mean(axis=0)


@exercise.mistake
def encoder_for_decoder(Z, X):
    """You solved the reverse problem: the matrix that predicts codes from points, transposed. Here the codes are
    given and the points are to be predicted. Whose errors are squared?"""
    C = np.linalg.lstsq(centred(X), centred(Z))[0]
    return C, X.mean(axis=0) - C @ Z.mean(axis=0)


@exercise.variant
def with_a_column_of_ones(Z, X):
    weights = np.linalg.lstsq(np.column_stack([Z, np.ones(len(Z))]), X)[0]
    return weights[:-1].T, weights[-1]


@exercise.variant
def with_the_pseudoinverse(Z, X):
    Z, X = torch.as_tensor(Z), torch.as_tensor(X)
    B = (torch.linalg.pinv(Z - Z.mean(0)) @ (X - X.mean(0))).T
    return B, (X - Z @ B.T).mean(0)


@exercise.variant
def by_a_library(Z, X):
    model = LinearRegression().fit(Z, X)
    return model.coef_, model.intercept_


@exercise.variant
def pixel_by_pixel(Z, X):
    flat = Z - Z.mean(axis=0)
    inverse = np.linalg.inv(sum(np.outer(z, z) for z in flat))
    B = np.array(
        [inverse @ sum(x * z for x, z in zip(column, flat, strict=True)) for column in X.T]
    )
    return B, np.mean([x - B @ z for x, z in zip(X, Z, strict=True)], axis=0)
