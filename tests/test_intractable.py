"""What page 11.4.1 says about estimating log p(x): exact on a grid, biased and costly by draws."""

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import logsumexp
from scipy.stats import chi2, multivariate_normal, ncx2, norm

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)

# A grid from -8 to 8 with steps of 0.02: the prior beyond weighs 1e-15, and the sum over nodes is
# exact to rounding for functions as smooth as these (noise of 0.3 or more, slopes of a few units).
NODES, STEP = np.linspace(-8, 8, 801, retstep=True)


class Linear:
    """x = W z + σ ε with random W. Each density is written out here, as on the page."""

    def __init__(self, D, Q, seed, orthogonal=False):
        self.rng = rng = np.random.default_rng(seed)
        self.D, self.Q, self.sigma = D, Q, rng.uniform(0.4, 1.5)
        self.W = rng.normal(size=(D, Q))
        if orthogonal:
            self.W = np.linalg.qr(rng.normal(size=(D, Q))).Q * rng.uniform(0.3, 2, Q)
        self.C = self.W @ self.W.T + self.sigma**2 * np.eye(D)
        self.x = self.W @ rng.normal(size=Q) + self.sigma * rng.normal(size=D)

    def log_p(self, C=None):
        return multivariate_normal(cov=self.C if C is None else C).logpdf(self.x)

    def log_p_x_given_z(self, z):
        return norm(z @ self.W.T, self.sigma).logpdf(self.x).sum(axis=-1)

    def on_grid(self):
        """Nodes, and the log of prior times cell, for Q = 1."""
        assert self.Q == 1
        return NODES[:, None], norm.logpdf(NODES) + np.log(STEP)


@st.composite
def linear(draw, Q=None, orthogonal=False):
    Q = draw(st.integers(1, 4)) if Q is None else Q
    return Linear(draw(st.integers(Q + 1, 7)), Q, draw(seeds), orthogonal)


@pytest.mark.equation("eq-nll")
def test_the_negative_log_likelihood_is_least_at_the_weights_that_made_the_data():
    # p_data is the model with w = 1 here, x = w z + 0.5 ε in one dimension. The expectation over
    # p_data is taken on a grid too; by Gibbs' inequality its minimum is at w = 1 exactly.
    def log_p(x, w):
        return logsumexp(norm(w * NODES, 0.5).logpdf(x[:, None]) + norm.logpdf(NODES), axis=1)

    x = np.linspace(-8, 8, 161)
    weight = norm(0, np.sqrt(1 + 0.25)).pdf(x) * 0.1
    candidates = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    log_p_w = np.array([log_p(x, w) + np.log(STEP) for w in candidates])
    cross_entropy = -log_p_w @ weight
    assert candidates[cross_entropy.argmin()] == 1.0
    entropy = 0.5 * np.log(2 * np.pi * np.e * 1.25)
    # x is cut at 7 standard deviations
    assert cross_entropy.min() == pytest.approx(entropy, rel=1e-8)
    # the sum over data has its minimum where their mean has; it is near 1 for 2,000 points
    drawn = np.random.default_rng(0).normal(size=2000) * np.sqrt(1.25)
    sums = [-(log_p(drawn, w) + np.log(STEP)).sum() for w in candidates]
    assert abs(candidates[np.argmin(sums)] - 1) <= 0.1 + 1e-12  # its standard error is about 0.03


def test_quadrature_in_two_dimensions_is_exact_for_a_linear_model():
    p = Linear(5, 2, seed=0)
    axis, step = np.linspace(-7, 7, 281, retstep=True)
    nodes = np.array(list(itertools.product(axis, repeat=2)))
    terms = p.log_p_x_given_z(nodes) + norm.logpdf(nodes).sum(axis=1) + 2 * np.log(step)
    assert logsumexp(terms) == pytest.approx(p.log_p(), rel=1e-9)  # the prior ends at 7


@pytest.mark.equation("eq-log-estimate-low")
@few
@given(seed=seeds, n=st.integers(1, 3))
def test_the_estimate_of_log_p_is_too_low_on_average(seed, n):
    # A prior over four latent values, so that all draws of n can be listed: no chance is left.
    rng = np.random.default_rng(seed)
    prior, likelihood = rng.dirichlet(np.ones(4)), rng.exponential(size=4)
    p = prior @ likelihood
    mean, bound = 0.0, 0.0
    for draw in itertools.product(range(4), repeat=n):
        chance, ratio = prior[list(draw)].prod(), likelihood[list(draw)].mean() / p
        mean += chance * np.log(ratio)
        bound += chance * (ratio - 1)
    assert mean < 0  # strictly, as the likelihoods differ
    assert bound == pytest.approx(0, abs=1e-12)


@pytest.mark.equation("eq-log-estimate-bias")
def test_bias_and_error_for_many_draws():
    p = Linear(4, 1, seed=1)
    nodes, strips = p.on_grid()
    second = np.exp(logsumexp(2 * p.log_p_x_given_z(nodes) + strips) - 2 * p.log_p())
    rho, n = second - 1, 50
    draws = np.random.default_rng(0).normal(size=(40_000, n))
    log_p_hat = logsumexp(
        norm(draws[..., None] * p.W[:, 0], p.sigma).logpdf(p.x).sum(axis=-1), axis=1
    ) - np.log(n)
    error = log_p_hat - p.log_p()
    # Terms left out are of order 1/n² in the bias, far below chance, and of a few times 1/n, in
    # proportion, in the error. Chance is four standard errors; no bias, or twice the bias, fails.
    chance = 4 * error.std() / np.sqrt(len(error))
    assert 0.3 < rho < 3
    assert chance < 0.5 * rho / (2 * n)
    assert error.mean() == pytest.approx(-rho / (2 * n), abs=chance)
    assert error.std() == pytest.approx(np.sqrt(rho / n), rel=0.1)


@pytest.mark.equation("eq-mean-of-log")
@few
@given(linear(Q=1))
def test_mean_of_the_log_and_that_its_best_weights_are_zero(p):
    def formula(W):
        squares = p.x @ p.x + np.trace(W.T @ W)
        return -p.D / 2 * np.log(2 * np.pi * p.sigma**2) - squares / (2 * p.sigma**2)

    nodes, strips = p.on_grid()
    assert np.exp(strips) @ p.log_p_x_given_z(nodes) == pytest.approx(formula(p.W), rel=1e-9)
    assert formula(p.W) < p.log_p()  # Jensen
    assert formula(0 * p.W) > formula(0.1 * p.W) > formula(p.W)


@pytest.mark.equation("eq-likelihood-ratio")
@few
@given(linear())
def test_a_draw_counts_by_posterior_over_prior(p):
    M = p.W.T @ p.W + p.sigma**2 * np.eye(p.Q)
    posterior = multivariate_normal(np.linalg.solve(M, p.W.T @ p.x), p.sigma**2 * np.linalg.inv(M))
    for z in p.rng.normal(size=(3, p.Q)):
        left = p.log_p_x_given_z(z) - p.log_p()
        assert left == pytest.approx(posterior.logpdf(z) - norm.logpdf(z).sum(), rel=1e-8, abs=1e-8)


@pytest.mark.equation("eq-relative-variance")
@pytest.mark.equation("eq-chi-square")
@few
@given(linear(Q=1))
def test_the_relative_variance_is_the_chi_square_divergence(p):
    nodes, strips = p.on_grid()
    weight, likelihood = np.exp(strips), np.exp(p.log_p_x_given_z(nodes))
    marginal = weight @ likelihood
    variance = weight @ (likelihood - marginal) ** 2
    ell = p.W[:, 0] @ p.W[:, 0] + p.sigma**2
    posterior = norm(p.W[:, 0] @ p.x / ell, p.sigma / np.sqrt(ell)).pdf(NODES)
    ratio = weight @ (posterior / norm.pdf(NODES)) ** 2
    assert variance / marginal**2 == pytest.approx(ratio - 1, rel=1e-7)
    # The third exercise: the logarithm is at least the KL divergence of posterior from prior.
    on = posterior > 0
    log_ratio = np.log(posterior[on]) - norm.logpdf(NODES[on])
    assert np.log(ratio) >= (posterior[on] * STEP) @ log_ratio


@pytest.mark.equation("eq-linear-second-moment")
@few
@given(linear(Q=1))
def test_second_moment_in_closed_form(p):
    nodes, strips = p.on_grid()
    on_grid = logsumexp(2 * p.log_p_x_given_z(nodes) + strips) - 2 * p.log_p()
    half = p.W @ p.W.T + 0.5 * p.sigma**2 * np.eye(p.D)
    formula = p.log_p(half) - p.D / 2 * np.log(4 * np.pi * p.sigma**2) - 2 * p.log_p()
    assert formula == pytest.approx(on_grid, rel=1e-8, abs=1e-8)


@pytest.mark.equation("eq-linear-relative-variance")
@few
@given(linear(orthogonal=True))
def test_second_moment_axis_by_axis(p):
    half = p.W @ p.W.T + 0.5 * p.sigma**2 * np.eye(p.D)
    full = p.log_p(half) - p.D / 2 * np.log(4 * np.pi * p.sigma**2) - 2 * p.log_p()
    total = 0.0
    for w in p.W.T:
        ell = w @ w + p.sigma**2
        r, u = ell / p.sigma**2, (p.x @ w) / np.linalg.norm(w) / np.sqrt(ell)
        bracket = np.log(r / np.sqrt(2 * r - 1)) + u**2 * (r - 1) / (2 * r - 1)
        assert bracket > 0
        total += bracket
    assert total == pytest.approx(full, rel=1e-8, abs=1e-8)


@pytest.mark.equation("eq-island-share")
@pytest.mark.parametrize("Q", [1, 2, 3])
def test_share_of_the_prior_on_the_island(Q):
    sigma, n = 0.5, 400_000
    rng = np.random.default_rng(Q)
    x = np.sqrt(1 + sigma**2) * rng.normal(size=Q)  # in the directions of W
    m, s = x / (1 + sigma**2), sigma / np.sqrt(1 + sigma**2)
    radius2 = s**2 * chi2.ppf(0.95, Q)
    held = (((s * rng.normal(size=(n, Q))) ** 2).sum(axis=1) <= radius2).mean()
    share = (((rng.normal(size=(n, Q)) - m) ** 2).sum(axis=1) <= radius2).mean()
    formula = ncx2.cdf(radius2, Q, m @ m)
    # four standard errors of a share
    assert held == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / n))
    assert share == pytest.approx(formula, abs=4 * np.sqrt(formula / n))


@pytest.mark.equation("eq-proposal")
@few
@given(linear(Q=1), st.floats(0.7, 2), st.floats(-1, 1))
def test_any_proposal_has_the_same_mean_and_the_posterior_no_variance(p, widen, shift):
    nodes, strips = p.on_grid()
    log_joint = p.log_p_x_given_z(nodes) + strips - np.log(STEP)
    ell = p.W[:, 0] @ p.W[:, 0] + p.sigma**2
    m, s = p.W[:, 0] @ p.x / ell, p.sigma / np.sqrt(ell)
    # Narrower than the grid can see, or than its range, a proposal tests the grid: 0.7 s is not.
    q = norm(m + shift * s, widen * s).logpdf(NODES)
    here = q > -600  # beyond, q rounds to zero; so does the product
    fraction = np.exp(log_joint[here] - q[here])
    assert STEP * np.exp(q[here]) @ fraction == pytest.approx(np.exp(p.log_p()), rel=1e-8)
    posterior = norm(m, s).logpdf(NODES)
    np.testing.assert_allclose(log_joint - posterior, p.log_p(), rtol=1e-9, atol=1e-8)
