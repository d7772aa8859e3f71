import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from lecture_lib import face_detection as detection
from lecture_lib.datasets import ImageData, faces_available, load_faces


def two_clouds(n=400, d=3, seed=0):
    """Points of two overlapping normal clouds, their labels, and the two true densities."""
    rng = np.random.default_rng(seed)
    others = multivariate_normal(np.zeros(d), np.diag(np.linspace(1, 2, d)))
    faces = multivariate_normal(np.ones(d), np.diag(np.linspace(2, 0.5, d)))
    x = np.concatenate([others.rvs(n, rng), faces.rvs(n, rng)])
    return x, np.repeat([0, 1], n), others, faces


def images(n_train=100, n_test=40):
    rng = np.random.default_rng(3)
    return ImageData(
        name="made up",
        source="random numbers",
        image_shape=(2, 3),
        x_train=rng.random((n_train, 6), dtype=np.float32),
        y_train=np.arange(n_train) % 10 // 9,  # one in ten is a face
        x_test=rng.random((n_test, 6), dtype=np.float32),
        y_test=np.arange(n_test) % 2,
    )


def test_rates_by_hand():
    #  faces: 2 of 3 found; others: 1 of 2 rejected
    rates = detection.rates(np.array([1.0, 2.0, -1.0, 3.0, -3.0]), np.array([1, 1, 1, 0, 0]))
    assert rates.found == pytest.approx(2 / 3)
    assert rates.rejected == pytest.approx(1 / 2)
    assert rates.accuracy.value == pytest.approx(3 / 5)
    assert rates.balanced.value == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_the_threshold_is_used():
    score, y = np.array([0.5, 1.5, 0.5, 1.5]), np.array([0, 1, 0, 1])
    assert detection.rates(score, y, threshold=1.0).accuracy.value == 1.0
    assert detection.rates(score, y).accuracy.value == 0.5


def test_the_interval_of_the_accuracy_is_wilsons():
    score, y = np.where(np.arange(50) < 41, 1.0, -1.0), np.ones(50, dtype=int)
    y[-3:] = 0  # 41 faces found, 6 missed, 3 others rejected: 44 of 50 right
    p, n, z = 44 / 50, 50, 1.959963984540054
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    accuracy = detection.rates(score, y).accuracy
    assert (accuracy.low, accuracy.high) == pytest.approx((middle - half, middle + half))


def scores_with(found, faces, rejected, others):
    y = np.repeat([1, 0], [faces, others])
    called = np.r_[np.arange(faces) < found, np.arange(others) >= rejected]
    return np.where(called, 1.0, -1.0), y


def test_the_interval_of_the_balanced_accuracy_is_newcombes():
    # Newcombe (1998), table II, method 10: 56 of 70 less 48 of 80 is 0.2, with 0.0524 to 0.3339.
    # With 48 of 80 false alarms the balanced accuracy is half of one more than that difference.
    score, y = scores_with(56, 70, 80 - 48, 80)
    balanced = detection.rates(score, y).balanced
    assert balanced == pytest.approx((1.2 / 2, 1.0524 / 2, 1.3339 / 2), abs=0.00005 / 2)
    # as if half were faces, the accuracy is the balanced accuracy
    assert detection.rates(score, y, face_share=0.5).accuracy == balanced


def test_weights_follow_the_share_of_faces():
    score, y = scores_with(8, 10, 15, 30)
    accuracy = detection.rates(score, y, face_share=0.1).accuracy
    assert accuracy.value == pytest.approx(0.1 * 0.8 + 0.9 * 0.5)
    # Wilson's ends for 8 of 10 and 15 of 30
    f_low, f_high, r_low, r_high = 0.49016, 0.94332, 0.33154, 0.66846
    below = np.hypot(0.1 * (0.8 - f_low), 0.9 * (0.5 - r_low))
    above = np.hypot(0.1 * (f_high - 0.8), 0.9 * (r_high - 0.5))
    assert accuracy[1:] == pytest.approx((0.53 - below, 0.53 + above), abs=2e-5)


def test_pairs_count_the_images_that_only_one_tells_rightly():
    y = np.array([1, 1, 1, 1, 0, 0, 0])
    first = np.array([1.0, 1, 1, -1, -1, -1, -1])  # misses the fourth
    second = np.array([1.0, -1, -1, 1, -1, 1, -1])  # misses the second, third and sixth
    # of four throws of a coin, three or four alike: (1 + 4 + 4 + 1) / 16
    assert detection.paired(first, second, y) == pytest.approx((3, 1, 10 / 16))
    assert detection.paired(second, first, y)[:2] == (1, 3)
    assert detection.paired(first, first, y) == (0, 0, 1.0)


def test_the_table_says_what_the_rates_are(capsys):
    score, y = np.array([1.0, 2.0, -1.0, 3.0, -3.0]), np.array([1, 1, 1, 0, 0])
    detection.print_rates({"mine": score}, y)
    _, mine, never = capsys.readouterr().out.splitlines()
    assert mine.split()[:2] == ["mine", "60.0"]
    assert str(detection.rates(score, y).balanced) in mine
    assert never.split()[-2:] == ["40.0", "50.0"]
    detection.print_rates({"mine": score}, y, face_share=0.02)
    _, mine, never = capsys.readouterr().out.splitlines()
    # 2 of 3 faces found, 1 of 2 others rejected: 0.02 * 2 / 3 + 0.98 / 2
    assert mine.split()[1] == "50.3"
    assert never.split()[-2:] == ["98.0", "50.0"]


def test_the_interval_of_the_balanced_accuracy_covers_the_truth():
    rng = np.random.default_rng(0)
    y = np.repeat([1, 0], [40, 25])
    right = np.where(y == 1, 0.9, 0.6)
    covered = []
    for _ in range(600):
        score = np.where(rng.random(len(y)) < right, 1.0, -1.0) * np.where(y == 1, 1, -1)
        low, high = detection.rates(score, y).balanced[1:]
        covered.append(low <= 0.75 <= high)
    # of 600 intervals that cover with probability 0.95, the share that does has a standard
    # deviation of 0.009; the combination is approximate, which the rest of the margin allows for
    assert 0.92 < np.mean(covered) < 0.98


def test_always_no_scores_the_share_of_the_others():
    y = np.array([1] * 2 + [0] * 98)
    rates = detection.rates(np.full(100, -1.0), y)
    assert rates.accuracy.value == pytest.approx(0.98)
    assert rates.balanced.value == pytest.approx(0.5)


@pytest.mark.equation("eq-accuracy-mix")
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 60), threshold=st.floats(-1.5, 1.5))
def test_accuracy_mixes_found_and_rejected(seed, n, threshold):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3 == 0).astype(int)
    score = rng.normal(size=n) + y
    rates = detection.rates(score, y, threshold)
    pi = y.mean()
    accuracy = np.mean((score > threshold) == y)  # counted, not mixed
    assert pi * rates.found + (1 - pi) * rates.rejected == pytest.approx(accuracy)
    assert rates.accuracy.value == pytest.approx(accuracy)
    # the same detector where other images are four times as frequent, counted image by image
    many = np.concatenate([np.flatnonzero(y == 1), np.repeat(np.flatnonzero(y == 0), 4)])
    share = y[many].mean()
    weighted = detection.rates(score, y, threshold, face_share=share).accuracy.value
    assert weighted == pytest.approx(np.mean((score[many] > threshold) == y[many]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 60))
def test_the_curve_passes_through_what_each_threshold_gives(seed, n):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3 == 0).astype(int)
    score = rng.normal(size=n)
    called, accuracy = detection.accuracy_curve(score, y)
    for k in (0, 1, n // 2, n):
        threshold = np.inf if k == 0 else np.sort(score)[::-1][k - 1] - 1e-12
        assert called[k] == pytest.approx(k / n)
        assert accuracy[k] == pytest.approx(detection.rates(score, y, threshold).accuracy.value)


def test_a_weighted_curve_is_that_of_a_test_set_with_that_share():
    rng = np.random.default_rng(1)
    y = np.repeat([1, 0], 30)
    score = rng.normal(size=60) + y
    # nine times as many images that are no faces, each with a score of its own just below
    more = (score[30:, None] - 1e-9 * np.arange(1, 9)).ravel()
    called, accuracy = detection.accuracy_curve(
        np.concatenate([score, more]), np.concatenate([y, np.zeros(240, dtype=int)])
    )
    called_weighted, accuracy_weighted = detection.accuracy_curve(score, y, face_share=0.1)
    at = [np.abs(called - c).argmin() for c in called_weighted]
    np.testing.assert_allclose(called[at], called_weighted, atol=1e-12)
    np.testing.assert_allclose(accuracy[at], accuracy_weighted, atol=1e-12)


def test_scores_that_know_nothing_follow_the_line_of_a_guess():
    rng = np.random.default_rng(0)
    y = (np.arange(20_000) < 400).astype(int)
    called, accuracy = detection.accuracy_curve(rng.normal(size=len(y)), y)
    guess = 0.98 + called * (0.02 - 0.98)
    # the curve differs from the line by 2 π (found - called), and found has at most the standard
    # deviation 0.5 / √400 = 0.025: five of those
    assert np.abs(accuracy - guess).max() < 2 * 0.02 * 5 * 0.025


def test_gaussian_scores_are_log_odds_at_equal_priors():
    x, y, others, faces = two_clouds(n=20_000)
    qda = QuadraticDiscriminantAnalysis(priors=[0.5, 0.5])
    keep = np.r_[0:20_000, 20_000:24_000]  # five times as many others: priors must not follow
    scores = detection.gaussian_scores(qda, x[keep], y[keep], x[::100])
    # parameters from 4,000 points are known to about 1/√4000 = 0.016, and enter with the squares
    # of coordinates that reach 10
    np.testing.assert_allclose(scores, faces.logpdf(x[::100]) - others.logpdf(x[::100]), atol=0.5)


def test_a_mixture_with_one_state_is_one_gaussian():
    x, y, _, _ = two_clouds()
    by_hand = [
        multivariate_normal(part.mean(axis=0), np.diag(part.var(axis=0) + 1e-3)).logpdf(x)
        for part in (x[y == 0], x[y == 1])
    ]
    np.testing.assert_allclose(
        detection.mixture_scores(x, y, x, states=1), by_hand[1] - by_hand[0], rtol=1e-6, atol=1e-6
    )


def test_a_mixture_sees_what_one_gaussian_cannot():
    rng = np.random.default_rng(0)
    inner, angle = rng.normal(size=(500, 2)), rng.uniform(0, 2 * np.pi, 500)
    ring = 5 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.3 * rng.normal(size=(500, 2))
    x, y = np.concatenate([inner, ring]), np.repeat([0, 1], 500)
    # the inner cloud reaches 5 - 3 × 0.3 once in about 3,500 draws
    assert detection.rates(detection.mixture_scores(x, y, x, states=8), y).accuracy.value > 0.98


def test_more_states_than_images_are_refused():
    x, y, _, _ = two_clouds(n=5)
    with pytest.raises(ValueError, match=r"6 states for 5 images.*fewer states"):
        detection.mixture_scores(x, y, x, states=6)


def test_hold_out_divides_the_training_images_and_no_others():
    data = images()
    held = detection.hold_out(data)
    assert len(held.x_train) == 70
    assert len(held.x_test) == 30
    rows = np.concatenate([held.x_train, held.x_test])
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in data.x_train}
    # by class: 3 of the 10 faces, where a draw without classes has 3 in a quarter of all cases
    assert (held.y_train.sum(), held.y_test.sum()) == (7, 3)
    label = {row.tobytes(): y for row, y in zip(data.x_train, data.y_train, strict=True)}
    assert all(label[row.tobytes()] == y for row, y in zip(held.x_test, held.y_test, strict=True))


def test_standardised_images_do_not_know_the_light():
    data = images()
    brighter = detection.standardised(data).x_train
    np.testing.assert_allclose(brighter.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(brighter.std(axis=1), 1, rtol=1e-5)
    dimmed = ImageData(**{**vars(data), "x_train": 0.25 * data.x_train + 0.5})
    # float32: six digits
    np.testing.assert_allclose(detection.standardised(dimmed).x_train, brighter, atol=1e-5)


def test_an_image_of_one_grey_stays_finite():
    data = images()
    flat = ImageData(**{**vars(data), "x_train": np.full_like(data.x_train, 0.3)})
    assert np.abs(detection.standardised(flat).x_train).max() < 0.1


@pytest.mark.parametrize(
    ("score", "y", "message"),
    [
        (np.zeros(3), np.array([0, 1]), r"\(3,\) and \(2,\)"),
        (np.array([0.0, np.nan]), np.array([0, 1]), "NaN"),
        (np.zeros(3), np.ones(3, dtype=int), r"both present; got \[1\]"),
        (np.zeros(3), np.array([0, 1, 2]), r"got \[0 1 2\]"),
    ],
)
def test_bad_input_is_explained(score, y, message):
    with pytest.raises(ValueError, match=message):
        detection.rates(score, y)


@pytest.mark.skipif(not faces_available("cbcl"), reason="the CBCL faces are not present")
def test_the_published_counts_of_cbcl_that_the_page_names():
    y = load_faces("cbcl").y_test
    assert y.sum() == 472
    # one of the 23,573 images of the original is missing from the archive in use
    assert 0 <= 23573 - (y == 0).sum() <= 1
