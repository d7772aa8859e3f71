"""Principal component analysis, and the probabilistic model behind it (lecture 11.2).

`PCA` is the lecture's recipe: the data mean, the scatter matrix S, its eigen-decomposition, the
eigenvectors of the Q largest eigenvalues. `ProbabilisticPCA` turns the same numbers into a density
over x, so that a fit can be judged by its log-likelihood (in nats) and sampled from.

Both follow scikit-learn's conventions: N points are the rows of X (N, D), `fit` returns the
estimator, what is learned ends in an underscore, and they work inside `make_pipeline`.
"""

from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class PCA(TransformerMixin, BaseEstimator):
    """Principal component analysis: the linear code with the smallest squared error.

    Parameters
    ----------
    n_components : int
        Q, the number of dimensions of the code; 1 ≤ Q < D.

    Attributes
    ----------
    mean_ : array, shape (D,)
        The data mean x̄.
    components_ : array, shape (Q, D)
        The rows are the orthonormal v_j, by falling eigenvalue. An eigenvector is defined up to its
        sign: here its entry of largest magnitude is positive (of entries equal to one part in a
        million, the first).
    eigenvalues_ : array, shape (D,)
        All eigenvalues λ_j of the scatter matrix S, falling, never negative; their sum is the trace
        of S.
    explained_variance_ : array, shape (Q,)
        λ_j / (N − 1), the unbiased estimate that scikit-learn reports. The lecture divides by N:
        for its variance of code j take ``eigenvalues_[j] / n_samples_``.
    explained_variance_ratio_ : array, shape (Q,)
        λ_j / tr S.
    n_samples_, n_features_in_ : int
        N and D.

    Notes
    -----
    Equations: lecture 11.2, "PCA recipe". Time is of order N D² + D³ and memory of order D².
    """

    def __init__(self, n_components: int) -> None:
        """Keep the setting; `fit` checks it, once D is known."""
        self.n_components = n_components

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Find the mean and the Q directions of X, shape (N, D); `y` is ignored.

        Raises ValueError for fewer than two points, points that are all the same, values that are
        not finite numbers, and Q outside 1 … D − 1.
        """
        X = _check_matrix(X)
        N, D = X.shape
        Q = _check_n_components(self.n_components, D)
        if N < 2:
            raise ValueError(
                f"Expected at least 2 points, to have a variance; got {N}. Add points."
            )

        self.mean_, S = mean_and_scatter(X)
        if np.trace(S) <= N * (4 * np.finfo(float).eps) ** 2 * (self.mean_ @ self.mean_):
            raise ValueError(
                f"Expected points that differ; all {N} are the same, to rounding. Check the data."
            )
        eigenvalues, V = np.linalg.eigh(S)  # ascending
        eigenvalues, V = eigenvalues[::-1], V[:, ::-1]
        self.components_ = _fix_signs(V[:, :Q].T)

        # S has no negative eigenvalue, but rounding (about 1e-16 of the largest) can push a zero
        # below zero, and a variance below zero has no square root.
        self.eigenvalues_ = np.maximum(eigenvalues, 0.0)
        self.explained_variance_ = self.eigenvalues_[:Q] / (N - 1)
        self.explained_variance_ratio_ = self.eigenvalues_[:Q] / self.eigenvalues_.sum()
        self.n_samples_, self.n_features_in_ = N, D
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Encode: z = Vᵀ(x − x̄) for each row of X, shape (N, D) to (N, Q)."""
        check_is_fitted(self)
        return (_check_rows(X, self.n_features_in_) - self.mean_) @ self.components_.T

    def inverse_transform(self, Z: ArrayLike) -> np.ndarray:
        """Decode: x̂ = V z + x̄ for each row of Z, shape (N, Q) to (N, D)."""
        check_is_fitted(self)
        return _check_rows(Z, len(self.components_), "Z") @ self.components_ + self.mean_


class ProbabilisticPCA(TransformerMixin, BaseEstimator):
    """PCA as a model of how x arises: x = W z + μ + ε, with z ~ N(0, I) and ε ~ N(0, σ² I).

    It follows that x ~ N(μ, C) with C = W Wᵀ + σ² I. The fit is the maximum of the likelihood, in
    closed form. It is right for fewer points than dimensions too: σ² is the mean of all D − Q
    discarded eigenvalues of S / N, zeros included.

    Parameters
    ----------
    n_components : int
        Q, the number of latent dimensions; 1 ≤ Q < D.

    Attributes
    ----------
    mean_ : array, shape (D,)
        μ, the data mean.
    weights_ : array, shape (D, Q)
        W = V (Λ/N − σ² I)^½. Any rotation of z fits as well; this W has orthogonal columns along
        the v_j.
    noise_variance_ : float
        σ², the variance (not the standard deviation) of the noise.
    posterior_covariance_ : array, shape (Q, Q)
        σ² M⁻¹ with M = Wᵀ W + σ² I, the covariance of z given any x.
    components_, eigenvalues_, n_samples_, n_features_in_ : as in `PCA`

    References
    ----------
    M. E. Tipping and C. M. Bishop, "Probabilistic Principal Component Analysis", Journal of the
    Royal Statistical Society B 61(3), 1999, equations 7 and 8 (the maximum) and 6 (the posterior).
    """

    def __init__(self, n_components: int) -> None:
        """Keep the setting; `fit` checks it, once D is known."""
        self.n_components = n_components

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Maximise the likelihood of X, shape (N, D); `y` is ignored.

        Raises ValueError as `PCA.fit` does, and for data that lie in Q dimensions: σ² would be 0
        and the likelihood has no maximum.
        """
        X = _check_matrix(X)
        pca = PCA(self.n_components).fit(X)
        N, D, Q = *X.shape, len(pca.components_)

        variances = pca.eigenvalues_ / N
        sigma2 = variances[Q:].mean()
        # An eigenvalue is known to about the rounding of the largest one; less than that is zero.
        if sigma2 <= 4 * np.finfo(_product_dtype(X)).eps * variances[0]:
            raise ValueError(
                f"Expected data that vary in more than Q = {Q} dimensions; these {N} points do "
                f"not, to rounding, so the noise variance would be 0 and the likelihood has no "
                f"maximum (N points span N - 1 dimensions at most). Use a smaller n_components, "
                f"more points, or PCA."
            )
        W = pca.components_.T * np.sqrt(np.maximum(variances[:Q] - sigma2, 0.0))

        self.mean_, self.weights_, self.noise_variance_ = pca.mean_, W, sigma2
        self.posterior_covariance_ = sigma2 * np.linalg.inv(W.T @ W + sigma2 * np.eye(Q))
        self.components_, self.eigenvalues_ = pca.components_, pca.eigenvalues_
        self.n_samples_, self.n_features_in_ = N, D
        return self

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log-likelihood log p(x), in nats, of each row of X: shape (N, D) to (N,).

        No D×D matrix is needed: C has variance λ_j/N along v_j and σ² in every other direction.
        """
        check_is_fitted(self)
        D, Q = self.weights_.shape
        centred = _check_rows(X, D) - self.mean_
        codes = centred @ self.components_.T
        residual = centred - codes @ self.components_
        variances = self.eigenvalues_[:Q] / self.n_samples_
        log_det = np.log(variances).sum() + (D - Q) * np.log(self.noise_variance_)
        distance = (codes**2 / variances).sum(axis=1)
        distance += (residual**2).sum(axis=1) / self.noise_variance_
        return -0.5 * (D * np.log(2 * np.pi) + log_det + distance)

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Mean log-likelihood of the rows of X, in nats a point; `y` is ignored."""
        return float(self.score_samples(X).mean())

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Posterior mean E[z|x] = M⁻¹ Wᵀ (x − μ) of each row: shape (N, D) to (N, Q)."""
        check_is_fitted(self)
        centred = _check_rows(X, self.n_features_in_) - self.mean_
        return centred @ self.weights_ @ self.posterior_covariance_ / self.noise_variance_

    def inverse_transform(self, Z: ArrayLike) -> np.ndarray:
        """Mean E[x|z] = W z + μ of x, without noise: shape (N, Q) to (N, D).

        After `transform` this is not PCA's x̂: the posterior mean lies nearer to 0 than the code.
        """
        check_is_fitted(self)
        return _check_rows(Z, self.weights_.shape[1], "Z") @ self.weights_.T + self.mean_

    def sample(self, n: int, seed: int | np.random.Generator | None = None) -> np.ndarray:
        """Draw n points x = W z + μ + ε, noise included: shape (n, D).

        `seed` is an int, or a `numpy.random.Generator`; None draws anew at each call.
        """
        check_is_fitted(self)
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"Expected n, the number of samples, as an integer ≥ 1; got {n!r}.")
        D, Q = self.weights_.shape
        rng = np.random.default_rng(seed)
        x = self.inverse_transform(rng.standard_normal((n, Q)))
        return x + np.sqrt(self.noise_variance_) * rng.standard_normal((n, D))


def scatter_matrix(X: ArrayLike) -> np.ndarray:
    """Scatter matrix S = Σ_i (x̄ − x_i)(x̄ − x_i)ᵀ of X, shape (N, D) to (D, D); not over N."""
    return mean_and_scatter(X)[1]


@np.errstate(invalid="ignore", over="ignore")  # what is not finite raises, and need not warn too
def mean_and_scatter(X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Data mean x̄, shape (D,), and scatter matrix S, shape (D, D), in float64.

    For every point c, Σ (x − c)(x − c)ᵀ = S + N (x̄ − c)(x̄ − c)ᵀ. Far from the origin c = 0 would
    leave S as the small difference of two large sums, lost in rounding, so c is taken in the midst
    of the data. Nearer to the origin than the data are wide, c = 0 is as good and saves time.

    Blocks of rows keep the memory bounded, and sums are kept in float64. So are products, except
    those of large float32 data (N D² > 10⁹): float32 halves the time there, and leaves eigenvalues
    with an error of about 1e-7 of the largest one.
    """
    X = _check_matrix(X)
    N, D = X.shape
    dtype = _product_dtype(X)
    sample = X[:: 1 + N // 100].astype(np.float64)
    c = sample.mean(axis=0).astype(dtype)
    far = c @ c > sample.var(axis=0).sum()
    S, total = np.zeros((D, D)), np.zeros(D)
    for rows in np.array_split(X, 1 + N // 8192):
        y = rows - c if far else rows.astype(dtype, order="C", copy=False)
        S += y.T @ y
        for part in np.array_split(y, 1 + len(y) // 256):  # few float32 terms at a time
            total += part.sum(axis=0)
    if not np.isfinite(S).all():
        raise _not_finite(X)
    offset = total / N  # x̄ − c
    return offset + far * c, S - N * np.outer(offset, offset)


def _product_dtype(X):
    N, D = X.shape
    return np.float32 if X.dtype == np.float32 and N * D**2 > 1e9 else np.float64


def _fix_signs(components):
    size = np.abs(components)
    leading = (size >= (1 - 1e-6) * size.max(axis=1, keepdims=True)).argmax(axis=1)
    return components * np.sign(np.take_along_axis(components, leading[:, None], axis=1))


def _check_n_components(Q, D):
    if not isinstance(Q, Integral) or isinstance(Q, bool) or not 1 <= Q < D:
        raise ValueError(
            f"Expected n_components, the code's dimension Q, as an integer with 1 ≤ Q < D, where "
            f"D = {D} is the number of columns of X; got {Q!r}. A code is smaller than the data: "
            + (f"use a number from 1 to {D - 1}." if D > 1 else "one column cannot be compressed.")
        )
    return int(Q)


def _check_matrix(X, name="X"):
    X = np.asarray(X)
    if X.ndim != 2:
        advice = "Flatten each point first: X.reshape(len(X), -1)."
        if X.ndim < 2:
            advice = "Labels do not belong here; a single point needs X.reshape(1, -1)."
        raise ValueError(
            f"Expected {name} with one row a point, two-dimensional; got shape {X.shape} of "
            f"{X.dtype}. {advice}"
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"Expected {name} of real numbers; got dtype {X.dtype}. Convert it, or leave out the "
            f"columns that are not numbers."
        )
    if X.size == 0:
        raise ValueError(f"Expected {name} with at least one point; got shape {X.shape}.")
    return X


def _check_rows(X, columns, name="X"):
    X = _check_matrix(X, name)
    if X.shape[1] != columns:
        raise ValueError(
            f"Expected {name} with {columns} columns, as in the fit; got shape {X.shape}. Pass "
            f"points of the same kind, prepared in the same way."
        )
    if not np.isfinite(X).all():
        raise _not_finite(X, name)
    return X


def _not_finite(X, name="X"):
    bad = int((~np.isfinite(X)).any(axis=1).sum())
    if bad == 0:
        return ValueError(f"Expected {name} with squares that {X.dtype} can hold. Scale it down.")
    return ValueError(
        f"Expected finite numbers; {bad} of the {len(X)} rows of {name} hold NaN or infinity. Drop "
        f"those rows, or fill in the values."
    )
