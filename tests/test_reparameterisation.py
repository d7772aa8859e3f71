"""What page 11.4.4 says about gradients through a draw."""

import itertools

import numpy as np
import pages
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss
from torch import nn
from torch.distributions import Normal

from lecture_lib import VAE
from lecture_lib.vae import kl_to_prior

SOURCE = pages.source("11-4-4-reparameterisation")

NODES, WEIGHTS = hermegauss(20)  # exact up to degree 39
WEIGHTS = WEIGHTS / WEIGHTS.sum()
gaussians = {"mu": st.floats(-3, 3), "sigma": st.floats(0.2, 2)}
few = settings(deadline=None, max_examples=25)


def average(values):
    return values @ WEIGHTS


def variance(values):
    return average((values - average(values)) ** 2)


def scores(mu, sigma, z):
    return (z - mu) / sigma**2, (z - mu) ** 2 / sigma**3 - 1 / sigma


def slopes(f, mu, sigma, h=1e-3):
    """Central differences of E[f] in μ and in σ, with one step of Richardson's extrapolation."""

    def difference(h):
        def mean(m, s):
            return average(f(m + s * NODES))

        return np.array(
            [
                mean(mu + h, sigma) - mean(mu - h, sigma),
                mean(mu, sigma + h) - mean(mu, sigma - h),
            ]
        ) / (2 * h)

    return (4 * difference(h) - difference(2 * h)) / 3


# ── two estimators in one dimension ───────────────────────────────────────────────────────────────


@few
@given(**gaussians)
@pytest.mark.equation("eq-gaussian-score")
def test_the_score_is_the_slope_of_the_log_density(mu, sigma):
    parameters = torch.tensor([mu, sigma], dtype=torch.float64, requires_grad=True)
    z = mu + sigma * torch.tensor(NODES)
    for one, *expected in zip(z, *scores(mu, sigma, z.numpy()), strict=True):
        (slope,) = torch.autograd.grad(Normal(*parameters).log_prob(one), parameters)
        np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-9, atol=1e-9)


@few
@given(**gaussians, seed=st.integers(0, 999))
@pytest.mark.equation("eq-score-function", "eq-pathwise")
def test_both_estimators_have_the_slope_of_the_average_as_their_mean(mu, sigma, seed):
    f = np.polynomial.Polynomial(np.random.default_rng(seed).normal(size=6))
    z = mu + sigma * NODES
    score = [average(f(z) * each) for each in scores(mu, sigma, z)]
    pathwise = [average(f.deriv()(z)), average(f.deriv()(z) * NODES)]
    size = np.sqrt(average(f(z) ** 2)) / sigma
    # all integrals are exact; what is left is rounding, which the score divides by σ²
    np.testing.assert_allclose(score, pathwise, atol=1e-9 * size / sigma)
    # and of the difference: extrapolated, it is exact up to degree 4, and off by 4 h⁴ f⁽⁵⁾/5!·…
    # beyond it, below 1e-9; rounding is divided by h
    np.testing.assert_allclose(pathwise, slopes(f, mu, sigma), atol=1e-9 * (1 + 100 * size))


@few
@given(**gaussians)
@pytest.mark.equation("eq-score-variance", "eq-pathwise-variance", "eq-sigma-variances")
def test_the_variances_for_a_square_are_those_in_closed_form(mu, sigma):
    z = mu + sigma * NODES
    in_mu, in_sigma = scores(mu, sigma, z)
    m2, s2 = mu**2, sigma**2
    # polynomials of degree 8 at most in ε: rounding only
    exact = pytest.approx
    assert variance(z**2 * in_mu) == exact(m2**2 / s2 + 14 * m2 + 15 * s2, rel=1e-9)
    assert variance(2 * z) == exact(4 * s2, rel=1e-9)
    assert variance(z**2 * in_sigma) == exact(2 * m2**2 / s2 + 60 * m2 + 74 * s2, rel=1e-9)
    assert variance(2 * z * NODES) == exact(4 * m2 + 8 * s2, rel=1e-9)


@few
@given(**gaussians, b=st.floats(-20, 20))
@pytest.mark.equation("eq-baseline", "eq-baseline-variance")
def test_a_baseline_changes_the_variance_and_not_the_mean(mu, sigma, b):
    z = mu + sigma * NODES
    for score, slope in zip(scores(mu, sigma, z), (2 * mu, 2 * sigma), strict=True):
        assert average((z**2 - b) * score) == pytest.approx(slope, abs=1e-9)
    own = (z**2 - mu**2 - sigma**2) * scores(mu, sigma, z)[0]
    assert variance(own) == pytest.approx(8 * mu**2 + 10 * sigma**2, rel=1e-9)


def test_the_average_of_f_is_not_the_best_constant_baseline():
    """Exercise 2: the best b is E[f ε²] = μ² + 3σ²."""
    mu, sigma = 1.5, 0.5
    z = mu + sigma * NODES

    def noise(b):
        return variance((z**2 - b) * NODES / sigma)

    best = mu**2 + 3 * sigma**2
    assert noise(best) < min(noise(best - 0.01), noise(best + 0.01), noise(mu**2 + sigma**2))


def test_a_function_that_wiggles_turns_the_order_round():
    nodes = np.linspace(-12, 12, 4001)  # the trapezoidal rule has no error that shows in float64
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    z = 1.5 + 0.5 * nodes

    def spread(values):
        return (values - values @ weights) ** 2 @ weights

    # 4 E[cos² ε²] is 2, 400 E[sin²] is 200; what is left of the rest is exp(−200)
    assert spread(np.cos(20 * z) * nodes / 0.5) == pytest.approx(2, rel=1e-6)
    assert spread(-20 * np.sin(20 * z)) == pytest.approx(200, rel=1e-6)


def test_in_more_dimensions_only_the_score_function_gets_worse():
    """Exercise 3, by Gauss-Hermite on a grid: f = Σ z_j², slope in μ_1."""
    mu, sigma = 0.7, 0.6
    e, w = hermegauss(5)  # squares of degree 6 in each ε
    w = w / w.sum()

    def spreads(q):
        grid = np.stack(np.meshgrid(*[e] * q, indexing="ij")).reshape(q, -1)
        weight = np.prod(np.stack(np.meshgrid(*[w] * q, indexing="ij")).reshape(q, -1), axis=0)
        z = mu + sigma * grid
        both = (z**2).sum(axis=0) * grid[0] / sigma, 2 * z[0]
        return [((v - v @ weight) ** 2) @ weight for v in both]

    found = np.array([spreads(q) for q in (1, 2, 3, 4)])
    np.testing.assert_allclose(found[:, 1], 4 * sigma**2)
    second = np.diff(found[:, 0], n=2)
    assert (np.diff(found[:, 0]) > 0).all()
    # quadratic in Q: the second difference is 2 E[z²]²/σ²
    np.testing.assert_allclose(second, 2 * (mu**2 + sigma**2) ** 2 / sigma**2)


def test_with_a_baseline_the_variance_grows_only_in_proportion():
    """Exercise 3: each further dimension adds 4μ² + 2σ²."""
    mu, sigma = 0.7, 0.6
    e, w = hermegauss(5)
    w = w / w.sum()
    grid = np.stack(np.meshgrid(e, e, e, indexing="ij")).reshape(3, -1)
    weight = np.prod(np.stack(np.meshgrid(w, w, w, indexing="ij")).reshape(3, -1), axis=0)
    z = mu + sigma * grid
    own = [(z[:q] ** 2).sum(axis=0) - q * (mu**2 + sigma**2) for q in (1, 2, 3)]
    found = [((v * grid[0] / sigma - 2 * mu) ** 2) @ weight for v in own]
    expected = 8 * mu**2 + 10 * sigma**2 + np.arange(3) * (4 * mu**2 + 2 * sigma**2)
    np.testing.assert_allclose(found, expected)


def test_a_support_that_moves_spoils_the_score_function_and_not_the_pathwise_estimate():
    """Exercise 4: q uniform on [0, θ] and f(z) = z, where the mean θ/2 has the slope 1/2."""
    theta = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    u = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000  # the midpoint rule: exact here
    z = theta * u
    log_q = -torch.log(theta) * torch.ones_like(u)
    (score,) = torch.autograd.grad((z.detach() * log_q).mean(), theta)
    (pathwise,) = torch.autograd.grad(z.mean(), theta)
    assert score.item() == pytest.approx(-0.5)
    assert pathwise.item() == pytest.approx(0.5)


# ── rows and draws ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("B", "S"), [(1, 1), (1, 3), (2, 1), (2, 2), (3, 1)])
@pytest.mark.equation("eq-gradient-budget")
def test_the_variance_of_a_minibatch_by_going_through_all_of_them(B, S):
    g = np.random.default_rng(0).normal(size=(3, 2)) ** 3  # g(x, ε): three rows, two draws
    a, c = g.mean(axis=1).var(), g.var(axis=1).mean()
    outcomes = []
    for rows in itertools.product(range(3), repeat=B):
        for draws in itertools.product(range(2), repeat=B * S):
            table = np.reshape(draws, (B, S))
            outcomes.append(np.mean([g[x, table[i]].mean() for i, x in enumerate(rows)]))
    assert np.mean(outcomes) == pytest.approx(g.mean())  # all are equally likely
    assert np.var(outcomes) == pytest.approx((a + c / S) / B)
    # one ε for all rows has the same mean, and the draws no longer average over the rows
    shared = [
        np.mean([g[x, list(draws)].mean() for x in rows])
        for rows in itertools.product(range(3), repeat=B)
        for draws in itertools.product(range(2), repeat=S)
    ]
    assert np.mean(shared) == pytest.approx(g.mean())
    if B > 1:
        together = a / B + c / (B * S) + (1 - 1 / B) / S * g.mean(axis=0).var()
        assert np.var(shared) == pytest.approx(together)


@few
@given(*[st.floats(0.1, 10)] * 4)
def test_no_other_number_of_draws_is_better(a, c, t_e, t_d):
    """Exercise 5."""

    def price(S):
        return (a + c / S) * (t_e + S * t_d)

    best = np.sqrt(c / a * t_e / t_d)
    # one draw costs less than two exactly when the best S is below √2
    assert price(2) - price(1) == pytest.approx(a * t_d * (1 - best**2 / 2), rel=1e-9, abs=1e-9)
    others = best * np.geomspace(0.01, 100, 401)
    assert price(best) <= price(others).min() * (1 + 1e-12)


# ── in a VAE ──────────────────────────────────────────────────────────────────────────────────────


def small_vae():
    torch.manual_seed(0)
    model = VAE(6, 2, hidden=(8,), activation=nn.Tanh).double()  # smooth, for quadrature
    return model, torch.bernoulli(torch.full((4, 6), 0.5, dtype=torch.float64))


def encoder_gradient(model, value):
    parts = torch.autograd.grad(value, list(model.encoder.parameters()))
    return torch.cat([part.flatten() for part in parts])


def test_sample_cuts_the_encoder_off_and_rsample_does_not():
    model, x = small_vae()
    q = model.encode(x)
    for z, reached in ((q.sample(), False), (q.rsample(), True)):
        assert z.requires_grad == reached
        value = model.decode(z).log_prob(x).mean()
        parts = torch.autograd.grad(
            value, list(model.encoder.parameters()), retain_graph=True, allow_unused=True
        )
        assert all((part is not None) == reached for part in parts)


def test_the_library_gets_the_gradient_of_the_exact_bound():
    """The exact one by quadrature over both codes; `sample` in place of `rsample` fails here."""
    model, x = small_vae()
    e, w = hermegauss(24)
    grid = torch.tensor(np.stack(np.meshgrid(e, e), axis=-1).reshape(-1, 1, 2))
    weight = torch.tensor(np.outer(w, w).ravel() / w.sum() ** 2)
    q = model.encode(x)
    exact_log_p = weight @ model.decode(q.mean + q.stddev * grid).log_prob(x)
    exact = encoder_gradient(model, (exact_log_p - kl_to_prior(q).sum(dim=1)).mean())
    draws = []
    for _ in range(300):
        draws.append(encoder_gradient(model, model.elbo(x, n_samples=20).elbo.mean()))
    draws = torch.stack(draws)
    off = (draws.mean(dim=0) - exact) * 300**0.5 / draws.std(dim=0)
    # 92 weights: the largest of so many standard normal numbers is above 4.5 once in 1,600 seeds,
    # and the seed is fixed
    assert off.abs().max() < 4.5
    assert exact.abs().max() > 0.01


def test_rows_get_noise_of_their_own():
    """The mutant of the page, one ε for the whole batch, would make equal rows' codes equal."""
    model, x = small_vae()
    same_rows = x[:1].expand(50, -1)
    values = model.elbo(same_rows).reconstruction
    assert values.unique().numel() == 50


def test_the_score_function_agrees_with_the_pathwise_gradient_on_a_vae():
    model, x = small_vae()

    def score(n):
        q = model.encode(x)
        z = q.sample((n,))
        f = model.decode(z).log_prob(x).detach()
        return encoder_gradient(model, ((f - f.mean(dim=0)) * q.log_prob(z)).mean())

    def pathwise(n):
        z = model.encode(x).rsample((n,))
        return encoder_gradient(model, model.decode(z).log_prob(x).mean())

    found = [torch.stack([how(1000) for _ in range(100)]) for how in (score, pathwise)]
    error = sum(values.var(dim=0) / 100 for values in found).sqrt()
    off = (found[0].mean(dim=0) - found[1].mean(dim=0)) / error
    # a baseline from the same draws shrinks the slope by 1/1000 of itself, far below the error
    assert off.abs().max() < 4.5
    assert found[0].var(dim=0).sum() > found[1].var(dim=0).sum()


# ── what the page found ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def glued():
    return pages.glued_by(SOURCE)


def test_the_page_found_what_it_says(glued):
    assert glued["rep-ratio"] == 55.5
    # cut off from the reconstruction, the encoder has the KL to lower and nothing else
    assert glued["rep-Blocked-kl"] < 0.1 < 5 < glued["rep-VAE-kl"]
    assert glued["rep-Blocked-elbo"] < glued["rep-VAE-elbo"] - 30
    # measured 20,000, 1,300 and 17: each form of the score function is noisier than the next
    plain, one, each = (
        float(glued[f"rep-vae-{name}"].replace(",", "")) for name in ("plain", "one", "each")
    )
    assert plain > 2 * one > 4 * each > 8
    # the largest of four, in standard errors: above 4 once in some thousand seeds; measured 1.9
    assert glued["rep-budget-off"] < 4
    assert glued["rep-budget"] > 2
    assert glued["rep-shared"] > 5
    # one draw is worth more than one of the score function for the pixel too: 5.3 and 6.2
    assert min(glued["rep-pixel-mu"], glued["rep-pixel-sigma"]) > 2
