"""The steps and claims of page 11.2.5 that test_ppca.py does not check."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA as SklearnPCA

from lecture_lib.datasets import load_digits, load_faces
from lecture_lib.pca import ProbabilisticPCA

# Some hundred float64 terms on each side: rounding stays far below this.
close = {"rtol": 1e-10, "atol": 1e-10}


def orthonormal(rng, *shape):
    return np.linalg.qr(rng.normal(size=shape)).Q


@pytest.fixture(
    params=[(40, 5, 2), (30, 7, 1), (60, 4, 3)], ids=lambda shape: "N{}-D{}-Q{}".format(*shape)
)
def case(request):
    """Data, and a model that was not fitted to them: the algebra must hold for any."""
    N, D, Q = request.param
    rng = np.random.default_rng(N)
    X = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)
    W, mu, sigma2 = rng.normal(size=(D, Q)), rng.normal(size=D), 0.3
    centred = X - X.mean(axis=0)
    return rng, X, Q, mu, W @ W.T + sigma2 * np.eye(D), centred.T @ centred


def best_value(variances, kept):
    """Mean log p(x) with these eigenvalues of S / N kept, and whether a real W exists for it."""
    D, rest = len(variances), np.delete(variances, kept).mean()
    logs = np.log(variances[list(kept)]).sum() + (D - len(kept)) * np.log(rest)
    return -0.5 * (D * np.log(2 * np.pi) + logs + D), variances[list(kept)].min() >= rest


@pytest.mark.equation("eq-ppca-average")
def test_the_scatter_matrix_is_all_that_the_mean_log_likelihood_needs(case):
    _, X, _, mu, C, S = case
    away = X.mean(axis=0) - mu
    average = -0.5 * (
        X.shape[1] * np.log(2 * np.pi)
        + np.log(np.linalg.det(C))
        + np.trace(np.linalg.inv(C) @ S) / len(X)
        + away @ np.linalg.inv(C) @ away
    )
    np.testing.assert_allclose(multivariate_normal(mu, C).logpdf(X).mean(), average, **close)


@pytest.mark.equation("eq-ppca-axes")
def test_the_mean_log_likelihood_is_a_sum_over_the_axes_of_C(case):
    _, X, Q, _, C, S = case
    ell, axes = np.linalg.eigh(C)
    np.testing.assert_allclose(ell[: len(C) - Q], 0.3, rtol=1e-10)  # the others all are sigma^2
    s = np.array([a @ S @ a for a in axes.T]) / len(X)
    by_axes = -0.5 * (len(C) * np.log(2 * np.pi) + (np.log(ell) + s / ell).sum())
    centred = multivariate_normal(X.mean(axis=0), C).logpdf(X).mean()
    np.testing.assert_allclose(centred, by_axes, **close)


@pytest.mark.equation("eq-ppca-align")
def test_no_axes_fit_better_than_the_eigenvectors_in_order(case):
    rng, X, _, _, C, S = case
    ell = np.linalg.eigvalsh(C)[::-1]
    variances = np.linalg.eigvalsh(S)[::-1] / len(X)
    least = (variances / ell).sum()
    w = 1 / ell
    for axes in orthonormal(rng, 500, *C.shape):
        s = np.einsum("dj,de,ej->j", axes, S, axes) / len(X)
        steps = sum((w[k + 1] - w[k]) * s[: k + 1].sum() for k in range(len(w) - 1))
        np.testing.assert_allclose((s / ell).sum(), w[-1] * s.sum() - steps, **close)
        assert (s / ell).sum() > least
    # The order matters: the same eigenvectors, given to the eigenvalues of C in reverse, do worse.
    assert (variances[::-1] / ell).sum() > least


@pytest.mark.equation("eq-ppca-best")
def test_the_value_at_the_maximum_needs_the_eigenvalues_only(case):
    rng, X, Q, _, C, S = case
    variances = np.linalg.eigvalsh(S)[::-1] / len(X)
    best, allowed = best_value(variances, range(Q))
    assert allowed
    model = ProbabilisticPCA(n_components=Q).fit(X)
    np.testing.assert_allclose(model.score_samples(X).mean(), best, **close)
    # No model near the best, at any distance tried, and not the random one either, does better.
    assert multivariate_normal(X.mean(axis=0), C).logpdf(X).mean() < best
    for size in np.repeat([1e-3, 1e-2, 0.1, 1.0], 20):
        W = model.weights_ + size * rng.normal(size=model.weights_.shape)
        sigma2 = model.noise_variance_ * np.exp(size * rng.normal())
        near = multivariate_normal(model.mean_, W @ W.T + sigma2 * np.eye(len(W)))
        assert near.logpdf(X).mean() < best


def test_no_other_choice_of_eigenvectors_that_a_real_W_can_have_does_as_well(case):
    *_, X, Q, _, _, S = case
    variances = np.linalg.eigvalsh(S)[::-1] / len(X)
    best, _ = best_value(variances, range(Q))
    others = [best_value(variances, kept) for kept in combinations(range(len(S)), Q)][1:]
    assert all(value < best for value, allowed in others if allowed)


def test_the_condition_on_the_order_is_needed():
    """The example of "What to try": the last choice would win if W could be imaginary."""
    variances = np.array([10, 9.9, 1])
    (first, ok), (second, _), (third, impossible) = (best_value(variances, [j]) for j in range(3))
    assert ok
    assert third > first > second
    assert not impossible


@pytest.mark.equation("eq-ppca-shrinkage")
def test_the_posterior_mean_gives_pcas_reconstruction_drawn_towards_the_mean(case):
    _, X, Q, _, _, S = case
    eigenvalues, V = np.linalg.eigh(S)
    ell, V = eigenvalues[::-1] / len(X), V[:, ::-1]
    model = ProbabilisticPCA(n_components=Q).fit(X)
    shrunk = X.mean(axis=0) + sum(
        (1 - ell[Q:].mean() / ell[j]) * np.outer((X - X.mean(axis=0)) @ V[:, j], V[:, j])
        for j in range(Q)
    )
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), shrunk, **close)


@pytest.mark.equation("eq-density-scale")
@pytest.mark.parametrize("a", [255, 1e-3])
def test_a_change_of_unit_shifts_the_log_density(case, a):
    _, X, Q, *_ = case
    plain = ProbabilisticPCA(n_components=Q).fit(X).score_samples(X)
    scaled = ProbabilisticPCA(n_components=Q).fit(a * X).score_samples(a * X)
    np.testing.assert_allclose(scaled, plain - X.shape[1] * np.log(a), **close)


def test_likelihood_of_the_images_used_rises_with_Q_and_held_out_it_has_a_peak(monkeypatch):
    monkeypatch.setenv("LECTURE_PROFILE", "cpu")  # the embedded digits, whoever runs the test
    images = load_digits().x_train[:4000].astype(float)
    order = np.random.default_rng(0).permutation(len(images))
    held_out, used = np.split(images[order], [len(images) // 4])
    models = [ProbabilisticPCA(n_components=Q).fit(used) for Q in (10, 500, 600)]
    log_used = [model.score_samples(used).mean() for model in models]
    few, some, many = (model.score_samples(held_out).mean() for model in models)
    assert log_used == sorted(log_used)
    # Images and split are fixed, so no chance enters; the gaps are about 900 and 4,000 nats.
    assert some > few + 100
    assert some > many + 100


def test_scikit_learn_divides_by_the_wrong_count_where_D_exceeds_N():
    """If this fails because scikit-learn divides by D - Q now, rewrite that section of the page."""
    data = load_faces("lfw")
    images, labels = np.r_[data.x_train, data.x_test], np.r_[data.y_train, data.y_test]
    faces = images[labels == 1].astype(float)
    N, D, Q = *faces.shape, 10
    assert (N, D) == (100, 625)
    model = ProbabilisticPCA(n_components=Q).fit(faces)
    discarded = model.eigenvalues_[Q:].sum() / (N - 1)
    ours = model.score_samples(faces).mean()
    scores = {}
    # The default is randomised here: its eigenvalues come out a little low, and the rest high. The
    # others sum eigenvalues of an exact decomposition, some of them zero but for rounding.
    for solver, divisor, rtol in [
        ("auto", N - Q, 1e-3),
        ("full", N - Q, 1e-6),
        ("covariance_eigh", D - Q, 1e-6),
    ]:
        fitted = SklearnPCA(n_components=Q, svd_solver=solver, random_state=0).fit(faces)
        assert discarded / fitted.noise_variance_ == pytest.approx(divisor, rel=rtol)
        scores[solver] = fitted.score(faces)
        # One number for the axes: the cosine of the largest angle between the two subspaces.
        cosine = np.linalg.svd(fitted.components_ @ model.components_.T, compute_uv=False).min()
        assert cosine > 0.99
        # Approximate axes are off by far more than rounding, exact ones by no more.
        assert (1 - cosine > 1e-6) == (solver == "auto")
    assert scores["full"] == pytest.approx(162.4, abs=0.1)
    assert scores["auto"] < scores["full"] < scores["covariance_eigh"] < ours
    # N - 1 for N makes every variance of the model larger by c = N / (N - 1). The squares then add
    # up to D / c: by eq-ppca-axes the mean falls by (D / 2)(log c + 1 / c - 1).
    c = N / (N - 1)
    fall = D / 2 * (np.log(c) + 1 / c - 1)
    assert ours - scores["covariance_eigh"] == pytest.approx(fall, rel=1e-5)
    C = model.weights_ @ model.weights_.T + model.noise_variance_ * np.eye(D)
    assert ours == pytest.approx(multivariate_normal(model.mean_, C).logpdf(faces).mean(), rel=1e-9)
