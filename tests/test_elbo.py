"""The identities of page 11.4.2: the ELBO, its gap, its two readings; and how a Gaussian errs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import logsumexp, rel_entr
from scipy.stats import norm

from lecture_lib.datasets import curve_point

# Sums of at most some hundred terms in float64: rounding is 1e-13 or less; a wrong sign or a
# missing term changes the first digits.
close = {"rel": 1e-9, "abs": 1e-9}

Z = np.linspace(-12, 12, 481)
STEP = Z[1] - Z[0]


class Table:
    """A discrete model, p(z, x) for m values of z, where every mean over z is a finite sum.

    Each identity of the page holds with sums in place of integrals, and here without any grid
    error. `q` is any distribution over z that is not the posterior.
    """

    def __init__(self, m, seed):
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.prior = rng.dirichlet(np.ones(m))
        self.likelihood = rng.gamma(1.0, size=m)  # a density in x, so it may exceed 1
        self.joint = self.prior * self.likelihood
        self.p_x = self.joint.sum()
        self.posterior = self.joint / self.p_x
        self.q = rng.dirichlet(np.ones(m)) + 1e-12
        self.q /= self.q.sum()

    def mean(self, values):
        """E_q."""
        return self.q @ values

    def kl(self, p):
        """KL(q, p), by SciPy."""
        return rel_entr(self.q, p).sum()

    @property
    def elbo(self):
        """E_q [log p(z, x) − log q(z)]."""
        return self.mean(np.log(self.joint) - np.log(self.q))


tables = st.builds(Table, m=st.integers(2, 30), seed=st.integers(0, 2**32 - 1))
few = settings(deadline=None, max_examples=40)


# ── the derivation ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.equation("eq-elbo-constant")
@pytest.mark.equation("eq-elbo-product")
@given(tables)
@few
def test_log_p_is_the_mean_of_joint_over_posterior_under_every_q(t):
    assert t.mean(np.full(len(t.q), np.log(t.p_x))) == pytest.approx(np.log(t.p_x), **close)
    with_both = t.mean(np.log(t.p_x * t.posterior / t.posterior))
    assert with_both == pytest.approx(np.log(t.p_x), **close)
    assert t.mean(np.log(t.joint / t.posterior)) == pytest.approx(np.log(t.p_x), **close)


@pytest.mark.equation("eq-kl")
@pytest.mark.equation("eq-elbo-identity")
@given(tables)
@few
def test_elbo_and_kl_add_up_to_log_p(t):
    gap = t.mean(np.log(t.q / t.posterior))
    assert gap == pytest.approx(t.kl(t.posterior), **close)
    assert t.mean(np.log(t.joint / t.q)) + gap == pytest.approx(np.log(t.p_x), **close)


@pytest.mark.equation("eq-kl-positive")
@pytest.mark.equation("eq-elbo")
@given(tables)
@few
def test_each_step_of_the_proof_and_the_bound(t):
    ratio = t.posterior / t.q
    assert t.mean(np.log(ratio)) == pytest.approx(-t.kl(t.posterior), **close)
    assert t.mean(np.log(ratio)) <= t.mean(ratio - 1) + 1e-12  # rounding of two sums near zero
    assert t.mean(ratio - 1) == pytest.approx(t.posterior.sum() - 1, **close)
    assert t.elbo <= np.log(t.p_x) + 1e-12


def test_a_q_on_a_part_of_the_posterior_has_an_area_below_one():
    t = Table(6, 0)
    t.q = np.where(np.arange(6) < 3, t.q, 0)
    t.q /= t.q.sum()
    on = t.q > 0
    area = t.q[on] @ (t.posterior[on] / t.q[on])
    assert area == pytest.approx(t.posterior[:3].sum(), **close)
    assert area < 1
    assert -t.kl(t.posterior) < area - 1


@pytest.mark.equation("eq-elbo-tight")
@given(tables)
@few
def test_the_bound_touches_at_the_posterior_and_nowhere_else(t):
    bracket = np.log(t.joint) - np.log(t.posterior)
    np.testing.assert_allclose(bracket, np.log(t.p_x), rtol=0, atol=1e-9)
    # Pinsker: a distance δ from the posterior, summed over z, costs at least δ²/2 nats
    distance = np.abs(t.q - t.posterior).sum()
    assert np.log(t.p_x) - t.elbo >= distance**2 / 2 - 1e-9
    t.q = t.posterior
    assert t.elbo == pytest.approx(np.log(t.p_x), **close)


@pytest.mark.equation("eq-elbo-reconstruction")
@pytest.mark.equation("eq-elbo-upper")
@given(tables)
@few
def test_the_second_reading_is_the_same_number(t):
    reconstruction, price = t.mean(np.log(t.likelihood)), t.kl(t.prior)
    assert reconstruction - price == pytest.approx(t.elbo, **close)
    upper = price + t.mean(-np.log(t.likelihood))
    assert upper >= -np.log(t.p_x) - 1e-12
    # and the slack is the divergence from the posterior, not from the prior
    assert upper + np.log(t.p_x) == pytest.approx(t.kl(t.posterior), **close)


@pytest.mark.equation("eq-one-hump")
@given(tables, st.data())
@few
def test_a_copy_of_a_part_costs_minus_the_log_of_its_share(t, data):
    part = np.arange(len(t.q)) < data.draw(st.integers(1, len(t.q)))
    share = t.posterior[part].sum()
    t.q = np.where(part, t.posterior / share, 0)
    assert t.kl(t.posterior) == pytest.approx(-np.log(share), **close)


@pytest.mark.equation("eq-elbo-estimate")
def test_the_estimate_by_draws_is_unbiased_and_its_variance_that_of_log_w_over_n():
    t = Table(5, 3)
    log_w = np.log(t.joint / t.q)
    n, tries = 4, 100_000
    estimates = log_w[t.rng.choice(5, size=(tries, n), p=t.q)].mean(axis=1)
    variance = t.mean((log_w - t.elbo) ** 2)
    # four standard errors of a mean of 100,000, seeded; the log of the mean is 10 times further off
    tolerance = 4 * np.sqrt(variance / n / tries)
    assert estimates.mean() == pytest.approx(t.elbo, abs=tolerance)
    assert np.log(t.p_x) - t.elbo > 10 * tolerance
    # the relative standard error of a variance from 100,000 values of kurtosis κ is
    # √((κ − 1) / 100,000), which is below 1 % for any κ < 11
    assert estimates.var() == pytest.approx(variance / n, rel=0.04)


# ── the firefly's height ──────────────────────────────────────────────────────────────────────────


def firefly(x, noise=0.3):
    """log p(z, x) at the nodes and log p(x), when only the height x of a flash is seen."""
    log_joint = norm.logpdf(Z) + norm.logpdf(x, curve_point(Z)[:, 1], noise)
    return log_joint, logsumexp(log_joint) + np.log(STEP)


def elbo_of(log_joint, mu, sigma):
    log_q = norm.logpdf(Z, mu, sigma)
    return STEP * (np.exp(log_q) * (log_joint - log_q)).sum()


def climb(log_joint, mu):
    found = minimize(lambda a: -elbo_of(log_joint, a[0], np.exp(a[1])), [mu, np.log(0.5)])
    return found.x[0], np.exp(found.x[1]), -found.fun


def test_the_grid_is_fine_enough():
    for x in (0.9, 1.6):
        _, log_p = firefly(x)
        fine = np.linspace(-12, 12, 4801)
        finer = norm.logpdf(fine) + norm.logpdf(x, curve_point(fine)[:, 1], 0.3)
        # sums of smooth densities over steps of a third of their width are exact to rounding
        assert log_p == pytest.approx(logsumexp(finer) + np.log(0.005), abs=1e-9)


def test_two_searches_end_on_two_humps_each_lacking_its_share_and_a_little_more():
    log_joint, log_p = firefly(0.9)
    posterior = np.exp(log_joint - log_p)
    ends = climb(log_joint, -1.5), climb(log_joint, 1.5)
    for (mu, sigma, bound), side in zip(ends, (Z < 0.3, Z > 0.3), strict=True):
        share = STEP * posterior[side].sum()
        on_side = abs(norm.cdf(0.3, mu, sigma) - (mu > 0.3))
        assert on_side > 0.999
        # a q all on one side loses −log share and what its shape loses; the 0.1 % of q on the
        # other side can give back no more than its own entropy, 0.008 nats
        assert -np.log(share) - 0.008 < log_p - bound < -np.log(share) + 0.1
    assert ends[0][2] > ends[1][2] + 0.5  # so the second search did not find the best q


def test_where_the_humps_run_together_both_searches_cover_them():
    log_joint, log_p = firefly(1.6)
    posterior = np.exp(log_joint - log_p)
    near = np.abs(Z) < 3  # the next turns of the spiral make humps of 1e-9 or less
    turns = np.diff(np.sign(np.diff(posterior[near])))
    assert np.count_nonzero(turns < 0) == 2
    left, right = climb(log_joint, -1.5), climb(log_joint, 1.5)
    assert left == pytest.approx(right, abs=1e-3)  # the optimiser's own tolerance is 1e-5
    mean = STEP * (posterior * Z).sum()
    spread = np.sqrt(STEP * (posterior * (Z - mean) ** 2).sum())
    assert 0.5 * spread < left[1] < spread  # over both, and narrower than the moments


@pytest.mark.parametrize("start", [-1.5, 1.5])
def test_the_best_gaussian_matches_the_mean_curvature_of_the_posterior(start):
    mu, sigma, _ = climb(firefly(0.9)[0], start)
    fine, h = np.linspace(-12, 12, 24_001, retstep=True)
    log_joint = norm.logpdf(fine) + norm.logpdf(0.9, curve_point(fine)[:, 1], 0.3)
    bend = -np.gradient(np.gradient(log_joint, h), h)
    curvature = h * (norm.pdf(fine, mu, sigma) * bend).sum()
    # the search stops at slopes of 1e-5, and the differences are off by h² = 1e-6 of the curvature
    assert 1 / sigma**2 == pytest.approx(curvature, rel=1e-4)


def test_the_two_optima_become_one_as_the_height_rises():
    """Exercise 2: each search starts where the one before it ended."""

    def search(log_joint, mu, sigma):
        found = minimize(lambda a: -elbo_of(log_joint, a[0], np.exp(a[1])), [mu, np.log(sigma)])
        return found.x[0], np.exp(found.x[1])

    ends, apart = [(-1.5, 0.5), (1.5, 0.5)], []
    for x in np.arange(0.9, 1.61, 0.05):
        ends = [search(firefly(x)[0], *end) for end in ends]
        apart.append(abs(ends[0][0] - ends[1][0]) > 0.01)
    # apart at first, one at the end, and never apart again
    assert apart[0]
    assert not apart[-1]
    assert np.count_nonzero(np.diff(apart)) == 1
    assert ends[0][1] > 0.5  # over both humps; on one of them it was 0.36 at most


@pytest.mark.parametrize("x", [0.9, 1.6])
def test_the_grid_agrees_with_adaptive_quadrature(x):
    def joint(z):
        return norm.pdf(z) * norm.pdf(x, curve_point(z)[1], 0.3)

    p_x, _ = quad(joint, -12, 12, epsabs=1e-12, limit=200)
    assert np.exp(firefly(x)[1]) == pytest.approx(p_x, rel=1e-9)


@pytest.mark.equation("eq-moment-match")
@pytest.mark.parametrize("x", [0.9, 1.6])
def test_the_other_direction_matches_mean_and_variance(x):
    log_joint, log_p = firefly(x)
    posterior = np.exp(log_joint - log_p)
    mean = STEP * (posterior * Z).sum()
    variance = STEP * (posterior * (Z - mean) ** 2).sum()

    def reverse(mu, sigma):
        return STEP * (posterior * (log_joint - log_p - norm.logpdf(Z, mu, sigma))).sum()

    least = reverse(mean, np.sqrt(variance))
    rng = np.random.default_rng(0)
    for mu, sigma in rng.uniform([-2, 0.2], [2, 2.5], (200, 2)):
        # KL(p, q) − KL(p, matched) is the divergence of the matched Gaussian from q, in closed form
        between = np.log(sigma**2 / variance) + (variance + (mean - mu) ** 2) / sigma**2 - 1
        assert reverse(mu, sigma) - least == pytest.approx(between / 2, rel=1e-6, abs=1e-9)
        assert between >= 0


def test_the_mean_of_the_log_is_the_bound_with_the_prior_as_q():
    log_joint, _ = firefly(0.9)
    log_likelihood = log_joint - norm.logpdf(Z)
    mean_of_log = STEP * (norm.pdf(Z) * log_likelihood).sum()
    assert elbo_of(log_joint, 0, 1) == pytest.approx(mean_of_log, **close)
