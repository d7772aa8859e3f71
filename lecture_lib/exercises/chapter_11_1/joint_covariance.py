"""Exercise: the covariance of latent and observed numbers together, in the linear model."""

import numpy as np
import torch
from scipy.linalg import block_diag

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="One Gaussian for both",
    page="11-1-3-generative-models",
    equation="eq-marginal-linear",
    level="core",
    minutes=20,
    trains="You find every covariance of a linear model from how it makes its points.",
    statement=r"""
The page finds the covariance of $\x$ when a straight line makes it. Now the line becomes a plane or more, with $Q$
latent numbers, $\x = \W\z + \sigma\boldsymbol{\varepsilon}$, and the prior lets some of them vary more than others:
$z_q$ is Gaussian with mean zero and standard deviation $s_q$, all are independent, and
$\boldsymbol{\varepsilon} \sim \N(\mathbf{0}, \mathbf{I})$ as before.

Write the covariance matrix of $\z$ and $\x$ *together*, stacked in this order into one long vector of $Q + D$
numbers. It holds all that the model knows: the prior, the marginal, and what $\x$ tells about $\z$.

Before you write: draw the four blocks. Which of them contain the noise? And what is the covariance of $z_1$ and $x_1$
if $D = Q = 1$?
""",
    solution=r"""
Everything has mean zero, so a covariance is the expectation of a product, and $\boldsymbol{\varepsilon}$ is
independent of $\z$. With $\mathbf{P} = \E[\z\z\T] = \operatorname{diag}(s_1^2, \dots, s_Q^2)$:

$$
\begin{aligned}
\E[\z\z\T] &= \mathbf{P} \\
\E[\x\z\T] &= \W\,\E[\z\z\T] + \sigma\,\E[\boldsymbol{\varepsilon}\z\T] = \W\mathbf{P} \\
\E[\x\x\T] &= \W\mathbf{P}\W\T + \sigma^2\mathbf{I}
\end{aligned}
$$

The noise is in the last block only: what does not touch $\z$ does not vary with it. With $\mathbf{P} = \mathbf{I}$
and $Q = 1$ the last block is {eq}`eq-marginal-linear`. `W * s**2` multiplies the columns of $\W$, each by its
variance, which is $\W\mathbf{P}$ without making the diagonal matrix. With $D = Q = 1$ the covariance of $z$ and $x$
is $w s^2$.

From this one matrix the posterior follows: the mean of $\z$ given $\x$ is $\E[\z\x\T]\,\E[\x\x\T]^{-1}\x$.
""",
    afterwards=r"""
rng = np.random.default_rng(0)
W, s, sigma = np.array([[1.2, 0.5], [0.4, -1.0], [0.8, 0.9]]), [1.0, 0.3], 0.2
z = s * rng.normal(size=(100_000, 2))
x = z @ W.T + sigma * rng.normal(size=(100_000, 3))
C = joint_covariance(W, np.array(s), sigma)
print("yours:", C.round(2), "from draws:", np.cov(z.T, x.T).round(2), sep="\n")
guess = x @ np.linalg.solve(C[2:, 2:], C[2:, :2])  # the mean of z given x
for q in range(2):
    r = np.corrcoef(guess[:, q], z[:, q])[0, 1]
    print(f"z_{q + 1}: guessed from x, correlation {r:.3f}")
""",
)


@exercise.reference
def joint_covariance(W, s, sigma):
    """The covariance matrix of z and x together, first z, then x.

    W : array, shape (D, Q)
    s : array, shape (Q,), the standard deviations of the latent numbers
    sigma : number, the standard deviation of the noise on each part of x
    returns : array, shape (Q + D, Q + D)
    """
    prior = np.diag(s**2)
    cross = W * s**2  # of x with z, shape (D, Q)
    marginal = cross @ W.T + sigma**2 * np.eye(len(W))
    return np.block([[prior, cross.T], [cross, marginal]])


@exercise.inputs
def inputs(rng):
    for d, q in [(4, 2), (2, 3), (5, 1), (1, 1)]:
        W, s = rng.normal(size=(d, q)) + 0.5, rng.uniform(0.4, 0.8, size=q)
        yield W, s * rng.permutation(np.arange(1, q + 1)), float(rng.uniform(0.3, 0.7))
    yield rng.normal(size=(3, 2)), rng.uniform(1.5, 2.5, size=2), 2.0
    yield np.zeros((2, 2)), np.ones(2), 0.5  # x has nothing to do with z


@exercise.mistake
def prior_taken_as_standard(W, s, sigma):
    """You took the latent numbers to have variance one each, as on the page. Here the prior has standard deviations
    of its own. Which blocks do they change?"""
    prior, marginal = np.eye(len(s)), W @ W.T + sigma**2 * np.eye(len(W))
    return np.block([[prior, W.T], [W, marginal]])


@exercise.mistake
def deviations_for_variances(W, s, sigma):
    """Standard deviations stand where variances belong, for the latent numbers and for the noise. A covariance matrix
    holds the expectations of products. What is the expectation of z times z?"""
    return joint_covariance(W, np.sqrt(s), np.sqrt(sigma))


@exercise.mistake
def sigma_for_variance(W, s, sigma):
    """The noise on the diagonal of the last block is σ, and its variance belongs there. The argument is a standard
    deviation. What is the variance of σ times a standard Gaussian?"""
    return joint_covariance(W, s, np.sqrt(sigma))


@exercise.mistake
def prior_deviations_for_variances(W, s, sigma):
    """You put the standard deviations of the latent numbers where their variances belong. A covariance matrix holds
    the expectations of products. What is the expectation of z times z?"""
    return joint_covariance(W, np.sqrt(s), sigma)


@exercise.mistake
def prior_in_its_own_block_only(W, s, sigma):
    """The prior's variances stand in the first block, and the others are those of a standard prior. But x is made
    from these z. What is the covariance of x if z varies more?"""
    C = joint_covariance(W, np.ones_like(s), sigma)
    C[: len(s), : len(s)] = np.diag(s**2)
    return C


@exercise.mistake
def cross_without_the_prior(W, s, sigma):
    """The blocks of z and of x are right. Between them you put W, which is right for a prior of variance one. In E[x
    zᵀ], what becomes of E[z zᵀ]?"""
    Q, C = len(s), joint_covariance(W, s, sigma)
    C[Q:, :Q], C[:Q, Q:] = W, W.T
    return C


@exercise.mistake
def marginal_without_the_prior(W, s, sigma):
    """Three blocks are right. The covariance of x is that for a standard prior: the spread of the latent numbers does
    not enter. What stands between W and its transpose?"""
    Q, C = len(s), joint_covariance(W, s, sigma)
    C[Q:, Q:] = W @ W.T + sigma**2 * np.eye(len(W))
    return C


@exercise.mistake
def independent_blocks(W, s, sigma):
    """The blocks of z and of x are right, and between them you put zeros, as if x said nothing about z. But x is made
    from z. What is the expectation of their product?"""
    Q, C = len(s), joint_covariance(W, s, sigma)
    C[Q:, :Q], C[:Q, Q:] = 0, 0
    return C


@exercise.mistake
def noise_forgotten(W, s, sigma):
    """The noise is missing: your x lies exactly on the plane that the columns of W span. Noise makes each coordinate
    of x vary more. In which block, and where in it?"""
    return joint_covariance(W, s, 0.0)


@exercise.mistake
def noise_on_all_entries(W, s, sigma):
    """You added the noise to every entry of a block, also beside the diagonal. Noise on one coordinate is independent
    of that on another. Which entries does independent noise change?"""
    Q, C = len(s), joint_covariance(W, s, 0.0)
    C[Q:, Q:] += sigma**2
    return C


@exercise.mistake
def x_before_z(W, s, sigma):
    """All numbers are right, in another order: your matrix has x first. The long vector begins with z. Which block
    belongs at the top left?"""
    C = joint_covariance(W, s, sigma)
    return np.roll(C, (-len(s), -len(s)), axis=(0, 1))


@exercise.variant
def from_one_linear_map(W, s, sigma):
    D, Q = W.shape
    # z and x are one linear map of the Q + D independent numbers behind them
    A = np.block([[np.eye(Q), np.zeros((Q, D))], [W, np.eye(D)]])
    return A @ block_diag(np.diag(s * s), sigma * sigma * np.eye(D)) @ A.T


@exercise.variant
def with_loops(W, s, sigma):
    D, Q = W.shape
    C = [[0.0] * (Q + D) for _ in range(Q + D)]
    for q in range(Q):
        C[q][q] = s[q] ** 2
        for d in range(D):
            C[q][Q + d] = C[Q + d][q] = W[d, q] * s[q] ** 2
    for d in range(D):
        for e in range(D):
            C[Q + d][Q + e] = sum(W[d, q] * W[e, q] * s[q] ** 2 for q in range(Q))
        C[Q + d][Q + d] += sigma**2
    return C


@exercise.variant
def with_torch(W, s, sigma):
    W, P = torch.as_tensor(W), torch.diag(torch.as_tensor(s).square())
    C = W @ P @ W.T + sigma**2 * torch.eye(len(W), dtype=W.dtype)
    return torch.cat([torch.cat([P, P @ W.T], dim=1), torch.cat([W @ P, C], dim=1)])
