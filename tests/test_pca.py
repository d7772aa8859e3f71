"""What principal component analysis promises, on random data; its numerics; its error messages."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lecture_lib.pca import PCA, mean_and_scatter, scatter_matrix

# Sums of at most some thousand float64 products, relative to tr S: rounding stays near 1e-14.
TIGHT = 1e-11


@st.composite
def problems(draw, max_points=40, max_dims=12):
    """(X, Q): correlated data away from the origin, N from 2 (so often N < D) and 1 ≤ Q < D."""
    N, D = draw(st.integers(2, max_points)), draw(st.integers(2, max_dims))
    Q, seed = draw(st.integers(1, D - 1)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + 5 * rng.normal(size=D), Q


def random_problem(given_function):
    return settings(deadline=None, max_examples=30)(given(problem=problems())(given_function))


def orthonormal(rng, D, Q):
    return np.linalg.qr(rng.normal(size=(D, Q))).Q


def with_eigenvalues(eigenvalues, N, rng, mean=0.0):
    """N points whose scatter matrix has exactly these eigenvalues, and its eigenvectors (rows)."""
    D = len(eigenvalues)
    # Columns orthonormal to each other and to the ones vector: centred, uncorrelated coordinates.
    codes = np.linalg.qr(np.column_stack([np.ones(N), rng.normal(size=(N, D))])).Q[:, 1:]
    basis = orthonormal(rng, D, D).T
    return codes * np.sqrt(eigenvalues) @ basis + mean, basis


def loss(X, V):
    """Sum of squared residuals, with the best codes for the orthonormal columns of V."""
    centred = X - X.mean(axis=0)
    return ((centred - centred @ V @ V.T) ** 2).sum()


# --- what the theory says ---------------------------------------------------------------------


@random_problem
def test_squared_residual_is_the_sum_of_the_discarded_eigenvalues(problem):
    X, Q = problem
    pca = PCA(Q).fit(X)
    residual = ((pca.inverse_transform(pca.transform(X)) - X) ** 2).sum()
    assert residual == pytest.approx(pca.eigenvalues_[Q:].sum(), abs=TIGHT * pca.eigenvalues_.sum())


@random_problem
def test_retained_and_discarded_add_up_to_the_trace(problem):
    X, Q = problem
    pca = PCA(Q).fit(X)
    trace = ((X - X.mean(axis=0)) ** 2).sum()
    assert pca.eigenvalues_.shape == (X.shape[1],)
    assert pca.eigenvalues_.sum() == pytest.approx(trace, rel=TIGHT)
    assert (pca.transform(X) ** 2).sum() + loss(X, pca.components_.T) == pytest.approx(
        trace, rel=TIGHT
    )
    np.testing.assert_allclose(
        pca.explained_variance_ratio_, pca.eigenvalues_[:Q] / trace, atol=TIGHT
    )


@random_problem
def test_codes_have_variance_lambda_over_n_and_are_uncorrelated(problem):
    X, Q = problem
    pca = PCA(Q).fit(X)
    Z = pca.transform(X)
    atol = TIGHT * pca.eigenvalues_.sum()
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=np.sqrt(atol) * 1e-5)
    np.testing.assert_allclose(Z.T @ Z, np.diag(pca.eigenvalues_[:Q]), atol=atol)
    np.testing.assert_allclose(len(X) * Z.var(axis=0), pca.eigenvalues_[:Q], atol=atol)
    np.testing.assert_allclose((len(X) - 1) * pca.explained_variance_, pca.eigenvalues_[:Q])


@random_problem
def test_components_are_orthonormal_eigenvectors_of_the_scatter_matrix(problem):
    X, Q = problem
    pca = PCA(Q).fit(X)
    V, S = pca.components_.T, scatter_matrix(X)
    np.testing.assert_allclose(V.T @ V, np.eye(Q), atol=TIGHT)
    np.testing.assert_allclose(S @ V, V * pca.eigenvalues_[:Q], atol=TIGHT * np.trace(S))
    assert (np.diff(pca.eigenvalues_) <= 0).all()


@random_problem
def test_no_random_orthonormal_basis_loses_less(problem):
    X, Q = problem
    least = loss(X, PCA(Q).fit(X).components_.T)
    rng = np.random.default_rng(0)
    slack = TIGHT * ((X - X.mean(axis=0)) ** 2).sum()
    for _ in range(20):
        assert loss(X, orthonormal(rng, X.shape[1], Q)) >= least - slack


def test_every_small_step_away_from_the_optimum_loses_more():
    rng = np.random.default_rng(1)
    X, _ = with_eigenvalues(np.array([9.0, 7, 5, 3, 1]), 50, rng)
    V = PCA(2).fit(X).components_.T
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(25):
            step = rng.normal(size=V.shape)
            step -= V @ (V.T @ step)  # out of the plane: within it the loss cannot change
            step *= size / np.linalg.norm(step)
            nearby = np.linalg.qr(V + step).Q
            # To second order a step of length s costs at least s² times the gap 7 − 5 = 2; the
            # factor ½ leaves room for higher orders, which matter only for the longest steps.
            bound = size**2 if size < 1 else 0
            assert loss(X, nearby) > loss(X, V) + bound


@random_problem
def test_rotating_the_data_rotates_the_subspace_and_keeps_the_eigenvalues(problem):
    X, Q = problem
    D = X.shape[1]
    R = orthonormal(np.random.default_rng(2), D, D)
    plain, turned = PCA(Q).fit(X), PCA(Q).fit(X @ R.T)
    trace = plain.eigenvalues_.sum()
    np.testing.assert_allclose(turned.eigenvalues_, plain.eigenvalues_, atol=TIGHT * trace)
    back = turned.components_ @ R
    assert loss(X, back.T) == pytest.approx(loss(X, plain.components_.T), abs=TIGHT * trace)


def test_known_eigenvalues_and_eigenvectors_are_found_also_after_a_rotation():
    rng = np.random.default_rng(3)
    eigenvalues = np.array([50.0, 20, 8, 3, 0.5])
    X, basis = with_eigenvalues(eigenvalues, 40, rng, mean=7.0)
    R = orthonormal(rng, 5, 5)
    for data, vectors in ((X, basis), (X @ R.T, basis @ R.T)):
        pca = PCA(3).fit(data)
        np.testing.assert_allclose(pca.eigenvalues_, eigenvalues, rtol=1e-10)
        overlap = np.abs(pca.components_ @ vectors[:3].T)
        np.testing.assert_allclose(overlap, np.eye(3), atol=1e-10)


@random_problem
def test_moving_the_data_moves_the_mean_only(problem):
    X, Q = problem
    shift = np.linspace(-3, 4, X.shape[1])
    plain, moved = PCA(Q).fit(X), PCA(Q).fit(X + shift)
    trace = plain.eigenvalues_.sum()
    np.testing.assert_allclose(moved.mean_, plain.mean_ + shift, atol=1e-12 * np.abs(X).max())
    np.testing.assert_allclose(moved.eigenvalues_, plain.eigenvalues_, atol=TIGHT * trace)
    assert loss(X, moved.components_.T) == pytest.approx(
        loss(X, plain.components_.T), abs=TIGHT * trace
    )


@random_problem
def test_scaling_the_data_scales_the_eigenvalues_by_its_square(problem):
    X, Q = problem
    plain, scaled = PCA(Q).fit(X), PCA(Q).fit(-4 * X)  # a power of two: no new rounding
    np.testing.assert_allclose(scaled.eigenvalues_, 16 * plain.eigenvalues_, rtol=1e-12)
    np.testing.assert_allclose(scaled.components_, plain.components_, atol=1e-12)


def test_points_of_a_plane_are_rebuilt_without_loss():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 6)) + 3
    pca = PCA(2).fit(X)
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-12)


# --- conventions ------------------------------------------------------------------------------


@random_problem
def test_the_largest_entry_of_each_direction_is_positive(problem):
    X, Q = problem
    components = PCA(Q).fit(X).components_
    magnitude = np.abs(components)
    largest = magnitude >= (1 - 1e-6) * magnitude.max(axis=1, keepdims=True)
    for row, is_largest in zip(components, largest, strict=True):
        assert row[is_largest][0] > 0


def test_signs_do_not_hang_on_rounding():
    rng = np.random.default_rng(5)
    # Along (1, −1): two entries of one magnitude, whose order of size is down to the last bit.
    t = rng.normal(size=(40, 1))
    noise = 1e-9 * rng.normal(size=(20, 40, 2))
    for X in t * np.array([1.0, -1.0]) + noise:
        np.testing.assert_allclose(PCA(1).fit(X).components_, [[0.5**0.5, -(0.5**0.5)]], rtol=1e-6)
    X, _ = with_eigenvalues(np.array([9.0, 5, 2, 1]), 60, rng, mean=1.0)
    for other in (X[::-1], X[rng.permutation(60)], -X, np.asfortranarray(X)):
        np.testing.assert_allclose(
            PCA(2).fit(other).components_, PCA(2).fit(X).components_, atol=1e-10
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_agrees_with_scikit_learn_on_easy_data(dtype):
    X, _ = with_eigenvalues(np.array([90.0, 40, 20, 8, 3]), 200, np.random.default_rng(6), mean=0.2)
    X = X.astype(dtype)
    ours, theirs = PCA(3).fit(X), SklearnPCA(3, svd_solver="full").fit(X)
    # A wrong formula is off by 1/N = 0.5 % or more; scikit-learn rounds to the dtype of the data.
    rtol = 1e-10 if dtype == np.float64 else 1e-5
    for name in ("mean_", "components_", "explained_variance_", "explained_variance_ratio_"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=rtol, atol=rtol, err_msg=name
        )
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=rtol, atol=rtol * 10)
    assert (ours.n_samples_, ours.n_features_in_) == (200, 5)


def test_works_as_a_scikit_learn_transformer():
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 100)
    X = rng.normal(size=(100, 6))
    X[:, 0] += 20 * y  # the classes lie apart along the direction of largest variance
    pipeline = make_pipeline(PCA(1), LogisticRegression()).fit(X, y)
    assert pipeline.score(X, y) == 1
    assert clone(pipeline[0]).n_components == 1
    np.testing.assert_array_equal(PCA(2).fit_transform(X, y), PCA(2).fit(X).transform(X))


# --- numerics ---------------------------------------------------------------------------------


def svd_eigenvalues(X):
    """Eigenvalues of S by a route that never forms S: squared singular values, in float64."""
    centred = X.astype(np.float64)
    centred -= centred.mean(axis=0)
    return np.linalg.svd(centred, compute_uv=False) ** 2


@pytest.mark.parametrize("offset", [0.0, 0.3, 1000.0])
@pytest.mark.parametrize(("N", "D"), [(500, 20), (30, 60), (17_000, 250)])
def test_float32_far_from_the_origin(N, D, offset):
    """The last shape is large enough (N D² > 10⁹) for products in float32."""
    rng = np.random.default_rng(8)
    spread = np.linspace(1, 0.1, D)
    X = ((rng.normal(size=(N, D)) * spread) @ orthonormal(rng, D, D) + offset).astype(np.float32)
    exact = svd_eigenvalues(X)[: min(N - 1, D)]
    ours = PCA(5).fit(X)
    np.testing.assert_allclose(ours.eigenvalues_[: len(exact)], exact, rtol=1e-4)
    # float32 numbers near 1000 lie 6e-5 apart; the mean of many is known far better than that.
    np.testing.assert_allclose(ours.mean_, X.mean(axis=0, dtype=np.float64), atol=1e-6)


def test_float32_far_from_the_origin_misleads_the_usual_formula():
    """The trap is real: XᵀX − N x̄x̄ᵀ in float32 loses these eigenvalues, and we do not use it."""
    rng = np.random.default_rng(9)
    X = (rng.normal(size=(2000, 10)) + 1000).astype(np.float32)
    exact = svd_eigenvalues(X)
    mean = X.mean(axis=0)
    usual = np.linalg.eigvalsh(X.T @ X - len(X) * np.outer(mean, mean))[::-1]
    assert np.abs(usual / exact - 1).max() > 0.1
    np.testing.assert_allclose(PCA(3).fit(X).eigenvalues_, exact, rtol=1e-10)


def test_float64_very_far_from_the_origin():
    rng = np.random.default_rng(10)
    X = rng.normal(size=(300, 8)) + 1e7
    # Near 1e7 the data themselves are rounded to 2e-9; the reference sees the same numbers, and
    # both subtract a mean that is known to about that, so agreement to 1e-7 is what one can ask.
    np.testing.assert_allclose(PCA(3).fit(X).eigenvalues_, svd_eigenvalues(X), rtol=1e-7)


def test_eigenvalues_are_never_negative():
    for seed in range(10):  # N < D: most eigenvalues are zero but for rounding, of either sign
        X = np.random.default_rng(seed).normal(size=(5, 30))
        eigenvalues = PCA(3).fit(X).eigenvalues_
        assert eigenvalues.min() >= 0
        np.testing.assert_allclose(eigenvalues[4:], 0, atol=1e-12)
        assert eigenvalues[3] > 1


@pytest.mark.parametrize("offset", [0, 100])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, bool])
def test_every_real_dtype_and_memory_order_gives_the_scatter_matrix(dtype, offset):
    rng = np.random.default_rng(11)
    X = (rng.integers(0, 50, size=(101, 6)) + offset).astype(dtype)
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    expected = centred.T @ centred
    wide = np.repeat(X, 2, axis=1)
    before = X.copy()
    for view in (X, np.asfortranarray(X), wide[:, ::2], X.tolist()):
        np.testing.assert_allclose(scatter_matrix(view), expected, atol=1e-9)
    np.testing.assert_array_equal(X, before)  # the caller's data are left alone


def test_many_blocks_give_the_same_as_one():
    """20,000 rows go through in three blocks; sorted, so that no block is like the whole."""
    rng = np.random.default_rng(12)
    X = np.sort(rng.normal(size=(20_000, 3)), axis=0) + np.array([0, 5, 50])
    mean, S = mean_and_scatter(X)
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(S, (len(X) - 1) * np.cov(X.T), rtol=1e-10)


@pytest.mark.parametrize("offset", [0, 200])
def test_memory_stays_bounded(offset):
    X = (np.arange(60_000 * 50, dtype=np.uint32) % 7 + offset).astype(np.uint8).reshape(-1, 50)
    float64_copy = X.size * 8
    tracemalloc.start()
    PCA(2).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < float64_copy / 3  # one block of 8,192 rows is a seventh


# --- bad input --------------------------------------------------------------------------------

GOOD = np.random.default_rng(13).normal(size=(10, 3))
WITH_NAN = np.where(np.arange(30).reshape(10, 3) == 4, np.nan, GOOD)
WITH_INF = np.where(np.arange(30).reshape(10, 3) == 29, np.inf, GOOD)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([3, 1, 4, 1, 5]), r"shape \(5,\).*Labels do not belong here"),
        (np.zeros((4, 5, 5)), r"shape \(4, 5, 5\).*reshape\(len\(X\), -1\)"),
        (np.float64(3), r"shape \(\)"),
        (np.empty((0, 3)), r"at least one point; got shape \(0, 3\)"),
        (np.empty((3, 0)), r"got shape \(3, 0\)"),
        (GOOD[:1], "at least 2 points.*got 1"),
        (np.array([["a", "b"], ["c", "d"]]), "real numbers; got dtype <U1"),
        (GOOD * 1j, "real numbers; got dtype complex128"),
        ([[1.0, None], [2.0, 3.0]], "real numbers; got dtype object"),
        (WITH_NAN, "1 of the 10 rows of X hold NaN or infinity.*Drop"),
        (WITH_INF, "1 of the 10 rows of X hold NaN or infinity.*Drop"),
        (WITH_NAN.astype(np.float32) + 1000, "1 of the 10 rows of X hold NaN"),
        (GOOD * 1e200, "squares that float64 can hold"),
        (np.full((10, 3), 0.1), "all 10 are the same"),
        (np.full((10, 3), 1000.1, dtype=np.float32), "all 10 are the same"),
        (np.zeros((10, 3)), "all 10 are the same"),
        (np.tile([[0.3], [0.1 + 0.2]], (5, 3)), "all 10 are the same, to rounding"),
        (GOOD[:, :1], "D = 1 .*one column cannot be compressed"),
    ],
)
def test_bad_data_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        PCA(1).fit(X)


@pytest.mark.parametrize("Q", [0, -1, 3, 4, 2.0, "2", None, True])
def test_bad_number_of_components_is_refused(Q):
    with pytest.raises(ValueError, match=r"1 ≤ Q < D, where D = 3.*got .*use a number from 1 to 2"):
        PCA(Q).fit(GOOD)
    assert PCA(np.int64(2)).fit(GOOD).components_.shape == (2, 3)


def test_use_before_fit_is_refused():
    with pytest.raises(NotFittedError):
        PCA(1).transform(GOOD)
    with pytest.raises(NotFittedError):
        PCA(1).inverse_transform(GOOD[:, :1])


@pytest.mark.parametrize(
    ("method", "argument", "message"),
    [
        ("transform", GOOD[:, :2], r"X with 3 columns.*got shape \(10, 2\)"),
        ("transform", GOOD[0], r"shape \(3,\).*reshape\(1, -1\)"),
        ("transform", WITH_NAN, "1 of the 10 rows of X hold NaN"),
        ("transform", GOOD[:0], "at least one point"),
        ("inverse_transform", GOOD, r"Z with 2 columns.*got shape \(10, 3\)"),
        ("inverse_transform", WITH_INF[:, 1:], "1 of the 10 rows of Z hold NaN or infinity"),
    ],
)
def test_bad_rows_are_refused(method, argument, message):
    with pytest.raises(ValueError, match=message):
        getattr(PCA(2).fit(GOOD), method)(argument)
