"""Exercise: fit probabilistic PCA, also to fewer points than dimensions."""

import numpy as np

from lecture_lib.exercises import equivalence
from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Fit probabilistic PCA",
    page="11-2-5-probabilistic-pca",
    equation="eq-ppca-ml",
    level="core",
    minutes=20,
    trains="You fit a generative model in closed form, and get its noise right even where points are scarce.",
    equivalent=equivalence.up_to_rotation,
    statement=r"""
Probabilistic PCA needs no training loop: the best parameters stand in one equation. Write them, for any data with
$Q < D$, also for fewer points than dimensions. Any $\mathbf{R}$ is accepted.

Predict first: ten points in fifty dimensions, and $Q = 2$. How many of the discarded eigenvalues can be other than zero? And
by what number is their sum divided to give $\sigma^2$? (Software disagrees about this.)

If you are in doubt about a constant, there is a test that needs no solution: in the $Q$ top directions, and in the
sum of all $D$, the model's covariance $\W\W\T + \sigma^2\mathbf{I}$ has the variance of the data.
""",
    solution=r"""
The eigenvalues of $\S / N$ are the variances along the axes. `eigh` gives them in ascending order, so the first
$D - Q$ are the discarded ones and the last $Q$ belong to $\W$. Their order among themselves is of no consequence,
because it only permutes the columns of $\W$, which is one of the rotations $\mathbf{R}$.

$\sigma^2$ is the mean of *all* $D - Q$ discarded variances, {eq}`eq-ppca-ml`. With ten points in fifty dimensions
and $Q = 2$, at most seven of them are above zero, by {eq}`eq-scatter-rank`, and the divisor is 48 all the same: the model
puts noise in all directions, also in those where these few points do not vary.

Each column of $\W$ gets the variance that noise does not explain. Then $\W\W\T + \sigma^2\mathbf{I}$ has along
$\v_j$ the variance $(\lambda_j / N - \sigma^2) + \sigma^2$, the one of the data. That is the test in the statement;
and its trace is the total variance, because $(D - Q)\,\sigma^2$ is the sum of what was left out.
""",
    afterwards="""from lecture_lib import plotting
from lecture_lib.datasets import load_digits

plotting.use_style()
digits = load_digits()
threes = digits.x_train[digits.y_train == 3].astype(float)
W, sigma2 = fit_ppca(threes, 12)
z = np.random.default_rng(0).normal(size=(6, 12))
new = np.mean(threes, axis=0) + z @ W.T  # drawn, without the noise
rows, names = np.concatenate([threes[:6], new]), ["real", "drawn"]
plotting.image_grid(rows, (28, 28), columns=6, row_labels=names);""",
)


@exercise.reference
def fit_ppca(X, Q):
    """The most likely weights and noise of probabilistic PCA.

    X : array, shape (N, D), one point a row
    Q : int, how many latent dimensions
    returns : (W, sigma2)
        W : array, shape (D, Q)
        sigma2 : number, the variance of the noise
    """
    N, D = X.shape
    offsets = X - X.mean(axis=0)
    variances, U = np.linalg.eigh(offsets.T @ offsets / N)
    sigma2 = variances[: D - Q].mean()
    W = U[:, D - Q :] * np.sqrt(variances[D - Q :] - sigma2)
    return W, sigma2


@exercise.inputs
def inputs(rng):
    for N, D, Q in [(15, 5, 2), (9, 7, 3), (6, 12, 2), (20, 4, 1), (4, 9, 2)]:
        W = np.linalg.qr(rng.normal(size=(D, Q))).Q * np.linspace(4, 2.5, Q)
        z = np.linalg.qr(rng.normal(size=(N, Q))).Q * np.sqrt(N)
        noise = 0.7 * rng.normal(size=(N, D))
        yield z @ W.T + noise + rng.uniform(1, 2, size=D), Q


def _variances(offsets, divisor):
    """Variances, falling, and their axes."""
    variances, U = np.linalg.eigh(offsets.T @ offsets / divisor)
    return variances[::-1], U[:, ::-1]


def _fit(X, Q, divisor, left_out):
    """The fit, with the two numbers that are easily mistaken."""
    variances, U = _variances(X - X.mean(axis=0), divisor)
    sigma2 = variances[Q:].sum() / left_out
    return U[:, :Q] * np.sqrt(variances[:Q] - sigma2), sigma2


@exercise.mistake
def scatter_for_covariance(X, Q):
    """You took the eigenvalues of S itself: σ² comes out N times too large. The model is about one point, S is a
    sum over all of them. What turns one into the other?"""
    return _fit(X, Q, 1, X.shape[1] - Q)


@exercise.mistake
def divided_by_one_less(X, Q):
    """You divided by N − 1, as `np.cov` does unless told otherwise. That is the unbiased variance. By what does the
    maximum of the likelihood divide?"""
    return _fit(X, Q, len(X) - 1, X.shape[1] - Q)


@exercise.mistake
def only_those_above_zero(X, Q):
    """You are right where points abound, but with few points you averaged only the eigenvalues above zero. The
    model has noise in all directions, also in those without data. How many directions are left out in all?"""
    return _fit(X, Q, len(X), min(len(X) - 1, X.shape[1]) - Q)


@exercise.mistake
def divided_by_the_smaller_size(X, Q):
    """You are right where points abound. With fewer points than dimensions you averaged over N − Q eigenvalues, as
    many as a short list holds, and σ² comes out too large. How many directions does the model fill with noise?"""
    return _fit(X, Q, len(X), min(X.shape) - Q)


@exercise.mistake
def both_divisors_of_software(X, Q):
    """Two divisors are not those of the likelihood, as in the PCA of scikit-learn: one makes variances of sums, the
    other a mean of the discarded variances. By what does the equation divide, at each of the two places?"""
    return _fit(X, Q, len(X) - 1, min(X.shape) - Q)


@exercise.mistake
def divided_by_all_dimensions(X, Q):
    """You divided the discarded variances by D. Only D − Q of them went into the sum. Which directions does σ²
    speak for?"""
    return _fit(X, Q, len(X), X.shape[1])


@exercise.mistake
def noise_not_subtracted(X, Q):
    """σ² is right, but W alone already has the whole variance of the data along its columns. The noise adds its
    share on top. How much of the variance is left for W?"""
    variances, U = _variances(X - X.mean(axis=0), len(X))
    return U[:, :Q] * np.sqrt(variances[:Q]), variances[Q:].mean()


@exercise.mistake
def root_forgotten(X, Q):
    """σ² is right, and the columns of W point the right way, but their lengths are variances. WWᵀ should hold
    variances. What must the lengths in W be then?"""
    variances, U = _variances(X - X.mean(axis=0), len(X))
    sigma2 = variances[Q:].mean()
    return U[:, :Q] * (variances[:Q] - sigma2), sigma2


@exercise.mistake
def sigma_for_variance(X, Q):
    """W is right. Your second value is σ, the standard deviation. The noise variance is asked for. Which of the two
    does the equation give directly?"""
    W, sigma2 = _fit(X, Q, len(X), X.shape[1] - Q)
    return W, np.sqrt(sigma2)


@exercise.mistake
def ascending_order(X, Q):
    """You took the smallest variances for W and the largest for the noise, so that W holds roots of negative
    numbers. `np.linalg.eigh` gives eigenvalues in ascending order. Where are the top ones?"""
    variances, U = np.linalg.eigh(np.cov(X.T, ddof=0))
    sigma2 = variances[Q:].mean()
    return U[:, :Q] * np.sqrt(variances[:Q] - sigma2), sigma2


@exercise.mistake
def not_centred(X, Q):
    """Your eigenvalues are those of the points as they are, not of their offsets, so W also has to explain how far
    from the origin they lie. Which μ is the most likely one, and what has to be done with it?"""
    variances, U = _variances(X, len(X))
    sigma2 = variances[Q:].mean()
    return U[:, :Q] * np.sqrt(variances[:Q] - sigma2), sigma2


@exercise.variant
def by_svd_and_turned(X, Q):
    N, D = X.shape
    A = X - X.mean(axis=0)
    _, s, Vh = np.linalg.svd(A, full_matrices=False)
    sigma2 = ((A**2).sum() - (s[:Q] ** 2).sum()) / N / (D - Q)
    R = np.linalg.qr(np.arange(Q * Q).reshape(Q, Q) ** 2.0 + np.eye(Q)).Q
    return Vh[:Q].T @ np.diag(np.sqrt(s[:Q] ** 2 / N - sigma2)) @ R, np.float32(sigma2)


@exercise.variant
def with_the_library(X, Q):
    from lecture_lib import ProbabilisticPCA

    model = ProbabilisticPCA(Q).fit(X)
    return -model.weights_, model.noise_variance_
