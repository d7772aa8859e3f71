"""Exercise: the density of probabilistic PCA without a D × D matrix."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The density of an image, without the large matrix",
    page="11-2-5-probabilistic-pca",
    equation="eq-ppca-loglik",
    level="project",
    minutes=50,
    trains="You compute a Gaussian log-density in many dimensions at the price of few, and name digits with it.",
    statement=r"""
Fit one model to each kind of digit, and name a new image after the model that finds it most likely: that is a
classifier made of densities. Each density needs $\mathbf{C}^{-1}$ and $\log|\mathbf{C}|$ of a $784 \times 784$ matrix
$\mathbf{C} = \W\W\T + \sigma^2\mathbf{I}$. But only $Q$ of its directions are special. With
$\mathbf{M} = \W\T\W + \sigma^2\mathbf{I} \in \R^{Q \times Q}$,

$$
\mathbf{C}^{-1} = \tfrac{1}{\sigma^2}\big(\mathbf{I} - \W\mathbf{M}^{-1}\W\T\big).
$$

This is Woodbury's identity. Show that it holds: multiply by $\mathbf{C}$. Then find $|\mathbf{C}|$ from
$|\mathbf{M}|$: which eigenvalues do the two matrices share, and what are the others of $\mathbf{C}$?

Write $\log p(\x)$ for each row of a batch, without making a $D \times D$ matrix. (The check cannot see whether you
do; it accepts the direct way, and you can use that to test yours.)
""",
    solution=r"""
**The inverse.** We have $\mathbf{C}\W = \W\W\T\W + \sigma^2\W = \W\mathbf{M}$, and therefore

$$
\begin{aligned}
\mathbf{C}\,(\mathbf{I} - \W\mathbf{M}^{-1}\W\T)
&= \mathbf{C} - \W\mathbf{M}\mathbf{M}^{-1}\W\T \\
&= \mathbf{C} - \W\W\T = \sigma^2\mathbf{I}.
\end{aligned}
$$

With $\mathbf{a} = \x - \boldsymbol{\mu}$ the quadratic form in {eq}`eq-ppca-loglik` is
$\big(\|\mathbf{a}\|^2 - (\W\T\mathbf{a})\T\mathbf{M}^{-1}(\W\T\mathbf{a})\big) / \sigma^2$: the squared distance
from the mean, less what the latent variable explains, in units of the noise.

**The determinant.** Let $\W\T\W$ have the eigenvalues $g_1, \dots, g_Q$. $\W\W\T$ has the same ones and $D - Q$
zeros. Adding $\sigma^2\mathbf{I}$ adds $\sigma^2$ to each, in both. So $\mathbf{C}$ has all eigenvalues of
$\mathbf{M}$, and $\sigma^2$ another $D - Q$ times: $\log|\mathbf{C}| = \log|\mathbf{M}| + (D - Q)\log\sigma^2$.

**In code.** `slogdet` gives the logarithm itself, where a determinant itself may overflow or vanish. `solve` takes
the place of an inverse. The projections $\W\T\mathbf{a}$ are rows, so they are turned to columns for `solve` and
back. For $B$ rows the work is of order $BDQ + DQ^2 + Q^3$, and nothing is larger than the data.
""",
    afterwards="""from lecture_lib import ProbabilisticPCA
from lecture_lib.datasets import load_digits

digits = load_digits()
pixels = np.ptp(digits.x_train, axis=0) > 0  # others never vary
scores = []
for k in range(10):
    known = digits.x_train[digits.y_train == k][:400, pixels].astype(float)
    model = ProbabilisticPCA(n_components=15).fit(known)
    parts = model.mean_, model.weights_, model.noise_variance_
    scores.append(log_density(digits.x_test[:, pixels].astype(float), *parts))
names = np.argmax(scores, axis=0)
print(f"named rightly: {(names == digits.y_test).mean():.1%}")""",
)


@exercise.reference
def log_density(X, mu, W, sigma2):
    """The log-density of each row under probabilistic PCA, in nats.

    X : array, shape (B, D), one point a row
    mu : array, shape (D,), the mean of the model
    W : array, shape (D, Q), its weights
    sigma2 : number, the variance of its noise
    returns : array, shape (B,)
    """
    D, Q = W.shape
    offsets = X - mu
    codes = offsets @ W
    M = W.T @ W + sigma2 * np.eye(Q)
    explained = (codes * np.linalg.solve(M, codes.T).T).sum(axis=1)
    distance = ((offsets**2).sum(axis=1) - explained) / sigma2
    log_det = np.linalg.slogdet(M)[1] + (D - Q) * np.log(sigma2)
    return -0.5 * (D * np.log(2 * np.pi) + log_det + distance)


@exercise.inputs
def inputs(rng):
    # in the last of these the determinant of C is smaller than any number in 64 bits
    for B, D, Q, sigma2 in [(4, 6, 2, 0.4), (7, 11, 3, 0.6), (1, 5, 1, 0.3), (3, 200, 4, 0.01)]:
        mu, W = rng.normal(size=D), rng.normal(size=(D, Q)) * sigma2**0.25
        z, eps = rng.normal(size=(B, Q)), rng.normal(size=(B, D))
        yield mu + z @ W.T + 1.3 * np.sqrt(sigma2) * eps, mu, W, sigma2
    mu = rng.normal(size=8)
    yield np.stack([mu, mu + 1]), mu, rng.normal(size=(8, 3)), 2.5


def _parts(X, mu, W, sigma2):
    """Constant, log-determinant and quadratic form."""
    D = len(mu)
    C = W @ W.T + sigma2 * np.eye(D)
    offsets = X - mu
    distance = (offsets * np.linalg.solve(C, offsets.T).T).sum(axis=1)
    return D * np.log(2 * np.pi), np.linalg.slogdet(C).logabsdet, distance


def _by_woodbury(X, mu, W, sigma2, M):
    D, Q = W.shape
    offsets = X - mu
    rest = np.eye(D) - W @ np.linalg.solve(M, W.T)
    log_det = np.linalg.slogdet(M).logabsdet + (D - Q) * np.log(sigma2)
    return -0.5 * (D * np.log(2 * np.pi) + log_det + ((offsets @ rest) * offsets).sum(1) / sigma2)


@exercise.mistake
def constant_left_out(X, mu, W, sigma2):
    """Your values are all too large, by an amount that grows with the number of dimensions. The constant with 2π is
    missing. It cancels between two models of the same size, but a density needs it. Where does it stand?"""
    _, log_det, distance = _parts(X, mu, W, sigma2)
    return -0.5 * (log_det + distance)


@exercise.mistake
def determinant_left_out(X, mu, W, sigma2):
    """The log-determinant is missing. Without it a model with more noise finds every image more likely, and nothing
    holds it back. Which term of the density pays for a wide Gaussian?"""
    constant, _, distance = _parts(X, mu, W, sigma2)
    return -0.5 * (constant + distance)


@exercise.mistake
def determinant_of_the_small_matrix(X, mu, W, sigma2):
    """You put the log-determinant of M where that of C belongs. C has D eigenvalues and M only Q of them. What are
    the others, and how many?"""
    constant, log_det, distance = _parts(X, mu, W, sigma2)
    return -0.5 * (constant + log_det - (len(mu) - W.shape[1]) * np.log(sigma2) + distance)


@exercise.mistake
def noise_counted_in_all_dimensions(X, mu, W, sigma2):
    """Your log-determinant counts log σ² once for each of the D dimensions, on top of log|M|. But M has Q
    eigenvalues of C already, noise included. How many are left?"""
    constant, log_det, distance = _parts(X, mu, W, sigma2)
    return -0.5 * (constant + log_det + W.shape[1] * np.log(sigma2) + distance)


@exercise.mistake
def determinant_underflows(X, mu, W, sigma2):
    """You are right until the dimensions are many; then the result is infinite. A determinant is a product of D
    numbers, and may be smaller than any that the computer holds. How can its logarithm be had without it?"""
    constant, _, distance = _parts(X, mu, W, sigma2)
    C = W @ W.T + sigma2 * np.eye(len(mu))
    return -0.5 * (constant + np.log(np.linalg.det(C)) + distance)


@exercise.mistake
def noise_missing_in_the_small_matrix(X, mu, W, sigma2):
    """Your M is WᵀW without the noise. Then a point may lie far out along the columns of W and pay nothing for it.
    What is M's diagonal short of?"""
    return _by_woodbury(X, mu, W, sigma2, W.T @ W)


@exercise.mistake
def identity_in_the_small_matrix(X, mu, W, sigma2):
    """Your M has ones added to its diagonal, as if the noise variance were one. The rest is right. What does M's
    definition have in front of the identity?"""
    return _by_woodbury(X, mu, W, sigma2, W.T @ W + np.eye(W.shape[1]))


@exercise.mistake
def every_row_with_every_row(X, mu, W, sigma2):
    """You have a B × B matrix: the quadratic form of each row with each other row. The densities stand on its
    diagonal only. How can each row be multiplied with itself alone?"""
    constant, log_det, _ = _parts(X, mu, W, sigma2)
    C = W @ W.T + sigma2 * np.eye(len(mu))
    return -0.5 * (constant + log_det + (X - mu) @ np.linalg.solve(C, (X - mu).T))


@exercise.mistake
def explained_part_added(X, mu, W, sigma2):
    """You added what the latent variable explains, where it should be taken off the squared distance. A point that
    W can reach should be more likely for it. Which sign does Woodbury's identity have?"""
    constant, log_det, distance = _parts(X, mu, W, sigma2)
    squares = ((X - mu) ** 2).sum(axis=1) / sigma2
    return -0.5 * (constant + log_det + 2 * squares - distance)


@exercise.mistake
def not_divided_by_noise(X, mu, W, sigma2):
    """The bracket of the quadratic form is right, but it is not divided by σ². The form has no unit: squares of
    pixels over squares of pixels. Which factor of Woodbury's identity is missing?"""
    constant, log_det, distance = _parts(X, mu, W, sigma2)
    return -0.5 * (constant + log_det + sigma2 * distance)


@exercise.mistake
def took_the_root_of_the_variance(X, mu, W, sigma2):
    """You used σ where σ² belongs: your result is right for a model whose noise variance is the root of the one
    given. Which of the two is the argument?"""
    return -0.5 * sum(_parts(X, mu, W, np.sqrt(sigma2)))


@exercise.mistake
def mean_not_subtracted(X, mu, W, sigma2):
    """Your values are those of a model with its mean at the origin. The argument μ has no effect. From where are
    offsets measured?"""
    return -0.5 * sum(_parts(X, 0 * mu, W, sigma2))


@exercise.variant
def with_the_large_matrix(X, mu, W, sigma2):
    from scipy.stats import multivariate_normal

    C = W @ W.T + sigma2 * np.eye(len(mu))
    return np.atleast_1d(multivariate_normal(mu, C).logpdf(X))


@exercise.variant
def with_torch(X, mu, W, sigma2):
    W, mu = torch.as_tensor(W), torch.as_tensor(mu)
    noise = sigma2 * torch.ones_like(mu)
    model = torch.distributions.LowRankMultivariateNormal(mu, W, noise)
    return model.log_prob(torch.as_tensor(X))


@exercise.variant
def by_eigenvalues(X, mu, W, sigma2):
    U, s, _ = np.linalg.svd(W, full_matrices=False)
    result = []
    for x in X:
        a = x - mu
        z = U.T @ a
        total = (a @ a - z @ z) / sigma2 + (len(mu) - len(s)) * np.log(2 * np.pi * sigma2)
        for z_j, s_j in zip(z, s, strict=True):
            variance = s_j**2 + sigma2
            total += z_j**2 / variance + np.log(2 * np.pi * variance)
        result.append(-total / 2)
    return result
