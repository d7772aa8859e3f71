"""Importance weights: the ladder of bounds, its gradient, and what page 11.4.8 says about both.

Most tests use a VAE with affine maps and a Gaussian likelihood: x = B z + b + σ ε. Its log p(x) and
its ELBO are known in closed form, so the bounds can be held against the truth.
"""

import functools
import itertools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Independent, MultivariateNormal, Normal

from lecture_lib import VAE, importance
from lecture_lib.importance import (
    ImportanceWeightedVAE,
    effective_samples,
    log_mean_exp,
    normalised,
)
from lecture_lib.toy import curve_point

D, Q = 4, 2
few = settings(deadline=None, max_examples=25)
log_weights = st.integers(0, 2**32 - 1).map(
    lambda seed: torch.as_tensor(3 * np.random.default_rng(seed).normal(size=(7, 3)))
)


def linear(K=1, seed=0, kind=ImportanceWeightedVAE):
    """A linear-Gaussian model in float64, with an encoder that is near the posterior but not it."""
    torch.manual_seed(seed)
    settings = {} if kind is VAE else {"n_samples": K}
    model = kind(D, Q, (), "gaussian", scale=0.8, **settings).double()
    with torch.no_grad():
        model.log_scale.fill_(math.log(0.8))  # made in float32
        B, b = model.decoder.weight, model.decoder.bias
        M = B.T @ B + 0.64 * torch.eye(Q, dtype=B.dtype)
        weight, offset = model.encoder.weight, model.encoder.bias
        weight[:Q] = torch.linalg.solve(M, B.T)
        offset[:Q] = -weight[:Q] @ b + 0.2  # a little off
        weight[Q:] = 0
        offset[Q:] = torch.linalg.inv(M).diagonal().mul(0.64).log() / 2 + 0.1  # a little wide
    return model


def data(n=3, seed=1):
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(n, D)))


def exact_log_p(model, x):
    B, b = model.decoder.weight.detach(), model.decoder.bias.detach()
    return MultivariateNormal(b, B @ B.T + 0.64 * torch.eye(D, dtype=x.dtype)).log_prob(x)


def posterior(model, x):
    B, b = model.decoder.weight.detach(), model.decoder.bias.detach()
    M = B.T @ B + 0.64 * torch.eye(Q, dtype=x.dtype)
    mean = torch.linalg.solve(M, B.T @ (x - b).T).T
    return MultivariateNormal(mean, 0.64 * torch.linalg.inv(M))


def full(q):
    """The diagonal Gaussian q in the form for which torch knows the KL to a full one."""
    return MultivariateNormal(q.mean, torch.diag_embed(q.variance))


def exact_elbo(model, x):
    """log p(x) − KL(q, posterior), both in closed form."""
    gap = torch.distributions.kl_divergence(full(model.encode(x)), posterior(model, x))
    return exact_log_p(model, x) - gap.detach()


@functools.cache
def groups_of(K, n=200_000):
    """log (1/K) Σ w for n/K groups of codes, for one x: with the model and the x."""
    model, x = linear(), data(1)
    torch.manual_seed(K)
    with torch.no_grad():
        q = model.encode(x)
        log_w = model.log_weights(x, q.sample((n,)), q)
    return log_mean_exp(log_w.reshape(n // K, K).T)


def mean_and_error(values):
    return values.mean().item(), (values.std() / len(values) ** 0.5).item()


# ── the ladder ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.equation("eq-importance-marginal")
def test_the_mean_weight_is_the_marginal_whatever_q_is():
    model, x = linear(), data(1)
    expected = exact_log_p(model, x).exp().item()
    for shift, width in ((0.0, 1.0), (0.5, 1.3), (-0.3, 2.0)):
        encoded = model.encode(x)
        q = Independent(Normal(encoded.mean + shift, encoded.stddev * width), 1)
        torch.manual_seed(0)
        with torch.no_grad():
            w = model.log_weights(x, q.sample((200_000,)), q).exp()
        mean, se = mean_and_error(w)
        assert mean == pytest.approx(expected, abs=5 * se)
        assert se < 0.02 * expected  # or the line above says little
    # at the true posterior every single weight is p(x)
    with torch.no_grad():
        z = torch.randn(50, 1, Q, dtype=x.dtype)
        log_w = model.log_weights(x, z, posterior(model, x))
    np.testing.assert_allclose(log_w, exact_log_p(model, x).expand(50, 1), rtol=1e-9)


@pytest.mark.equation("eq-iwae")
def test_with_one_code_the_bound_is_the_elbo_and_all_are_below_log_p():
    model, x = linear(), data(1)
    mean, se = mean_and_error(groups_of(1))
    elbo, top = exact_elbo(model, x).item(), exact_log_p(model, x).item()
    assert mean == pytest.approx(elbo, abs=5 * se)
    assert top - elbo > 0.05  # a gap that five standard errors could not hide
    assert se < 0.005
    for K in (1, 2, 5, 20, 100):
        mean, se = mean_and_error(groups_of(K))
        assert mean < top + 4 * se
    assert mean == pytest.approx(top, abs=0.01)  # and they come near it


@pytest.mark.equation("eq-iwae-order")
def test_each_rung_is_above_the_one_before():
    means = [mean_and_error(groups_of(K)) for K in (1, 2, 4, 8)]
    for (low, low_se), (high, high_se) in itertools.pairwise(means):
        # doubling K halves the gap, which is many standard errors for so small a K
        assert high - low > 3 * np.hypot(low_se, high_se)


@pytest.mark.equation("eq-iwae-order")
@few
@given(log_w=log_weights)
def test_each_average_is_at_least_the_mean_of_those_with_one_weight_left_out(log_w):
    K = len(log_w)
    left_out = torch.stack([torch.cat([log_w[:j], log_w[j + 1 :]]) for j in range(K)])
    of_each = torch.stack([log_mean_exp(part) for part in left_out])
    # first line of the proof: in the weights themselves it is an equality
    same = torch.logsumexp(of_each, dim=0) - np.log(K)
    np.testing.assert_allclose(same, log_mean_exp(log_w), rtol=1e-10, atol=1e-10)
    # second line: Jensen
    assert (log_mean_exp(log_w) >= of_each.mean(dim=0) - 1e-12).all()


def test_log_likelihood_of_the_library_is_this_estimate():
    model, x = linear(), data(5)
    estimate = model.log_likelihood(x, n_samples=20_000)
    # measured: a standard deviation of about 0.003
    np.testing.assert_allclose(estimate, exact_log_p(model, x), atol=0.03)


@pytest.mark.equation("eq-gap-split")
def test_the_gap_is_what_the_gaussian_and_what_the_encoder_miss():
    model, x = linear(), data(3)
    truth = posterior(model, x)
    # Of all diagonal Gaussians, KL(q, p) is least for the posterior's mean and the inverse
    # diagonal of its precision matrix (Bishop, section 10.1.2).
    best_variance = 1 / truth.precision_matrix.diagonal(dim1=-2, dim2=-1)
    best = MultivariateNormal(truth.mean, torch.diag_embed(best_variance.expand(3, -1)))
    kl = torch.distributions.kl_divergence
    approximation = kl(best, truth)
    gap = exact_log_p(model, x) - exact_elbo(model, x)
    best_elbo = exact_log_p(model, x) - approximation
    amortisation = best_elbo - exact_elbo(model, x)
    assert (approximation > 0).all()
    assert (amortisation > 0).all()
    np.testing.assert_allclose(approximation + amortisation, gap, rtol=1e-9)
    # and no other diagonal Gaussian does better
    torch.manual_seed(0)
    for _ in range(20):
        other = best_variance * torch.exp(0.3 * torch.randn(3, Q, dtype=x.dtype))
        mean = truth.mean + 0.1 * torch.randn(3, Q, dtype=x.dtype)
        assert (kl(MultivariateNormal(mean, torch.diag_embed(other)), truth) >= approximation).all()


# ── the weights ───────────────────────────────────────────────────────────────────────────────────


@few
@given(log_w=log_weights, shift=st.sampled_from([0.0, -800.0, 800.0]))
def test_sums_are_taken_in_logarithms(log_w, shift):
    # e^±800 is neither a float64 nor zero
    plain = log_w.exp().mean(dim=0).log()
    np.testing.assert_allclose(log_mean_exp(log_w + shift), plain + shift, rtol=1e-10, atol=1e-10)
    shares = log_w.exp() / log_w.exp().sum(dim=0)
    np.testing.assert_allclose(normalised(log_w + shift), shares, rtol=1e-8)


@pytest.mark.equation("eq-effective-samples")
@few
@given(log_w=log_weights)
def test_effective_samples_as_printed_and_between_one_and_K(log_w):
    w = log_w.exp()
    printed = w.sum(dim=0) ** 2 / (w**2).sum(dim=0)
    np.testing.assert_allclose(effective_samples(log_w), printed, rtol=1e-9)
    assert (effective_samples(log_w) >= 1 - 1e-12).all()
    assert (effective_samples(log_w) <= len(log_w) + 1e-12).all()


@pytest.mark.parametrize("K", [1, 2, 1000])
def test_equal_weights_count_fully_and_one_that_dominates_counts_alone(K):
    equal = torch.full((K, 3), -700.0, dtype=torch.float64)
    np.testing.assert_allclose(effective_samples(equal), K, rtol=1e-9)
    equal[0] = 0.0  # e⁷⁰⁰ times the others
    np.testing.assert_allclose(effective_samples(equal), 1, rtol=1e-9)


@pytest.mark.equation("eq-weight-variance")
@pytest.mark.parametrize("s2", [0.51, 0.6, 0.8, 1.0, 1.5, 4.0])
def test_second_moment_of_the_weights_of_a_gaussian(s2):
    def integrand(z):
        return np.exp(2 * norm.logpdf(z) - norm.logpdf(z, scale=s2**0.5))

    # at 0.51 it falls like exp(−z²/50): 60 is far out
    value = quad(integrand, -60, 60, limit=400, points=[0])[0]
    assert value == pytest.approx(s2 / np.sqrt(2 * s2 - 1), rel=1e-6)
    assert value >= 1 - 1e-9


def test_below_half_the_variance_the_second_moment_is_infinite():
    def up_to(reach, s2=0.5):
        return quad(lambda z: np.exp(2 * norm.logpdf(z) - norm.logpdf(z, scale=s2**0.5)), 0, reach)[
            0
        ]

    # at one half the integrand is level, so the integral grows with the range, without end
    assert up_to(20) == pytest.approx(2 * up_to(10), rel=1e-6)
    assert up_to(20, s2=0.4) > 1e6 * up_to(10, s2=0.4)


def test_far_to_the_left_the_posterior_of_the_curve_falls_off_as_the_prior_does():
    z = np.array([-30.0, -60.0, -120.0])
    squares = ((np.array([1.0, 0.0]) - curve_point(z)) ** 2).sum(axis=-1)
    # the curve winds into the origin, whose squared distance from the page's point is 1
    np.testing.assert_allclose(squares, 1, atol=0.02)  # 4 e⁻⁶ = 0.01 is left of it at -30
    # so w² q grows without end for a q with less than half the prior's variance
    log_integrand = 2 * (norm.logpdf(z) - squares / 0.72) - norm.logpdf(z, 0.97, 0.49**0.5)
    assert (np.diff(log_integrand) > 0).all()


# ── the gradient ──────────────────────────────────────────────────────────────────────────────────


class Outputs(torch.nn.Module):
    """In an encoder's place: one row of outputs for each try, so each gets its own gradient."""

    def __init__(self, out):
        super().__init__()
        self.out = torch.nn.Parameter(out)

    def forward(self, x):
        return self.out


def plain_loss(model, x):
    """−L_K as autograd differentiates it when nothing is done about it."""
    q = model.encode(x)
    log_w = model.log_weights(x, q.rsample((model.n_samples,)), q)
    return -log_mean_exp(log_w).mean()


def encoder_gradients(K, loss, tries=40_000, seed=0):
    """Independent estimates of ∇ L_K by the mean and log σ of q, for one x: (tries, 2 Q)."""
    model, x = linear(K), data(1)
    out = model.encoder(x).detach()
    model.encoder = Outputs(out.expand(tries, -1).clone())
    torch.manual_seed(seed)
    loss(model, x.expand(tries, -1)).backward()
    return -tries * model.encoder.out.grad


def agree(first, second):
    """Whether two sets of estimates have one mean: within five standard errors."""
    se = (first.var(dim=0) / len(first) + second.var(dim=0) / len(second)).sqrt()
    return bool(((first.mean(dim=0) - second.mean(dim=0)).abs() < 5 * se).all())


@pytest.mark.equation("eq-iwae-gradient")
def test_the_plain_gradient_has_a_pathwise_and_a_score_term():
    K, x = 5, data(1)
    model = linear(K)
    out = model.encoder(x).detach().requires_grad_()
    mean, log_sigma = out.chunk(2, dim=-1)
    epsilon = torch.randn(K, 1, Q, dtype=x.dtype)

    def log_w_of(mean, log_sigma, z):
        return model.log_weights(x, z, Independent(Normal(mean, log_sigma.exp()), 1))

    bound = log_mean_exp(log_w_of(mean, log_sigma, mean + log_sigma.exp() * epsilon)).sum()
    expected = torch.autograd.grad(bound, out)[0]

    mean, log_sigma = out.chunk(2, dim=-1)
    z = (mean + log_sigma.exp() * epsilon).detach().requires_grad_()
    log_w = log_w_of(mean.detach(), log_sigma.detach(), z)
    share = normalised(log_w).detach()
    by_z = torch.autograd.grad(log_w.sum(), z)[0]  # ∂ log w_k / ∂ z_k
    moved = mean + log_sigma.exp() * epsilon
    pathwise = torch.autograd.grad((share[..., None] * by_z * moved).sum(), out)[0]
    mean, log_sigma = out.chunk(2, dim=-1)
    log_q = Independent(Normal(mean, log_sigma.exp()), 1).log_prob(z.detach())
    score = torch.autograd.grad((share * log_q).sum(), out)[0]
    np.testing.assert_allclose(pathwise - score, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.equation("eq-dreg")
@pytest.mark.parametrize("K", [1, 3, 10])
def test_the_doubly_reparameterised_gradient_has_the_same_mean(K):
    double = encoder_gradients(K, lambda model, x: model.loss(x))
    plain = encoder_gradients(K, plain_loss, seed=1)
    assert agree(double, plain)
    # The test could tell: the gradient is many standard errors away from zero.
    assert not agree(double, torch.zeros_like(double))


@pytest.mark.equation("eq-dreg")
def test_it_is_the_printed_sum():
    K, x = 6, data(1)
    model = linear(K)
    out = model.encoder(x).detach().requires_grad_()
    mean, log_sigma = out.chunk(2, dim=-1)
    torch.manual_seed(3)
    epsilon = torch.randn(K, 1, Q, dtype=x.dtype)
    moved = mean + log_sigma.exp() * epsilon
    z = moved.detach().requires_grad_()
    q = Independent(Normal(mean.detach(), log_sigma.exp().detach()), 1)
    log_w = model.log_weights(x, z, q)
    by_z = torch.autograd.grad(log_w.sum(), z)[0]
    shares = log_w.exp() / log_w.exp().sum(dim=0)
    printed = torch.autograd.grad(((shares**2).detach()[..., None] * by_z * moved).sum(), out)[0]

    model.encoder = Outputs(model.encoder(x).detach())
    torch.manual_seed(3)  # the same draws
    model.loss(x).backward()
    np.testing.assert_allclose(-model.encoder.out.grad, printed, rtol=1e-9, atol=1e-12)


def test_with_one_code_the_mean_gradient_is_that_of_the_elbo_in_closed_form():
    model, x = linear(), data(1)
    out = model.encoder(x).detach().requires_grad_()
    mean, log_sigma = out.chunk(2, dim=-1)
    q = MultivariateNormal(mean, torch.diag_embed((2 * log_sigma).exp()))
    gap = torch.distributions.kl_divergence(q, posterior(model, x)).sum()
    expected = -torch.autograd.grad(gap, out)[0][0]
    estimates = encoder_gradients(1, lambda model, x: model.loss(x))
    se = estimates.std(dim=0) / len(estimates) ** 0.5
    assert ((estimates.mean(dim=0) - expected).abs() < 5 * se).all()


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(lambda log_w: torch.softmax(-log_w, dim=0), id="wrong sign"),
        pytest.param(lambda log_w: torch.softmax(log_w, dim=1), id="over rows"),
        pytest.param(lambda log_w: torch.softmax(log_w, dim=0).sqrt(), id="share, not squared"),
    ],
)
def test_a_wrong_share_would_be_seen(monkeypatch, mutant):
    plain = encoder_gradients(10, plain_loss, seed=1)
    monkeypatch.setattr(importance, "normalised", mutant)
    assert not agree(encoder_gradients(10, lambda model, x: model.loss(x)), plain)


def test_value_and_decoder_gradient_are_those_of_the_bound():
    x = data(6)
    results = []
    for loss in (plain_loss, lambda model, x: model.loss(x)):
        model = linear(5)
        torch.manual_seed(2)
        value = loss(model, x)
        value.backward()
        results.append([value.detach(), *(w.grad for w in model.decoder.parameters())])
    for plain, double in zip(*results, strict=True):
        np.testing.assert_allclose(double, plain, rtol=1e-9, atol=1e-12)


def test_more_codes_drown_the_plain_gradient_and_clear_the_other():
    def ratio(K, loss):
        g = encoder_gradients(K, loss, tries=4_000)
        return (g.mean(dim=0).abs() / g.std(dim=0)).mean().item()

    # in theory √(64 / 4) = 4 times down and up (Rainforth et al., 2018; Tucker et al., 2019)
    assert ratio(64, plain_loss) < 0.6 * ratio(4, plain_loss)
    double = lambda model, x: model.loss(x)  # noqa: E731
    assert ratio(64, double) > 2 * ratio(4, double)


def test_loss_with_one_code_is_on_average_that_of_the_vae():
    x = data(1)
    losses = {}
    for kind in (VAE, ImportanceWeightedVAE):
        model = linear(kind=kind)
        torch.manual_seed(0)
        with torch.no_grad():  # rows of one x: the loss is their mean
            losses[kind] = [model.loss(x.expand(1_000, -1)).item() for _ in range(40)]
    means = [np.mean(values) for values in losses.values()]
    se = np.hypot(*(np.std(values, ddof=1) / 40**0.5 for values in losses.values()))
    assert means[0] == pytest.approx(means[1], abs=5 * se)
    assert se < 0.02


# ── bad input ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("K", [0, -1, 2.0, True, "5", None])
def test_a_number_of_codes_that_makes_no_sense_is_refused(K):
    with pytest.raises(ValueError, match="whole number of 1 or more"):
        ImportanceWeightedVAE(4, 2, n_samples=K)


def test_grey_pixels_are_refused_unless_they_are_binarised():
    grey = torch.full((3, 4), 0.5)
    strict = ImportanceWeightedVAE(4, 2, n_samples=2)
    with pytest.raises(ValueError, match="zeros and ones"):
        strict.loss(grey)
    drawn = ImportanceWeightedVAE(4, 2, n_samples=2, binarise=True)
    assert torch.isfinite(drawn.loss(grey))
    with pytest.raises(ValueError, match="from 0 to 1"):
        drawn.loss(3 * grey)


@pytest.mark.parametrize("bad", [torch.zeros(3, 5), torch.zeros(4)])
def test_data_of_another_shape_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        ImportanceWeightedVAE(4, 2, n_samples=2).loss(bad)
