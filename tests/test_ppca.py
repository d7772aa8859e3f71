"""Probabilistic PCA: its likelihood, its maximum, its posterior and its samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm
from skimage.data import lfw_subset
from sklearn.base import clone
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.exceptions import NotFittedError

from lecture_lib.pca import PCA, ProbabilisticPCA


def make_data(N, D, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + 3 * rng.normal(size=D)


def covariance(model):
    W = model.weights_
    return W @ W.T + model.noise_variance_ * np.eye(len(W))


def mean_log_likelihood(X, W, mu, sigma2):
    """The Gaussian written out, with the D×D covariance: nothing is shared with the library."""
    C = W @ W.T + sigma2 * np.eye(len(W))
    sign, log_det = np.linalg.slogdet(C)
    assert sign == 1
    centred = X - mu
    distance = np.einsum("nd,nd->n", centred, np.linalg.solve(C, centred.T).T)
    return -0.5 * (len(W) * np.log(2 * np.pi) + log_det + distance.mean())


@st.composite
def problems(draw):
    """(X, Q) with room for noise: Q < min(N − 1, D), where N may be smaller than D."""
    N, D = draw(st.integers(3, 40)), draw(st.integers(2, 12))
    Q = draw(st.integers(1, min(N - 2, D - 1)))
    return make_data(N, D, draw(st.integers(0, 2**32 - 1))), Q


# --- the density ------------------------------------------------------------------------------


@pytest.mark.equation("eq-ppca-loglik")
@settings(deadline=None, max_examples=40)
@given(problem=problems())
def test_log_likelihood_is_that_of_the_gaussian_with_the_full_covariance(problem):
    X, Q = problem
    model = ProbabilisticPCA(Q).fit(X)
    elsewhere = X[:2] + np.arange(X.shape[1])
    C = covariance(model)
    # Rounding in C⁻¹ grows with the condition number of C, in the reference as well.
    rtol = 1e-13 * np.linalg.cond(C) + 1e-10
    for points in (X, elsewhere):
        centred = points - model.mean_
        distance = (centred @ np.linalg.inv(C) * centred).sum(axis=1)
        by_hand = -0.5 * (X.shape[1] * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + distance)
        np.testing.assert_allclose(model.score_samples(points), by_hand, rtol=rtol, atol=rtol)
        by_scipy = multivariate_normal(model.mean_, C, allow_singular=True).logpdf(points)
        np.testing.assert_allclose(model.score_samples(points), by_scipy, rtol=rtol, atol=rtol)
    assert model.score(X) == pytest.approx(model.score_samples(X).mean())


@pytest.mark.equation("eq-ppca-marginal")
def test_density_is_the_integral_over_the_latent_variable():
    X = make_data(60, 3, seed=1)
    model = ProbabilisticPCA(1).fit(X)
    w, sigma = model.weights_[:, 0], np.sqrt(model.noise_variance_)
    for x, log_p in zip(X[:10], model.score_samples(X[:10]), strict=True):
        # The integrand is a bump: the integral starts and ends 12 posterior deviations from it.
        centre = model.transform(x[None])[0, 0]
        reach = 12 * np.sqrt(model.posterior_covariance_[0, 0])
        integral, _ = quad(
            lambda z, x=x: norm.pdf(z) * norm.pdf(x, w * z + model.mean_, sigma).prod(),
            centre - reach,
            centre + reach,
            epsabs=0,
        )
        assert np.log(integral) == pytest.approx(log_p, abs=1e-8)


@pytest.mark.equation("eq-ppca-marginal")
def test_density_is_the_mean_over_draws_of_the_latent_variable():
    X = make_data(60, 3, seed=2)
    model = ProbabilisticPCA(1).fit(X)
    sigma = np.sqrt(model.noise_variance_)
    z = np.random.default_rng(0).standard_normal((100_000, 1))
    means = model.inverse_transform(z)
    for x in X[:5]:
        p = norm.pdf(x, means, sigma).prod(axis=1)
        error = p.std() / np.sqrt(len(z))
        assert error < 0.05 * p.mean()  # a lost factor of 2, π or σ would change far more
        # The seed is fixed. For a right formula, 4 errors are passed once in 16,000 draws.
        assert abs(p.mean() - np.exp(model.score_samples(x[None])[0])) < 4 * error


# --- the maximum ------------------------------------------------------------------------------


@pytest.mark.equation("eq-ppca-ml")
@settings(deadline=None, max_examples=30)
@given(problem=problems())
def test_closed_form(problem):
    X, Q = problem
    N, D = X.shape
    centred = X - X.mean(axis=0)
    eigenvalues, V = (a[..., ::-1] for a in np.linalg.eigh(centred.T @ centred / N))
    sigma2 = eigenvalues[Q:].sum() / (D - Q)
    model = ProbabilisticPCA(Q).fit(X)
    assert model.noise_variance_ == pytest.approx(sigma2, rel=1e-8)
    # W up to its rotation and signs: W Wᵀ. The square root of Λ − σ²I has been squared away.
    expected = V[:, :Q] * (eigenvalues[:Q] - sigma2) @ V[:, :Q].T
    W = model.weights_
    np.testing.assert_allclose(W @ W.T, expected, atol=1e-10 * eigenvalues.sum())
    np.testing.assert_allclose(model.mean_, X.mean(axis=0))
    assert W.shape == (D, Q)


@pytest.mark.equation("eq-ppca-ml")
@pytest.mark.parametrize(("N", "D", "Q"), [(50, 5, 2), (30, 6, 1), (8, 12, 3)])
def test_gradient_of_the_likelihood_is_zero_at_the_maximum(N, D, Q):
    X = make_data(N, D)
    model = ProbabilisticPCA(Q).fit(X)
    W, mu, log_sigma2 = model.weights_, model.mean_, np.log(model.noise_variance_)
    scale = np.sqrt(model.noise_variance_)  # the length over which the likelihood changes

    def value(parameters):
        dW, dmu, dlog = np.split(parameters, [W.size, W.size + D])
        dW = scale * dW.reshape(W.shape)
        return mean_log_likelihood(X, W + dW, mu + scale * dmu, np.exp(log_sigma2 + dlog[0]))

    def slope(at, h=1e-4):  # central: errors of order h² = 1e-8 and of rounding / h = 1e-10
        steps = h * np.eye(len(at))
        return np.array([value(at + e) - value(at - e) for e in steps]) / (2 * h)

    maximum = np.zeros(W.size + D + 1)
    np.testing.assert_allclose(slope(maximum), 0, atol=1e-5)
    assert np.abs(slope(maximum + 0.05)).max() > 1e-2  # the check does see a slope elsewhere


@pytest.mark.parametrize(("N", "D", "Q"), [(50, 5, 2), (8, 12, 3)])
def test_no_other_parameters_nearby_or_far_are_more_likely(N, D, Q):
    X, rng = make_data(N, D), np.random.default_rng(1)
    model = ProbabilisticPCA(Q).fit(X)
    best = model.score(X)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(25):
            W = model.weights_ + size * rng.normal(size=(D, Q))
            mu = model.mean_ + size * rng.normal(size=D)
            sigma2 = model.noise_variance_ * np.exp(size * rng.normal())
            assert mean_log_likelihood(X, W, mu, sigma2) < best


def test_noise_variance_is_optimal():
    """With V fixed and W following σ², as in the closed form, the mean discarded λ_j/N is best."""
    X, Q = make_data(40, 6), 2
    model = ProbabilisticPCA(Q).fit(X)
    variances = model.eigenvalues_ / len(X)

    def value(sigma2):
        W = model.components_.T * np.sqrt(variances[:Q] - sigma2)
        return mean_log_likelihood(X, W, model.mean_, sigma2)

    best = value(model.noise_variance_)
    assert all(value(f * model.noise_variance_) < best for f in (0.5, 0.9, 0.99, 1.01, 1.1))
    # Among the factors above could lie the wrong counts: a mean over N − 1 − Q or over D terms.
    assert value(variances[Q:].sum() / 6) < best


def expectation_maximisation(X, Q, steps, rng):
    """Fit by EM (Tipping and Bishop, appendix B); yields (W, σ²) after each step."""
    N, D = X.shape
    centred = X - X.mean(axis=0)
    W, sigma2 = rng.normal(size=(D, Q)), 1.0
    for _ in range(steps):
        M_inverse = np.linalg.inv(W.T @ W + sigma2 * np.eye(Q))
        Ez = centred @ W @ M_inverse
        Ezz = N * sigma2 * M_inverse + Ez.T @ Ez
        W = centred.T @ Ez @ np.linalg.inv(Ezz)
        cross = 2 * (Ez * (centred @ W)).sum()
        sigma2 = ((centred**2).sum() - cross + np.trace(Ezz @ W.T @ W)) / (N * D)
        yield W, sigma2


@pytest.mark.equation("eq-ppca-ml")
@pytest.mark.parametrize(("N", "D", "Q"), [(100, 5, 2), (12, 20, 2)])
def test_expectation_maximisation_climbs_to_the_closed_form_and_no_higher(N, D, Q):
    X, rng = make_data(N, D, seed=3), np.random.default_rng(4)
    model = ProbabilisticPCA(Q).fit(X)
    best = model.score(X)
    for _ in range(3):
        path = list(expectation_maximisation(X, Q, 1500, rng))
        climb = [mean_log_likelihood(X, W, X.mean(axis=0), s2) for W, s2 in path[::100]]
        assert (np.diff(climb) > -1e-9).all()
        assert climb[0] < best - 0.1  # it does start elsewhere
        W, sigma2 = path[-1]
        assert best - 1e-6 < mean_log_likelihood(X, W, X.mean(axis=0), sigma2) < best + 1e-9
        assert sigma2 == pytest.approx(model.noise_variance_, rel=1e-4)
        np.testing.assert_allclose(
            W @ W.T + sigma2 * np.eye(D), covariance(model), atol=1e-3 * np.trace(W @ W.T)
        )


def test_hundred_faces_fewer_points_than_dimensions():
    """D = 625 > N = 100, where scikit-learn's default averages the discarded variance wrongly.

    It divides by min(N, D) − Q = 90 where the model has D − Q = 615 noise dimensions.
    """
    X = lfw_subset()[:100].reshape(100, -1)
    model = ProbabilisticPCA(10).fit(X)
    by_hand = mean_log_likelihood(X, model.weights_, model.mean_, model.noise_variance_)
    assert model.score(X) == pytest.approx(by_hand, rel=1e-9)
    assert model.score(X) == pytest.approx(493.5, abs=0.1)  # seen; the maximum, by what follows
    theirs = SklearnPCA(10, svd_solver="full").fit(X)
    assert model.score(X) > theirs.score(X)
    # The same model with their noise variance is less likely, whatever W goes with it.
    variances = model.eigenvalues_[:10] / 100
    W = model.components_.T * np.sqrt(np.maximum(variances - theirs.noise_variance_, 0))
    assert mean_log_likelihood(X, W, model.mean_, theirs.noise_variance_) < model.score(X) - 100


def test_agrees_with_scikit_learn_where_points_abound():
    X = make_data(5000, 4)
    ours, theirs = ProbabilisticPCA(2).fit(X), SklearnPCA(2, svd_solver="full").fit(X)
    # scikit-learn divides by N − 1: its variances are larger by 1/N, its likelihood is no higher.
    assert theirs.noise_variance_ == pytest.approx(ours.noise_variance_ * 5000 / 4999, rel=1e-10)
    assert 0 < ours.score(X) - theirs.score(X) < 1e-6


@settings(deadline=None, max_examples=20)
@given(problem=problems())
def test_log_likelihood_does_not_change_when_the_data_are_turned_and_moved(problem):
    X, Q = problem
    R = np.linalg.qr(np.random.default_rng(5).normal(size=(X.shape[1],) * 2)).Q
    plain, moved = ProbabilisticPCA(Q).fit(X), ProbabilisticPCA(Q).fit(X @ R.T - 2)
    rtol = 1e-13 * np.linalg.cond(covariance(plain)) + 1e-10
    np.testing.assert_allclose(
        moved.score_samples(X @ R.T - 2), plain.score_samples(X), rtol=rtol, atol=rtol
    )


def test_equal_eigenvalues_leave_noise_only():
    for scale in np.linspace(0.1, 3, 200):  # often enough, the mean of three equals is rounded up
        X = scale * np.concatenate([np.eye(4), -np.eye(4)])  # S = 2 scale² I: no direction is best
        model = ProbabilisticPCA(1).fit(X)
        deviation = np.sqrt(2 * scale**2 / 8)
        assert model.noise_variance_ == pytest.approx(deviation**2)
        np.testing.assert_allclose(model.weights_, 0, atol=1e-7 * deviation)
        independent = norm.logpdf(X, scale=deviation).sum(axis=1)
        np.testing.assert_allclose(model.score_samples(X), independent)


# --- the posterior ----------------------------------------------------------------------------


@pytest.mark.equation("eq-ppca-posterior")
@pytest.mark.parametrize(("N", "D", "Q"), [(50, 5, 2), (30, 6, 1), (8, 12, 3)])
def test_posterior_is_the_joint_gaussian_conditioned_on_x(N, D, Q):
    X = make_data(N, D)
    model = ProbabilisticPCA(Q).fit(X)
    W, C = model.weights_, covariance(model)
    # Joint covariance of (z, x): [[I, Wᵀ], [W, C]]. Condition z on x.
    gain = W.T @ np.linalg.inv(C)
    np.testing.assert_allclose(model.transform(X), (X - model.mean_) @ gain.T, atol=1e-8)
    np.testing.assert_allclose(model.posterior_covariance_, np.eye(Q) - gain @ W, atol=1e-8)
    M = W.T @ W + model.noise_variance_ * np.eye(Q)
    np.testing.assert_allclose(
        model.transform(X), (X - model.mean_) @ W @ np.linalg.inv(M), atol=1e-8
    )
    np.testing.assert_allclose(
        model.posterior_covariance_, model.noise_variance_ * np.linalg.inv(M), atol=1e-10
    )


@pytest.mark.equation("eq-ppca-posterior")
def test_posterior_is_prior_times_likelihood():
    """Bayes: log p(z) + log p(x|z) − log p(x) is the posterior's log-density, at any z."""
    X = make_data(50, 5)
    model = ProbabilisticPCA(2).fit(X)
    log_p = model.score_samples(X)
    Z = np.random.default_rng(6).normal(size=(50, 2))
    log_joint = norm.logpdf(Z).sum(axis=1) + norm.logpdf(
        X, model.inverse_transform(Z), np.sqrt(model.noise_variance_)
    ).sum(axis=1)
    posterior = multivariate_normal(cov=model.posterior_covariance_)
    np.testing.assert_allclose(posterior.logpdf(Z - model.transform(X)), log_joint - log_p)


def test_without_noise_the_posterior_mean_is_the_code_of_pca_in_units_of_its_deviation():
    rng = np.random.default_rng(7)
    plane = rng.normal(size=(200, 2)) * [3, 1] @ np.linalg.qr(rng.normal(size=(6, 2))).Q.T
    distances = []
    for noise in (1e-1, 1e-2, 1e-3):
        X = plane + noise * rng.normal(size=plane.shape)
        pca, model = PCA(2).fit(X), ProbabilisticPCA(2).fit(X)
        scaled = pca.transform(X) / np.sqrt(pca.eigenvalues_[:2] / len(X))
        distances.append(np.abs(model.transform(X) - scaled).max())
        # E[z_j|x] is the scaled code times sqrt(1 − σ² N/λ_j): relatively σ²/2 off, for λ_j/N ≈ 1.
        assert distances[-1] < noise**2 * np.abs(scaled).max()
    assert distances[0] > 100 * distances[2]


# --- samples ----------------------------------------------------------------------------------


@pytest.mark.equation("eq-ppca-model")
@pytest.mark.equation("eq-ppca-marginal")
def test_samples_follow_the_model():
    model = ProbabilisticPCA(2).fit(make_data(50, 5))
    n = 20_000
    drawn = model.sample(n, seed=0)
    # The model's own line, with draws of our own.
    rng = np.random.default_rng(1)
    z, epsilon = rng.normal(size=(n, 2)), rng.normal(size=(n, 5)) * np.sqrt(model.noise_variance_)
    by_hand = z @ model.weights_.T + model.mean_ + epsilon
    whiten = np.linalg.inv(np.linalg.cholesky(covariance(model))).T
    for X in (drawn, by_hand):
        # If x ~ N(μ, C) these are independent standard normals. The standard error of their means
        # is 1/√n, of their variances √(2/n), of their correlations 1/√n. 20 figures are compared;
        # the seed is fixed; 4.5 errors would be passed about once in 7,000 seeds.
        standard = (X - model.mean_) @ whiten
        np.testing.assert_allclose(standard.mean(axis=0), 0, atol=4.5 / np.sqrt(n))
        np.testing.assert_allclose(standard.T @ standard / n, np.eye(5), atol=4.5 * np.sqrt(2 / n))


def test_samples_are_repeatable_and_carry_noise():
    model = ProbabilisticPCA(2).fit(make_data(50, 5))
    a, b = model.sample(7, seed=3), model.sample(7, seed=3)
    assert a.shape == (7, 5)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, model.sample(7, seed=4))
    assert not np.array_equal(model.sample(7), model.sample(7))
    shared = np.random.default_rng(3)
    np.testing.assert_array_equal(model.sample(7, seed=shared), a)
    assert not np.array_equal(model.sample(7, seed=shared), a)  # a generator moves on
    # Off the plane of W the noise is all there is; a noise-free sample has nothing there.
    off = np.eye(5) - model.components_.T @ model.components_
    assert np.abs((a - model.mean_) @ off).max() > np.sqrt(model.noise_variance_) / 10
    noise_free = model.inverse_transform(np.random.default_rng(0).normal(size=(7, 2)))
    np.testing.assert_allclose((noise_free - model.mean_) @ off, 0, atol=1e-12)


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("N", "D", "Q", "rank"), [(50, 5, 2, 2), (50, 5, 3, 1), (4, 6, 3, 6), (60, 300, 40, 40)]
)
@pytest.mark.parametrize("offset", [0, 1000])
def test_data_without_noise_are_refused(N, D, Q, rank, offset):
    rng = np.random.default_rng(8)
    X = rng.normal(size=(N, rank)) @ rng.normal(size=(rank, D)) + offset
    with pytest.raises(ValueError, match=f"more than Q = {Q} dimensions.*smaller n_components"):
        ProbabilisticPCA(Q).fit(X)


def test_little_noise_is_not_taken_for_none():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 5)) + 1e-6 * rng.normal(size=(500, 5))
    # σ² is a mean over about 500 · 3 squares: its relative deviation is √(2/1500) = 4 %.
    assert ProbabilisticPCA(2).fit(X).noise_variance_ == pytest.approx(1e-12, rel=0.16)


def test_large_float32_data_without_noise_are_refused():
    rng = np.random.default_rng(9)  # N D² > 10⁹: products in float32, and a coarser idea of zero
    X = (rng.normal(size=(17_000, 3)) @ rng.normal(size=(3, 250))).astype(np.float32)
    with pytest.raises(ValueError, match="more than Q = 3 dimensions"):
        ProbabilisticPCA(3).fit(X)
    assert ProbabilisticPCA(2).fit(X).noise_variance_ > 0


@pytest.mark.parametrize(
    ("X", "Q", "message"),
    [
        (np.arange(10), 1, "Labels do not belong here"),
        (make_data(10, 3), 3, "1 ≤ Q < D, where D = 3"),
        (make_data(10, 3), 0, "1 ≤ Q < D"),
        (make_data(10, 3), 1.5, "as an integer"),
        (make_data(1, 3), 1, "at least 2 points"),
        (np.full((5, 3), np.nan), 1, "5 of the 5 rows of X hold NaN"),
    ],
)
def test_bad_fit_is_refused(X, Q, message):
    with pytest.raises(ValueError, match=message):
        ProbabilisticPCA(Q).fit(X)


@pytest.mark.parametrize("method", ["score_samples", "score", "transform"])
def test_bad_rows_are_refused(method):
    X = make_data(10, 3)
    with pytest.raises(NotFittedError):
        getattr(ProbabilisticPCA(1), method)(X)
    with pytest.raises(ValueError, match="X with 3 columns"):
        getattr(ProbabilisticPCA(1).fit(X), method)(X[:, :2])


def test_bad_codes_and_counts_are_refused():
    model = ProbabilisticPCA(2).fit(make_data(10, 4))
    with pytest.raises(ValueError, match="Z with 2 columns"):
        model.inverse_transform(np.zeros((3, 4)))
    for n in (0, -1, 2.5, "3"):
        with pytest.raises(ValueError, match="number of samples"):
            model.sample(n)
    with pytest.raises(NotFittedError):
        ProbabilisticPCA(2).sample(1)
    assert clone(model).n_components == 2
