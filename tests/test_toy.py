"""The points in the plane: repeatable, and of the shape that the pages say they have."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from lecture_lib.toy import blobs, blobs_score, curve_point, gaussian_cloud, noisy_curve

BAD_COUNTS = [0, -1, 2.5, "many", None]


@pytest.mark.parametrize("draw", [gaussian_cloud, blobs, noisy_curve])
def test_a_seed_repeats_the_points_and_another_does_not(draw):
    def points(seed):
        drawn = draw(30, seed=seed)
        return drawn if isinstance(drawn, np.ndarray) else drawn[0]

    np.testing.assert_array_equal(points(7), points(7))
    assert not np.isclose(points(7), points(8)).any()
    assert points(7).shape == (30, 2)


@pytest.mark.parametrize("draw", [gaussian_cloud, blobs, noisy_curve])
@pytest.mark.parametrize("n", BAD_COUNTS)
def test_a_bad_number_of_points_is_refused(draw, n):
    with pytest.raises(ValueError, match=f"expected n, a number of points.*got {n!r}"):
        draw(n)


def test_the_cloud_is_elongated_tilted_and_off_the_origin():
    x = gaussian_cloud()
    assert x.shape == (20, 2)
    x = gaussian_cloud(n=5000)
    small, large = np.linalg.eigvalsh(np.cov(x.T))
    assert large > 4 * small  # one direction is worth keeping
    assert abs(np.corrcoef(x.T)[0, 1]) > 0.5  # and it is not an axis
    assert (x.mean(axis=0) > np.sqrt(large)).all()  # forgetting to centre would show


def test_blobs_are_three_elongated_clusters_of_equal_size():
    x, y = blobs(n=3001)
    counts = np.bincount(y)
    assert len(counts) == 3
    assert np.ptp(counts) <= 1
    for k in range(3):
        small, large = np.linalg.eigvalsh(np.cov(x[y == k].T))
        assert large > 4 * small
    assert not (np.diff(y) >= 0).all()  # in no order that gives the labels away


def test_blobs_overlap_a_little():
    # The best classifier of Gaussian classes, fitted and tested on separate draws, errs now and
    # then. Were it never wrong the task would be trivial; often wrong, no cluster would show.
    x, y = blobs(n=3000, seed=0)
    x_new, y_new = blobs(n=3000, seed=1)
    error = 1 - QuadraticDiscriminantAnalysis().fit(x, y).score(x_new, y_new)
    assert 0.005 < error < 0.08


def test_three_blobs_have_a_point_each():
    assert sorted(blobs(n=3)[1]) == [0, 1, 2]
    with pytest.raises(ValueError, match="of 3 or more; got 2"):
        blobs(n=2)


@given(
    hnp.arrays(
        float, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=st.floats(-9, 9)
    )
)
@settings(deadline=None, max_examples=30)
def test_the_curve_maps_arrays_of_any_shape_and_loses_no_z(z):
    x = curve_point(z)
    assert x.shape == (*z.shape, 2)
    # The distance from the origin is 2 exp(z / 5), whose inverse gives z back: g is one-to-one.
    np.testing.assert_allclose(5 * np.log(np.linalg.norm(x, axis=-1) / 2), z, atol=1e-12)


def test_the_curve_does_not_come_near_itself():
    z = np.linspace(-3, 3, 601)
    x = curve_point(z)
    distance = np.linalg.norm(x[:, None] - x, axis=-1)
    far_apart_in_z = np.abs(z[:, None] - z) > 1
    # Eight standard deviations of the default noise: the band of points does not touch itself.
    assert distance[far_apart_in_z].min() > 0.8


def test_the_curve_is_smooth_and_bent():
    z = np.linspace(-3, 3, 6001)
    x = curve_point(z)
    step = np.diff(x, axis=0) / np.diff(z)[:, None]
    speed = np.linalg.norm(step, axis=1)
    # In closed form the speed is |g'(z)| = 2 exp(z/5) sqrt(0.2² + 0.8²). A chord differs from it by
    # the square of the step in z, 1e-6, times a constant near 1.
    middle = (z[1:] + z[:-1]) / 2
    np.testing.assert_allclose(speed, 2 * np.exp(middle / 5) * np.hypot(0.2, 0.8), rtol=1e-6)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    assert abs(heading[-1] - heading[0]) > np.pi  # it turns back: no line follows it


def test_without_noise_the_points_lie_on_the_curve():
    x, z = noisy_curve(n=50, noise=0)
    np.testing.assert_array_equal(x, curve_point(z))


def test_noise_is_a_standard_deviation_and_z_is_standard_normal():
    n, noise = 20_000, 0.3
    x, z = noisy_curve(n=n, noise=noise)
    residual = x - curve_point(z)
    # Five standard errors each: sqrt(2/k) of a variance from k draws, and 1/sqrt(k) of a mean.
    assert residual.var() == pytest.approx(noise**2, rel=5 * np.sqrt(2 / (2 * n)))
    assert z.var() == pytest.approx(1, rel=5 * np.sqrt(2 / n))
    assert z.mean() == pytest.approx(0, abs=5 / np.sqrt(n))


@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf])
def test_bad_noise_is_refused(noise):
    with pytest.raises(ValueError, match="expected noise, a standard deviation, of 0 or more"):
        noisy_curve(noise=noise)


def blobs_log_density(x, noise):
    """The mixture written out, its numbers typed once more, by scipy."""
    parts = []
    for mean, degrees in [((-2.2, -0.6), 65), ((1.2, -1.4), 20), ((0.4, 1.8), -15)]:
        angle = np.deg2rad(degrees)
        axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        covariance = axes @ np.diag([1.3**2, 0.45**2]) @ axes.T + noise**2 * np.eye(2)
        parts.append(multivariate_normal(mean, covariance).logpdf(x))
    return logsumexp(parts, axis=0) - np.log(3)


@pytest.mark.parametrize("noise", [0.0, 0.3, 2.0])
def test_the_score_of_the_blobs_is_the_slope_of_their_log_density(noise):
    x = np.random.default_rng(0).uniform(-5, 5, size=(200, 2))
    h = 1e-5
    slope = [
        (blobs_log_density(x + step, noise) - blobs_log_density(x - step, noise)) / (2 * h)
        for step in h * np.eye(2)
    ]
    # central differences: h² times a third derivative of order 100, and rounding 1e-14 / h
    np.testing.assert_allclose(blobs_score(x, noise), np.transpose(slope), rtol=0, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_score_belongs_to_the_points_that_blobs_draws(noise):
    n = 20_000
    x, _ = blobs(n, seed=0)
    x = x + noise * np.random.default_rng(1).standard_normal(x.shape)
    s = blobs_score(x, noise)
    # For any density, E[s] = 0 and E[s xᵀ] = -I (integrate by parts). Averages of n draws lie
    # within five standard errors of that; the six numbers would miss it once in 300,000 seeds.
    for values, mean in [(s, 0), (s[:, :, None] * x[:, None, :], -np.eye(2))]:
        error = values.std(axis=0) / np.sqrt(n)
        assert (np.abs(values.mean(axis=0) - mean) < 5 * error).all()


def test_the_score_stays_finite_far_from_all_blobs():
    # Each density is 0 in float64 there; the nearest in its own metric still pulls.
    far = np.array([[1e3, 0.0], [-300.0, 800.0]])
    s = blobs_score(far)
    assert np.isfinite(s).all()
    assert ((s * far).sum(axis=1) < 0).all()


@pytest.mark.parametrize("x", [np.zeros(2), np.zeros((4, 3)), np.zeros((2, 2, 2))])
def test_points_that_are_not_in_the_plane_have_no_score(x):
    with pytest.raises(ValueError, match="expected points of shape"):
        blobs_score(x)


@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf])
def test_a_bad_noise_of_the_score_is_refused(noise):
    with pytest.raises(ValueError, match="expected noise"):
        blobs_score(np.zeros((1, 2)), noise)
