"""Exercise: the best diagonal q of a linear VAE, and its price in nats."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="What a diagonal guess costs",
    page="11-4-7-linear-vae",
    equation="eq-linear-vae-gap",
    level="core",
    minutes=20,
    trains="You tell a precision from a variance, and compute the gap that a diagonal q must leave.",
    statement=r"""
A linear VAE has the decoder $\W\z + \boldsymbol{\mu}$ and the noise variance $\sigma^2$. Its posterior is a
Gaussian with the same covariance for every $\x$, in general not a diagonal one. The encoder has to answer with a
diagonal Gaussian.

Compute two things: the variances $s_1^2, \dots, s_Q^2$ of the diagonal $q$ with the best bound, and the gap between
$\log p(\x)$ and that bound, in nats. The matrix $\mathbf{M}$ is that of the page, made of $\W$ and $\sigma^2$. It
has a part in both.

Before you write: is the best $q$ as wide as the posterior of each $z_j$, or is it narrower? And for which $\W$ must
the gap come out as zero?
""",
    solution=r"""
The posterior's precision is $\mathbf{P} = \mathbf{M} / \sigma^2$ with $\mathbf{M} = \W\T\W + \sigma^2\mathbf{I}$.
The gap is the KL from $q$ to the posterior, {eq}`eq-linear-vae-kl`. With the posterior's mean, what is left of it is
$\frac12\sum_j(P_{jj}s_j^2 - \log s_j^2 - 1) - \frac12\log|\mathbf{P}|$. Each variance stands alone in its term, whose
slope $P_{jj} - 1/s_j^2$ changes from negative to positive at $s_j^2 = 1/P_{jj} = \sigma^2 / M_{jj}$,
{eq}`eq-best-diagonal`. First the diagonal is taken, then the inverse. The other order, the diagonal of
$\mathbf{P}^{-1}$, gives the posterior's own variances, which are larger unless $z_j$ is independent of the others: the
best $q$ is too narrow.

With these variances each $P_{jj}s_j^2$ is 1, and $\frac12\big(\sum_j \log P_{jj} - \log|\mathbf{P}|\big)$ is left. The
factors $1/\sigma^2$ cancel, as there are $Q$ of them in either part: {eq}`eq-linear-vae-gap`. `slogdet` gives the
logarithm of the determinant without the determinant, which for large $Q$ can be too large for the computer or round to
zero. The gap is zero if the columns of $\W$ are at right angles, and so always for $Q = 1$.
""",
    afterwards="""
import matplotlib.pyplot as plt

W = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2))).Q * [3, 0.5]
angles = np.radians(np.arange(0, 181, 3))
gaps = []
for angle in angles:  # turn the code: p(x) stays the same, the bound does not
    c, s = np.cos(angle), np.sin(angle)
    gaps.append(price_of_a_diagonal(W @ [[c, -s], [s, c]], 0.25)[1])
plt.plot(np.degrees(angles), gaps)
plt.xlabel("turn of the code, degrees"), plt.ylabel("gap, nats");
""",
)


@exercise.reference
def price_of_a_diagonal(W, sigma2):
    """The best diagonal q(z|x) of a linear VAE, and what it costs.

    W : array, shape (D, Q), the decoder's weights
    sigma2 : float, the noise variance
    returns : variances of q, shape (Q,), and log p(x) - ELBO, a number in nats
    """
    M = W.T @ W + sigma2 * np.eye(W.shape[1])
    diagonal = np.diag(M)
    gap = 0.5 * (np.log(diagonal).sum() - np.linalg.slogdet(M)[1])
    return sigma2 / diagonal, gap


@exercise.inputs
def inputs(rng):
    def slanted(D, Q):  # columns that are far from right angles
        return 0.6 * rng.normal(size=(D, Q)) + rng.normal(size=(D, 1)) * (1 + rng.random(Q))

    yield slanted(int(rng.integers(6, 8)), 3), 0.2 + 0.3 * rng.random()
    yield slanted(int(rng.integers(8, 10)), 5), 2 + rng.random()
    yield slanted(4, 1), 0.5
    yield 0.1 * slanted(5, 2), 0.1 + 0.1 * rng.random()  # M is small, and its logarithms negative
    yield np.linalg.qr(rng.normal(size=(6, 2))).Q * np.array([2.0, 0.5]), 0.3  # right angles


def _M(W, sigma2):
    return W.T @ W + sigma2 * np.eye(W.shape[1])


def _answer(M, sigma2):
    return sigma2 / np.diag(M), 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])


@exercise.mistake
def variances_of_the_posterior(W, sigma2):
    """Your gap is right. Your variances are those that each latent dimension has under the posterior, and the best
    diagonal q is narrower. Which comes first, taking the diagonal or taking the inverse?"""
    M = _M(W, sigma2)
    return sigma2 * np.diag(np.linalg.inv(M)), _answer(M, sigma2)[1]


@exercise.mistake
def gap_of_the_posterior_variances(W, sigma2):
    """You gave q the variances that each latent dimension has under the posterior, and computed the gap that this
    leaves. It is right for that q, but another diagonal q has a smaller gap. Which matrix's diagonal does the KL
    meet?"""
    M = _M(W, sigma2)
    P = M / sigma2
    s2 = np.diag(np.linalg.inv(P))
    return s2, 0.5 * ((np.diag(P) * s2 - np.log(s2) - 1).sum() - np.linalg.slogdet(P)[1])


@exercise.mistake
def the_other_divergence(W, sigma2):
    """You compare the posterior with the product of its own marginals. That is the KL taken the other way round, with
    the posterior in front. Under which of the two is the mean taken in the bound?"""
    covariance = sigma2 * np.linalg.inv(_M(W, sigma2))
    s2 = np.diag(covariance)
    return s2, 0.5 * (np.log(s2).sum() - np.linalg.slogdet(covariance)[1])


@exercise.mistake
def precisions_returned(W, sigma2):
    """Your gap is right. In place of the variances you return precisions: they grow as the noise gets less, and a
    posterior should get narrower then. What is the one to the other?"""
    s2, gap = _answer(_M(W, sigma2), sigma2)
    return 1 / s2, gap


@exercise.mistake
def scale_of_the_noise_left_out(W, sigma2):
    """Your gap is right. Your variances are off by a factor, the noise variance. M is not yet the precision. What
    stands in front of it in the posterior?"""
    s2, gap = _answer(_M(W, sigma2), sigma2)
    return s2 / sigma2, gap


@exercise.mistake
def prior_without_the_noise(W, sigma2):
    """In your matrix the identity has no noise variance in front. The weights and the prior are then weighed as if the
    variance were one. What multiplies the identity in M?"""
    return _answer(W.T @ W + np.eye(W.shape[1]), sigma2)


@exercise.mistake
def noise_in_every_entry(W, sigma2):
    """In your matrix the noise variance is added to every entry. In M it multiplies the identity. What does NumPy do
    when a number is added to a matrix?"""
    return _answer(W.T @ W + sigma2, sigma2)


@exercise.mistake
def covariance_of_the_data(W, sigma2):
    """Your matrix has one row for each dimension of x: it is the covariance of the data. The posterior is one of the
    codes, which have Q dimensions. In which order are W and its transpose multiplied?"""
    D = len(W)
    return _answer(W @ W.T + sigma2 * np.eye(D), sigma2)


@exercise.mistake
def forgot_the_half(W, sigma2):
    """Your variances are right, and the gap is twice what it should be. The logarithm of a Gaussian has its determinant
    under a root. What does the root become in the logarithm?"""
    s2, gap = _answer(_M(W, sigma2), sigma2)
    return s2, 2 * gap


@exercise.mistake
def negative_gap(W, sigma2):
    """Your variances are right, and the gap has the wrong sign. It is a KL divergence, and log p(x) lies above the
    bound. Which is larger, the product of the diagonal or the determinant?"""
    s2, gap = _answer(_M(W, sigma2), sigma2)
    return s2, -gap


@exercise.mistake
def noise_squared(W, sigma2):
    """You square the noise variance that you are given. It is a square already. Which power of σ stands in M?"""
    return _answer(_M(W, sigma2**2), sigma2**2)


@exercise.variant
def by_the_kl_of_gaussians(W, sigma2):
    P = torch.as_tensor(_M(W, sigma2) / sigma2)
    s2 = 1 / P.diagonal()
    zero = torch.zeros(len(s2), dtype=P.dtype)
    normal = torch.distributions.MultivariateNormal
    q, posterior = normal(zero, torch.diag(s2)), normal(zero, precision_matrix=P)
    return s2, torch.distributions.kl_divergence(q, posterior)


@exercise.variant
def by_hadamard(W, sigma2):
    M = np.einsum("di,dj->ij", W, W)
    for j in range(len(M)):
        M[j, j] += sigma2
    scale = np.sqrt(np.array([M[j, j] for j in range(len(M))]))
    eigenvalues = np.linalg.eigvalsh(M / np.outer(scale, scale))
    return sigma2 / scale**2, -np.log(eigenvalues).sum() / 2
