"""The equations and claims of chapter 11.1, on data that the pages do not use."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from lecture_lib import PCA, ProbabilisticPCA
from lecture_lib.datasets import blobs, curve_point, load_digits, noisy_curve

NODES = np.linspace(-6, 6, 401)  # beyond ±6 lies 2e-9 of the prior
PRIOR = norm.pdf(NODES)


def likelihood(x, curve, sigma):
    """Return p(x|z), shape (points, places on the curve), for round noise in D dimensions."""
    squares = cdist(x, curve, "sqeuclidean")
    return np.exp(-squares / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** (x.shape[1] / 2)


def marginal(x, curve, sigma):
    return trapezoid(PRIOR * likelihood(x, curve, sigma), NODES, axis=1)


# 11.1.1 Learning problems


@pytest.fixture(scope="module")
def mixture():
    """Three groups with weights, means and covariances that nobody chose."""
    rng = np.random.default_rng(11)
    weights, means = rng.dirichlet([2, 2, 2]), rng.normal(size=(3, 2)) * 2
    roots = rng.normal(size=(3, 2, 2)) * 0.7
    return weights, means, roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(2)


@pytest.mark.equation("eq-mixture")
def test_two_steps_have_the_density_of_the_sum(mixture):
    rng = np.random.default_rng(0)
    weights, means, covariances = mixture
    n = 100_000
    z = rng.choice(3, size=n, p=weights)
    noise = np.linalg.cholesky(covariances)[z] @ rng.normal(size=(n, 2, 1))
    x = means[z] + noise[..., 0]

    step = 0.05
    side = np.arange(-12, 12, step) + step / 2
    cells = np.stack(np.meshgrid(side, side), axis=-1)
    density = sum(
        weight * multivariate_normal(mean, covariance).pdf(cells)
        for weight, mean, covariance in zip(weights, means, covariances, strict=True)
    )
    assert density.sum() * step**2 == pytest.approx(1, abs=1e-6)
    for low, high in [((-1, -1), (1, 1)), ((0, -3), (3, 0)), ((-4, 0), (0, 4))]:
        inside = ((cells > low) & (cells < high)).all(axis=-1)
        share = density[inside].sum() * step**2
        # a share among n draws is binomial; four standard errors leave 1 in 16,000 to chance
        error = np.sqrt(share * (1 - share) / n)
        assert abs(((x > low) & (x < high)).all(axis=1).mean() - share) < 4 * error


@pytest.fixture(scope="module", params=[1, 2, 3])
def halves(request):
    x, y = blobs(n=600, seed=request.param)
    return x[:300], y[:300], x[300:], y[300:]


def test_labels_can_be_learned(halves):
    x, y, x_new, y_new = halves
    accuracy = LogisticRegression().fit(x, y).score(x_new, y_new)
    # guessing is right on a third; the groups overlap a little, so not all can be right
    assert 0.9 < accuracy < 1


def test_clusters_find_the_hidden_labels_and_the_mixture_finds_them_better(halves):
    x, _, x_new, y_new = halves
    kmeans = KMeans(n_clusters=3, n_init=10, random_state=0).fit(x)
    mixture = GaussianMixture(n_components=3, n_init=5, random_state=0).fit(x)
    by_kmeans = adjusted_rand_score(y_new, kmeans.predict(x_new))
    by_mixture = adjusted_rand_score(y_new, mixture.predict(x_new))
    shuffled = np.random.default_rng(0).permutation(y_new)
    assert abs(adjusted_rand_score(y_new, shuffled)) < 0.05
    round_groups = GaussianMixture(
        n_components=3, covariance_type="spherical", n_init=5, random_state=0
    ).fit(x)
    by_round = adjusted_rand_score(y_new, round_groups.predict(x_new))
    assert 0.5 < by_kmeans < by_mixture
    assert by_round < by_mixture  # it is the shape of the groups that helps


def test_hidden_groups_make_new_points_likelier(halves):
    x, _, x_new, _ = halves
    single = GaussianMixture(n_components=1).fit(x).score(x_new)
    three = GaussianMixture(n_components=3, n_init=5, random_state=0).fit(x).score(x_new)
    assert three - single > 0.3  # nats a point; the page finds about half a nat


# 11.1.2 Latent variables


@pytest.mark.equation("eq-stored-numbers")
@settings(deadline=None, max_examples=20)
@given(D=st.integers(2, 12), N=st.integers(2, 40), data=st.data())
def test_numbers_stored_are_those_of_codes_and_decoder(D, N, data):
    Q = data.draw(st.integers(1, D - 1))
    X = np.random.default_rng(N).normal(size=(N, D))
    pca = PCA(n_components=Q).fit(X)
    codes, mean, directions = pca.transform(X), pca.mean_, pca.components_
    assert codes.size + directions.size + mean.size == N * Q + D * Q + D
    # and they suffice: the pictures come back from these three arrays and nothing else
    np.testing.assert_allclose(mean + codes @ directions, pca.inverse_transform(codes), atol=1e-12)


@pytest.mark.equation("eq-break-even")
@settings(deadline=None, max_examples=50)
@given(D=st.integers(2, 60), data=st.data())
def test_break_even_is_where_codes_and_decoder_begin_to_be_fewer(D, data):
    Q = data.draw(st.integers(1, D - 1))
    bound = D * (Q + 1) / (D - Q)
    N = 1
    while N * Q + D * Q + D >= N * D:
        N += 1
    assert np.floor(bound) + 1 == N


def test_codes_hold_what_ties_pixels_together():
    digits = load_digits()
    rng = np.random.default_rng(5)
    kept = [digits.x_train[:2000], digits.x_test[:500]]
    mixed = [rng.permuted(images, axis=0) for images in kept]
    lost = []
    for train, test in (kept, mixed):
        pca = PCA(n_components=32).fit(train)
        error = ((pca.inverse_transform(pca.transform(test)) - test) ** 2).sum()
        lost.append(error / ((test - pca.mean_) ** 2).sum())
    # independent pixels have a diagonal covariance: nothing beats keeping the 32 liveliest pixels
    variances = np.sort(mixed[1].var(axis=0))[::-1]
    assert lost[0] < 0.35
    assert lost[1] > 1 - variances[:32].sum() / variances.sum()


def test_a_latent_variable_makes_digits_likelier():
    digits = load_digits()
    X, X_test = digits.x_train[:2000], digits.x_test[:500]
    plain = norm(X.mean(axis=0), np.sqrt(X.var(axis=0).mean())).logpdf(X_test).sum(axis=1).mean()
    assert ProbabilisticPCA(n_components=32).fit(X).score(X_test) > plain + 100


# 11.1.3 Generative models


@pytest.mark.equation("eq-curve-likelihood")
@pytest.mark.parametrize(("z", "sigma"), [(-2.0, 0.3), (0.0, 0.2), (1.7, 0.5)])
def test_likelihood_is_a_round_gaussian_around_the_curve(z, sigma):
    side = np.arange(-8, 8, 0.05)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    p = likelihood(plane, curve_point([z]), sigma)[:, 0]
    assert p.sum() * 0.05**2 == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(p @ plane * 0.05**2, curve_point(z), atol=1e-9)
    np.testing.assert_allclose(
        p, multivariate_normal(curve_point(z), sigma**2 * np.eye(2)).pdf(plane), atol=1e-12
    )


@pytest.mark.equation("eq-marginal")
def test_marginal_is_the_density_of_what_the_two_steps_produce():
    sigma, n = 0.2, 200_000
    x, _ = noisy_curve(n=n, noise=sigma, seed=7)
    step = 0.05
    side = np.arange(-8, 8, step) + step / 2
    cells = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    p = np.concatenate(
        [marginal(block, curve_point(NODES), sigma) for block in np.array_split(cells, 20)]
    )
    assert p.sum() * step**2 == pytest.approx(1, abs=1e-6)
    for low, high in [
        ((-1, 1), (1, 3)),
        ((2, -1), (4, 1)),
        ((-2, -1), (-1, 1)),
        ((-1, -1), (1, 1)),
    ]:
        inside = ((cells > low) & (cells < high)).all(axis=1)
        share = p[inside].sum() * step**2
        # binomial, four standard errors; the grid's own error is far smaller
        error = np.sqrt(share * (1 - share) / n)
        assert abs(((x > low) & (x < high)).all(axis=1).mean() - share) < 4 * error + 1e-6


@pytest.mark.equation("eq-marginal-linear", "eq-marginal")
@settings(deadline=None, max_examples=20)
@given(D=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_marginal_of_a_straight_line_is_gaussian(D, seed):
    rng = np.random.default_rng(seed)
    # σ well above the distance of neighbouring nodes, 0.03 ‖w‖, or the sum is no integral
    w, sigma = rng.uniform(-1, 1, size=D), rng.uniform(0.2, 1)
    closed_form = multivariate_normal(np.zeros(D), np.outer(w, w) + sigma**2 * np.eye(D))
    x = closed_form.rvs(10, random_state=seed).reshape(10, D)
    by_quadrature = marginal(x, np.outer(NODES, w), sigma)
    # the 2e-9 of the prior beyond ±6 is left out, at a likelihood no higher than its peak
    peak = (2 * np.pi * sigma**2) ** (-D / 2)
    np.testing.assert_allclose(by_quadrature, closed_form.pdf(x), rtol=1e-9, atol=2e-9 * peak)


@pytest.fixture(scope="module")
def monte_carlo():
    """The average of n likelihoods, 4,000 times for each n, with what quadrature says."""
    sigma, x = 0.3, np.array([[1.2, 1.9]])
    rng = np.random.default_rng(3)
    estimates = {
        n: likelihood(x, curve_point(rng.standard_normal(4000 * n)), sigma)
        .reshape(4000, n)
        .mean(axis=1)
        for n in (50, 400)
    }
    given_z = likelihood(x, curve_point(NODES), sigma)[0]
    p = trapezoid(PRIOR * given_z, NODES)
    return estimates, p, trapezoid(PRIOR * given_z**2, NODES) - p**2


@pytest.mark.equation("eq-marginal-mc", "eq-marginal")
def test_monte_carlo_is_right_on_average(monte_carlo):
    estimates, p, variance = monte_carlo
    for n, values in estimates.items():
        # the mean of 4,000 averages of n; four of its standard errors
        assert abs(values.mean() - p) < 4 * np.sqrt(variance / n / 4000)


@pytest.mark.equation("eq-mc-error")
def test_monte_carlo_is_as_far_off_as_its_standard_error_says(monte_carlo):
    estimates, p, variance = monte_carlo
    for n, values in estimates.items():
        # 4,000 values give a standard deviation to about 1.1 %, slightly worse for long tails
        assert values.std() == pytest.approx(np.sqrt(variance / n), rel=0.06)
    # with n = 400 the average is close to Gaussian: a strong test of the whole distribution
    z = (estimates[400] - p) / np.sqrt(variance / 400)
    assert kstest(z, "norm").statistic < 0.05  # 0.026 by chance alone at the 1 % level


def test_with_few_draws_most_tries_are_too_small_and_their_mean_is_right():
    sigma, x, n, tries = 0.15, curve_point([2.5]), 100, 20_000
    z = np.random.default_rng(8).standard_normal(tries * n)
    averages = likelihood(x, curve_point(z), sigma).reshape(tries, n).mean(axis=1)
    p = marginal(x, curve_point(NODES), sigma)[0]
    # a share near 0.7 of 20,000 has a standard error of 0.003, so "most" is no accident
    assert (averages < p).mean() > 0.6
    assert abs(averages.mean() - p) < 4 * averages.std() / np.sqrt(tries)


SPIRAL = np.array([2, 1 / 5, np.pi / 2, -0.8, 0.15])  # size, growth, angle, turn, sigma
SPIRAL_START = np.array([1, 0, np.pi / 2, -0.5, 1])


def spiral(z, size, growth, angle, turn):
    radius, direction = size * np.exp(growth * z), angle + turn * z
    return np.stack([radius * np.cos(direction), radius * np.sin(direction)], axis=1)


def spiral_log_marginal(x, w):
    squares = cdist(x, spiral(NODES, *w[:4]), "sqeuclidean")
    strips = PRIOR * (NODES[1] - NODES[0])
    return logsumexp(-squares / (2 * w[4] ** 2), b=strips, axis=1) - np.log(2 * np.pi * w[4] ** 2)


@pytest.mark.equation("eq-log-likelihood")
def test_log_likelihood_is_the_sum_of_log_marginals_and_ppca_has_the_largest():
    X = np.random.default_rng(2).normal(size=(50, 3)) @ np.diag([1.5, 0.7, 0.5])
    ppca = ProbabilisticPCA(n_components=1).fit(X)

    def log_likelihood(w, sigma):
        return np.log(marginal(X - ppca.mean_, np.outer(NODES, w), sigma)).sum()

    w, sigma = ppca.weights_[:, 0], np.sqrt(ppca.noise_variance_)
    joint = multivariate_normal(  # of all the points at once: they are independent
        np.tile(ppca.mean_, 50),
        np.kron(np.eye(50), np.outer(w, w) + sigma**2 * np.eye(3)),
    )
    best = log_likelihood(w, sigma)
    assert best == pytest.approx(joint.logpdf(X.ravel()), abs=1e-6)
    assert best == pytest.approx(ppca.score_samples(X).sum(), abs=1e-6)
    rng = np.random.default_rng(4)
    for _ in range(30):
        step = rng.normal(size=4) * 0.05
        assert log_likelihood(w + step[:3], sigma + step[3]) < best


@pytest.fixture(scope="module")
def learned_spiral():
    X, z = noisy_curve(n=300, noise=SPIRAL[4], seed=5)
    bounds = [(None, None)] * 4 + [(0.01, None)]
    found = minimize(lambda w: -spiral_log_marginal(X, w).mean(), SPIRAL_START, bounds=bounds)
    return X, z, found.x


@pytest.mark.equation("eq-log-likelihood")
def test_the_most_likely_curve_is_the_one_that_made_the_points(learned_spiral):
    X, _, w = learned_spiral
    np.testing.assert_allclose(spiral(NODES, *SPIRAL[:4]), curve_point(NODES), atol=1e-12)
    # On the points learned from, the best parameters are no worse than the true ones. By Wilks,
    # twice the gain is about χ² with 5 degrees of freedom: 20.5 is exceeded once in a thousand.
    gain = (spiral_log_marginal(X, w) - spiral_log_marginal(X, SPIRAL)).sum()
    assert -1e-3 < 2 * gain < 20.5
    # each parameter within four standard errors, from the curvature of the log-likelihood
    assert (np.abs(w - SPIRAL) < 4 * standard_errors(X, w)).all()


def standard_errors(X, w):
    """Asymptotic standard errors: the outer product of the points' scores, inverted."""
    steps = 1e-4 * np.eye(5)
    scores = np.stack(
        [(spiral_log_marginal(X, w + h) - spiral_log_marginal(X, w - h)) / 2e-4 for h in steps]
    )
    return np.sqrt(np.diag(np.linalg.inv(scores @ scores.T)))


def test_the_hidden_coordinate_is_found_without_being_seen(learned_spiral):
    X, z, w = learned_spiral
    posterior = PRIOR * likelihood(X, spiral(NODES, *w[:4]), w[4])
    guess = trapezoid(NODES * posterior, NODES, axis=1) / trapezoid(posterior, NODES, axis=1)
    # noise moves a point along the curve by about σ / ‖g'(z)‖ = 0.15 / 1.65 = 0.09 in z, where z
    # has variance 1: a correlation of about 0.996
    assert np.corrcoef(guess, z)[0, 1] > 0.99


def test_a_curve_explains_new_points_better_than_a_line_and_no_better_than_the_truth(
    learned_spiral,
):
    X, _, w = learned_spiral
    X_new, _ = noisy_curve(n=10_000, noise=SPIRAL[4], seed=6)
    line = ProbabilisticPCA(n_components=1).fit(X).score(X_new)
    learned = spiral_log_marginal(X_new, w)
    gap = learned - spiral_log_marginal(X_new, SPIRAL)
    assert line < learned.mean()
    # no density beats the true one on average; four standard errors are left to chance
    assert gap.mean() < 4 * gap.std() / np.sqrt(len(gap))
    # five parameters learned from 300 points cost about 5 / 600 nats a new point
    assert gap.mean() > -0.05


@pytest.mark.parametrize("turn", [0, 0.5])
def test_the_sign_of_the_turn_at_the_start_decides_the_direction(learned_spiral, turn):
    X, _, w = learned_spiral
    start = [*SPIRAL_START[:3], turn, SPIRAL_START[4]]
    bounds = [(None, None)] * 4 + [(0.01, None)]
    found = minimize(lambda w: -spiral_log_marginal(X, w).mean(), start, bounds=bounds)
    if turn:  # the same curve, run through from its other end
        mirrored = w * [1, -1, 1, -1, 1]
        # the optimiser stops when the mean changes by about 2e-9, which leaves 1e-3 in w
        np.testing.assert_allclose(found.x, mirrored, atol=1e-3)
    else:  # a stationary point by symmetry: z and −z are worth the same there
        np.testing.assert_allclose(found.x[[1, 3]], 0, atol=1e-3)
        assert -found.fun < spiral_log_marginal(X, w).mean() - 0.1
