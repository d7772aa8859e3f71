"""The formulas of 11.4.3: likelihood, recognition model, the two integrals of the KL, objective."""

import math

import numpy as np
import pages
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import bernoulli, multivariate_normal, norm
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from lecture_lib import VAE, fit
from lecture_lib.datasets import load_digits
from lecture_lib.vae import binarise, kl_to_prior

SOURCE = pages.source("11-4-3-vae")
LOG_2_PI = math.log(2 * math.pi)
few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)


def small_vae(seed, data_dim=6, latent_dim=3):
    """In float64, with weights far from zero: nothing in it is at an optimum or near the prior."""
    torch.manual_seed(seed)
    model = VAE(data_dim, latent_dim, hidden=(5,)).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) / 2)
    return model, torch.bernoulli(torch.full((4, data_dim), 0.5)).double()


@pytest.mark.equation("eq-vae-bernoulli")
@few
@given(seed=seeds)
def test_the_likelihood_is_the_product_over_pixels(seed):
    model, x = small_vae(seed)
    z = torch.randn(4, 3).double()
    with torch.no_grad():
        a, log_p = model.decoder(z).numpy(), model.decode(z).log_prob(x).numpy()
    pi = 1 / (1 + np.exp(-a))
    # float64, six factors; a mean over pixels would be off by a factor of six
    np.testing.assert_allclose(log_p, bernoulli.logpmf(x.numpy(), pi).sum(axis=1), rtol=1e-9)
    by_hand = np.prod(pi ** x.numpy() * (1 - pi) ** (1 - x.numpy()), axis=1)
    np.testing.assert_allclose(np.exp(log_p), by_hand, rtol=1e-9)


def test_the_likelihood_sums_to_one_over_all_images():
    model, _ = small_vae(0)
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6).double()
    with torch.no_grad():
        p = model.decode(torch.randn(1, 3).double()).log_prob(images).exp()
    assert p.sum().item() == pytest.approx(1, rel=1e-12)  # a sum of 64 numbers in float64


@pytest.mark.equation("eq-recognition-full")
@pytest.mark.equation("eq-recognition")
@few
@given(seed=seeds)
def test_the_recognition_model_is_the_lectures_gaussian(seed):
    model, x = small_vae(seed)
    z = torch.randn(4, 3).double()
    with torch.no_grad():
        out, ours = model.encoder(x).numpy(), model.encode(x).log_prob(z).numpy()
    mu, sigma = out[:, :3], np.exp(out[:, 3:])  # the second half is log σ, not log σ²
    full = [
        -0.5 * (3 * LOG_2_PI + np.linalg.slogdet(S)[1] + (z - m) @ np.linalg.inv(S) @ (z - m))
        for z, m, S in zip(z.numpy(), mu, map(np.diag, sigma**2), strict=True)
    ]
    residual = (z.numpy() - mu) ** 2 / (2 * sigma**2)
    sums = (-LOG_2_PI / 2 - np.log(sigma) - residual).sum(axis=1)
    # float64; σ spans a few orders of magnitude, so a residual may have lost some digits
    for other in (full, sums):
        np.testing.assert_allclose(ours, other, rtol=1e-8)


means = st.lists(st.floats(-3, 3), min_size=1, max_size=4)


@st.composite
def gaussians(draw):
    mu = np.array(draw(means))
    log_sigma = draw(st.lists(st.floats(-2, 1), min_size=len(mu), max_size=len(mu)))
    return mu, np.exp(log_sigma)


def average(f, mu, sigma):
    """The integral of N(z; μ, σ²) f(z) over z, by quadrature; beyond 12 σ the density is nil."""
    ends = mu - 12 * sigma, mu + 12 * sigma
    return quad(lambda z: norm.pdf(z, mu, sigma) * f(z), *ends, epsabs=1e-11)[0]


@few
@given(gaussian=gaussians())
def test_the_two_averages_of_a_gaussian(gaussian):
    for mu, sigma in zip(*gaussian, strict=True):
        square = average(lambda z: z**2, mu, sigma)
        assert square == pytest.approx(sigma**2 + mu**2, rel=1e-8)
        spread = average(lambda z, mu=mu: (z - mu) ** 2, mu, sigma)
        assert spread == pytest.approx(sigma**2, rel=1e-8)


@pytest.mark.equation("eq-kl-entropy")
@few
@given(gaussian=gaussians())
def test_the_integral_of_q_log_q(gaussian):
    mu, sigma = gaussian
    pairs = list(zip(mu, sigma, strict=True))
    integral = sum(average(lambda z, m=m, s=s: norm.logpdf(z, m, s), m, s) for m, s in pairs)
    closed = -len(mu) / 2 * LOG_2_PI - np.sum(1 + np.log(sigma**2)) / 2
    assert closed == pytest.approx(integral, rel=1e-8, abs=1e-8)  # quad's own error: 1e-9


@pytest.mark.equation("eq-kl-cross")
@few
@given(gaussian=gaussians())
def test_the_integral_of_q_log_p(gaussian):
    mu, sigma = gaussian
    integral = sum(average(norm.logpdf, m, s) for m, s in zip(mu, sigma, strict=True))
    closed = -len(mu) / 2 * LOG_2_PI - np.sum(mu**2 + sigma**2) / 2
    assert closed == pytest.approx(integral, rel=1e-8)


def test_in_the_plane_the_integrals_need_not_be_split():
    """The derivation splits log-densities into dimensions; here a grid in the plane does not."""
    mu, sigma = np.array([0.5, -1.0]), np.array([0.6, 1.3])
    side = np.linspace(-12, 12, 1201)
    z = np.stack(np.meshgrid(side, side), axis=-1)
    q = multivariate_normal(mu, np.diag(sigma**2))
    p = multivariate_normal(np.zeros(2))
    inner = (q.pdf(z) * (q.logpdf(z) - p.logpdf(z))).sum() * (side[1] - side[0]) ** 2
    # the trapezium rule for a smooth function that dies out is exact to rounding
    assert np.sum(mu**2 + sigma**2 - 1 - np.log(sigma**2)) / 2 == pytest.approx(inner, rel=1e-9)


@pytest.mark.equation("eq-kl-closed")
@few
@given(gaussian=gaussians(), seed=seeds)
def test_the_closed_form_is_torchs_and_the_librarys_and_agrees_with_draws(gaussian, seed):
    mu, sigma = (torch.as_tensor(value)[None] for value in gaussian)
    closed = (mu**2 + sigma**2 - 1 - (sigma**2).log()) / 2
    q, p = Normal(mu, sigma), Normal(torch.zeros_like(mu), 1)
    # float64, absolute too: near the prior the four terms cancel
    near = {"rtol": 1e-10, "atol": 1e-12}
    torch.testing.assert_close(closed, kl_divergence(q, p), **near)
    torch.testing.assert_close(closed, kl_to_prior(Independent(q, 1)), **near)
    assert (closed >= -1e-12).all()

    torch.manual_seed(seed)
    z = q.sample((20_000,))
    terms = (q.log_prob(z) - p.log_prob(z)).sum(dim=(1, 2))
    error = terms.std() / len(terms) ** 0.5
    # six standard errors: a false alarm once in 10⁹ tries
    assert abs(terms.mean() - closed.sum()) <= 6 * error + 1e-9


def test_only_the_prior_is_free():
    mu, sigma = torch.meshgrid(torch.linspace(-1, 1, 21), torch.logspace(-1, 1, 21), indexing="ij")
    kl = kl_to_prior(Independent(Normal(mu.double(), sigma.double()), 1))
    free = kl < 1e-9
    assert free.sum() == 1
    assert free[10, 10]  # μ = 0, σ = 1


def test_halving_a_small_sigma_costs_one_bit():
    sigma = torch.tensor([[0.02, 0.01]]).double()
    wide, narrow = kl_to_prior(Independent(Normal(torch.zeros_like(sigma), sigma), 1))[0]
    assert (narrow - wide).item() == pytest.approx(math.log(2), abs=2e-4)  # the rest is σ²/2


@pytest.mark.equation("eq-vae-objective")
@few
@given(seed=seeds)
def test_the_loss_is_the_objective_term_by_term(seed):
    model, x = small_vae(seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        loss = model.loss(x).item()
        out = model.encoder(x).numpy()
    mu, sigma = out[:, :3], np.exp(out[:, 3:])
    torch.manual_seed(seed)
    z = mu + sigma * torch.randn(1, 4, 3, dtype=torch.float64)[0].numpy()
    with torch.no_grad():
        pi = 1 / (1 + np.exp(-model.decoder(torch.as_tensor(z)).numpy()))
    total = 0
    for i in range(4):
        total += 0.5 * sum(mu[i] ** 2 + sigma[i] ** 2 - 1 - np.log(sigma[i] ** 2))
        total -= sum(bernoulli.logpmf(x[i].numpy(), pi[i]))
    assert loss == pytest.approx(total / 4, rel=1e-8)  # float64; a sum in place of a mean: factor 4


def test_what_fit_reports_is_minus_the_elbo():
    model, x = small_vae(3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    history = fit(model, x, epochs=1, batch_size=len(x), learning_rate=1e-3, seed=5, progress=False)
    model.load_state_dict(before)
    with torch.no_grad():
        torch.manual_seed(6)
        elbo = model.elbo(x, 4000)
        one = torch.stack([model.elbo(x).elbo.mean() for _ in range(400)])
    # the epoch was one step, measured before it was taken, with one draw a row
    assert abs(history.loss[0] + elbo.elbo.mean()) < 6 * one.std()
    assert history.loss[0] > 0
    assert (elbo.kl > 0).all()
    torch.testing.assert_close(elbo.elbo, elbo.reconstruction - elbo.kl)


@few
@given(seed=seeds)
def test_the_bound_by_hand_is_the_librarys(seed):
    model, x = small_vae(seed)
    torch.manual_seed(seed)
    by_hand = pages.defined_by(SOURCE, torch=torch)["elbo_by_hand"](model, x)
    torch.manual_seed(seed)
    with torch.no_grad():
        library = model.elbo(x).elbo
    torch.testing.assert_close(by_hand, library, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def glued():
    return pages.glued_by(SOURCE)


def test_the_page_beats_the_models_without_a_code(glued):
    assert glued["vae-coin"] < glued["vae-independent"] < glued["vae-elbo"]
    difference = glued["vae-reconstruction"] - glued["vae-kl"]
    assert glued["vae-elbo"] == pytest.approx(difference, abs=1e-3)  # float32 means
    assert glued["vae-kl"] > 5  # codes are in use: measured, 24 nats


def test_the_baseline_is_that_of_independent_pixels(glued):
    digits = load_digits()
    torch.manual_seed(1)
    x_test = binarise(torch.as_tensor(digits.x_test))
    if glued["vae-n"] != f"{len(digits.x_train):,}":
        pytest.skip("the page was run with other digits")
    on = (digits.x_train.sum(axis=0) + 1) / (len(digits.x_train) + 2)
    baseline = Bernoulli(torch.as_tensor(on).double()).log_prob(x_test.double())
    expected = baseline.sum(dim=1).mean().item()
    # float32 on the page, in sums of 784 terms
    assert glued["vae-independent"] == pytest.approx(expected, rel=1e-5)
