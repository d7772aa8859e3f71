"""Exercise: the best affine denoiser when every coordinate has its own noise."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A noise level for every pixel",
    page="11-3-5-denoising",
    equation="eq-dae-linear-optimum",
    level="core",
    minutes=25,
    trains="You find the best affine denoiser for noise that treats coordinates differently.",
    statement=r"""
A camera with some bad pixels: pixel $d$ carries Gaussian noise with its own standard deviation $\tau_d$, independent of
the others. Some pixels may be perfect, $\tau_d = 0$. The page solves the case of one $\tau$ for all. Which term of its
loss has to change, and what becomes of the optimum?

Write the best affine map $r(\mathbf{y}) = \mathbf{C}\mathbf{y} + \mathbf{c}$ for the training points $\x_i$ and these
noise levels. As on the page, the covariance of the clean points is $\S / N$.

Predict: does $\mathbf{C}$ still only fade PCA's directions? What must its row look like for a perfect pixel?
""",
    solution=r"""
Let $\mathbf{T}$ be the diagonal matrix of the $\tau_d^2$. The noise is $\mathbf{T}^{1/2}\boldsymbol{\varepsilon}$
now, so the price for passing it on becomes $\operatorname{tr}\mathbf{C}\mathbf{T}\mathbf{C}\T$ in
{eq}`eq-dae-linear-loss`. The other two terms stay. The square is completed as before, with
$\mathbf{M} = \boldsymbol{\Sigma} + \mathbf{T}$, the covariance of the noisy points, if
it has an inverse (with perfect pixels it may have none: if one of them never varies, say):

$$
\mathbf{C}^* = \boldsymbol{\Sigma}\,(\boldsymbol{\Sigma} + \mathbf{T})^{-1}, \qquad
\mathbf{c}^* = (\mathbf{I} - \mathbf{C}^*)\,\xm
$$

With one $\tau$ the two factors share their eigenvectors, and their order does not matter. Now it does: $\mathbf{C}^*$
is not symmetric any more, and it does not fade PCA's directions. A bad pixel is filled in from good ones; the reverse
is not worth much. From $\mathbf{I} - \mathbf{C}^* = \mathbf{T}\mathbf{M}^{-1}$ one sees that for a perfect pixel the
row of $\mathbf{C}^*$ is that of $\mathbf{I}$: it is passed on as it came.
""",
    afterwards="""
import matplotlib.pyplot as plt

from lecture_lib.datasets import load_digits

digits, rng = load_digits(), np.random.default_rng(0)
x = digits.x_test[:8]
tau = np.where(rng.random(784) < 0.8, 2.0, 0.05)  # four pixels of five
y = x + tau * rng.normal(size=x.shape)  # are nearly useless
C, c = linear_denoiser(digits.x_train.astype(float), tau)
fig, axes = plt.subplots(3, 8, figsize=(8, 3.2))  # clean, noisy, denoised
for ax, image in zip(axes.flat, np.vstack([x, y, y @ C.T + c])):
    ax.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
    ax.axis("off")
""",
)


@exercise.reference
def linear_denoiser(X, tau):
    """The affine map C y + c that takes noise away best.

    X : array, shape (N, D), the clean points, one a row, not centred
    tau : array, shape (D,), the standard deviation of each coordinate's noise
    returns : C, shape (D, D), and c, shape (D,)
    """
    x_bar = X.mean(axis=0)
    Sigma = (X - x_bar).T @ (X - x_bar) / len(X)
    C = Sigma @ np.linalg.inv(Sigma + np.diag(tau**2))
    return C, x_bar - C @ x_bar


def covariance(X):
    return np.cov(X.T, bias=True)


def with_offset(C, X):
    return C, X.mean(axis=0) - C @ X.mean(axis=0)


def denoiser(Sigma, T, X):
    return with_offset(Sigma @ np.linalg.inv(Sigma + T), X)


@exercise.inputs
def inputs(rng):
    for dims in (3, 4, 2):
        rows = dims + 4 + int(rng.integers(4))
        mix = np.eye(dims) + 0.5 * rng.normal(size=(dims, dims))
        yield (
            rng.normal(size=(rows, dims)) @ mix + rng.uniform(1, 2, dims),
            rng.uniform(0.4, 2, dims),
        )
    X = rng.normal(size=(12, 3)) @ (np.eye(3) + 0.5 * rng.normal(size=(3, 3))) + (1.0, 0.0, -1.0)
    yield X, np.array([0.0, 1.5, 0.6])  # one perfect pixel
    # no more points than pixels: the covariance has no inverse
    yield rng.normal(size=(4, 4)) + 0.5, rng.uniform(0.5, 1.5, size=4)


@exercise.mistake
def deviation_for_variance(X, tau):
    """You added the standard deviations of the noise to a covariance. Covariances are in squared units. What must be
    added to the variances of the clean pixels?"""
    return denoiser(covariance(X), np.diag(tau), X)


@exercise.mistake
def factors_in_the_other_order(X, tau):
    """You have the two factors of the matrix in the other order. With one noise level for all pixels they commute,
    here they do not. From which side does the covariance of the noisy points divide?"""
    Sigma = covariance(X)
    return with_offset(np.linalg.inv(Sigma + np.diag(tau**2)) @ Sigma, X)


@exercise.mistake
def scatter_for_covariance(X, tau):
    """You compared the noise with the scatter, the sum over all points. Then noise looks N times weaker than it is.
    By what is the scatter divided?"""
    return denoiser(covariance(X) * len(X), np.diag(tau**2), X)


@exercise.mistake
def divided_by_one_less(X, tau):
    """You divided the scatter by N − 1, as `np.cov` does on its own. This book's covariance of the training points is
    a mean over all of them. What does the statement divide by?"""
    return denoiser(np.cov(X.T), np.diag(tau**2), X)


@exercise.mistake
def mean_left_in(X, tau):
    """You did not take the mean away before you multiplied, so a mean far from zero passes for variance. What is the
    covariance of points that are all equal?"""
    return denoiser(X.T @ X / len(X), np.diag(tau**2), X)


@exercise.mistake
def offset_forgotten(X, tau):
    """Your matrix is right, and the offset is zero. Then the mean fades too. What should the answer be when the noisy
    point is the mean?"""
    return exercise.solve(X, tau)[0], np.zeros(X.shape[1])


@exercise.mistake
def offset_is_the_mean(X, tau):
    """Your matrix is right, and the offset is the whole mean. The matrix lets a part of the mean through already. What
    should the answer be when the noisy point is the mean?"""
    return exercise.solve(X, tau)[0], X.mean(axis=0)


@exercise.mistake
def one_noise_for_all(X, tau):
    """You averaged the noise over the pixels and used the formula of the page. Then good pixels are trusted as little
    as bad ones. Which term of the loss must know them apart?"""
    return denoiser(covariance(X), np.mean(tau**2) * np.eye(len(tau)), X)


@exercise.mistake
def each_pixel_alone(X, tau):
    """You faded each pixel on its own, by its variance and its noise. But pixels vary together, and a good one tells
    about its bad neighbours. Which entries of the covariance did you leave out?"""
    s2 = X.var(axis=0)
    return with_offset(np.diag(s2 / (s2 + tau**2)), X)


@exercise.mistake
def noise_everywhere(X, tau):
    """You added the noise variances to all rows of the covariance, also beside the diagonal. NumPy does that to a
    vector added to a matrix. Does the noise of two pixels vary together?"""
    return denoiser(covariance(X), tau**2, X)


@exercise.mistake
def directions_faded_by_the_noise_of_pixels(X, tau):
    """You faded PCA's directions, the j-th by the noise of pixel j. But a direction is a mixture of all pixels, and
    so is its noise. Does the matrix of the noise have the same eigenvectors as the covariance?"""
    s2, V = np.linalg.eigh(covariance(X))
    return with_offset(V * (s2 / (s2 + tau**2)) @ V.T, X)


@exercise.variant
def by_solving(X, tau):
    Sigma = torch.cov(torch.as_tensor(X).T, correction=0)
    C = torch.linalg.solve(Sigma + torch.diag(torch.as_tensor(tau) ** 2), Sigma, left=False)
    return C, (torch.eye(len(tau)) - C) @ torch.as_tensor(X).mean(0)


@exercise.variant
def from_what_is_lost(X, tau):
    flat = X - X.mean(axis=0)
    M = np.einsum("nd,ne->de", flat, flat) / len(X) + np.diag(tau * tau)
    lost = np.diag(tau * tau) @ np.linalg.inv(M)
    return np.eye(len(tau)) - lost, lost @ X.mean(axis=0)


@exercise.variant
def from_the_slope(X, tau):
    flat = X - X.mean(axis=0)
    M = np.diag(tau**2) + sum(np.outer(x, x) for x in flat) / len(X)
    C = np.linalg.solve(M, M - np.diag(tau**2)).T
    return C, np.mean(X - X @ C.T, axis=0)
