"""What the pages on digits and on faces say, checked on their data and on other data."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.neighbors import NearestNeighbors

from lecture_lib.datasets import load_digits, load_faces
from lecture_lib.pca import PCA, scatter_matrix


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def squared_errors(pca, x):
    return ((pca.inverse_transform(pca.transform(x)) - x) ** 2).sum(axis=1)


@pytest.mark.equation("eq-digits-error")
@pytest.mark.parametrize("Q", [1, 10, 60])
def test_the_training_error_is_the_sum_of_the_discarded_eigenvalues_of_digits(digits, Q):
    x = digits.x_train[:1500].astype(float)
    pca = PCA(n_components=Q).fit(x)
    discarded = pca.eigenvalues_[Q:].sum() / len(x)
    # float64 sums of a million terms
    assert squared_errors(pca, x).mean() == pytest.approx(discarded, rel=1e-10)


@pytest.mark.equation("eq-digits-error")
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 40), d=st.integers(2, 12), data=st.data())
def test_the_training_error_is_the_sum_of_the_discarded_eigenvalues(seed, n, d, data):
    x = np.random.default_rng(seed).normal(size=(n, d))
    Q = data.draw(st.integers(1, d - 1))
    pca = PCA(n_components=Q).fit(x)
    discarded = pca.eigenvalues_[Q:].sum() / n
    # where nothing is discarded both are rounding, relative to data of size one
    assert squared_errors(pca, x).mean() == pytest.approx(discarded, rel=1e-9, abs=1e-12)


def test_more_directions_never_raise_the_error_of_any_digit(digits):
    x, pca = digits.x_test[:200].astype(float), PCA(n_components=100).fit(digits.x_train[:1500])
    left = x - pca.mean_
    errors = []
    for v in pca.components_:
        left = left - np.outer(left @ v, v)
        errors.append((left**2).sum(axis=1))
    # rounding of a squared length near 100
    assert np.diff(errors, axis=0).max() < 1e-10
    np.testing.assert_allclose(errors[-1], squared_errors(pca, x), rtol=1e-8)


def test_the_gap_to_held_out_data_grows_with_q_and_shrinks_with_n():
    # Points of one normal cloud, so that chance is all that sets the two parts apart; relative gap
    # averaged over 40 draws. Both steps below are many times its standard error of about 0.01.
    spread = 1 / np.sqrt(np.arange(1, 41))
    rng = np.random.default_rng(0)

    def gap(n, Q):
        ratios = []
        for _ in range(40):
            train, new = rng.normal(size=(n, 40)) * spread, rng.normal(size=(500, 40)) * spread
            pca = PCA(n_components=Q).fit(train)
            ratios.append(squared_errors(pca, new).mean() / squared_errors(pca, train).mean() - 1)
        return np.mean(ratios)

    few, many, more_data = gap(80, 5), gap(80, 25), gap(800, 25)
    assert few > 0
    assert many > few + 0.1
    assert 0 < more_data < many - 0.1


@pytest.mark.equation("eq-pca-midpoint")
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 30), d=st.integers(2, 12), data=st.data())
def test_the_middle_of_two_codes_is_the_middle_of_two_images(seed, n, d, data):
    x = np.random.default_rng(seed).normal(size=(n, d)) + 5
    pca = PCA(n_components=data.draw(st.integers(1, d - 1))).fit(x)
    first, second = pca.transform(x[:2])
    rebuilt = pca.inverse_transform(np.stack([first, second]))
    # the left side as it is printed; data near 5 make a lost mean show
    middle = pca.components_.T @ ((first + second) / 2) + pca.mean_
    np.testing.assert_allclose(middle, rebuilt.mean(axis=0), rtol=1e-10)


def midpoint_factors(known, new, labels, rng):
    """Distance of midpoints to the nearest known point, in that of new points: two, one class."""
    nearest = NearestNeighbors(n_neighbors=1).fit(known)
    i, j = rng.integers(len(new), size=(2, 5000))
    i, j = i[i != j], j[i != j]
    middle = nearest.kneighbors((new[i] + new[j]) / 2)[0][:, 0]
    alike = labels[i] == labels[j]
    usual = np.median(nearest.kneighbors(new)[0])
    return np.median(middle[~alike]) / usual, np.median(middle[alike]) / usual


def test_midpoints_leave_the_digits_but_not_ten_normal_clouds(digits):
    pca = PCA(n_components=20).fit(digits.x_train[:4000])
    known, new = pca.transform(digits.x_train[:4000]), pca.transform(digits.x_test[:1000])
    y_known, y_new = digits.y_train[:4000], digits.y_test[:1000]
    rng = np.random.default_rng(1)

    def ten_clouds(labels):
        z = np.empty((len(labels), 20))
        for k in range(10):
            own = known[y_known == k]
            z[labels == k] = rng.multivariate_normal(
                own.mean(0), np.cov(own.T), (labels == k).sum()
            )
        return z

    digit = midpoint_factors(known, new, y_new, rng)
    cloud = midpoint_factors(ten_clouds(y_known), ten_clouds(y_new), y_new, rng)
    # between classes, then within one. Other seeds move a factor by about 0.01; the differences
    # are 0.4 and 0.2, or 0.3 and 0.17 on the full set
    assert digit[0] > 1.1 > 1.0 > cloud[0]
    assert digit[1] > cloud[1] + 0.1


@pytest.mark.equation("eq-scatter-rank")
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 15), d=st.integers(1, 25))
def test_points_span_no_more_directions_than_their_number_less_one(seed, n, d):
    S = scatter_matrix(np.random.default_rng(seed).normal(size=(n, d)))
    # random points reach the bound; what is rounding lies near 1e-15 of the largest eigenvalue
    assert np.linalg.matrix_rank(S, tol=1e-10 * np.trace(S), hermitian=True) == min(d, n - 1)


def test_training_faces_are_rebuilt_without_error_and_new_faces_are_not():
    lfw = load_faces("lfw")
    faces, new = (
        x[y == 1].astype(float) for x, y in ((lfw.x_train, lfw.y_train), (lfw.x_test, lfw.y_test))
    )
    assert len(faces) < faces.shape[1]
    pca = PCA(n_components=len(faces) - 1).fit(faces)
    assert squared_errors(pca, faces).max() < 1e-20 * faces.shape[1]  # rounding, squared
    left_over = squared_errors(pca, new).mean() / ((new - pca.mean_) ** 2).sum(axis=1).mean()
    assert left_over > 0.05


def test_the_first_code_of_a_face_follows_the_brightness_of_its_image():
    lfw = load_faces("lfw")
    faces = lfw.x_train[lfw.y_train == 1]
    code = PCA(n_components=1).fit(faces).transform(faces)[:, 0]
    # of 70 independent pairs of numbers, one in 10^9 sets has a correlation beyond 0.65
    assert abs(np.corrcoef(code, faces.mean(axis=1))[0, 1]) > 0.65
