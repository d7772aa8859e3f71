"""The variational autoencoder: a bound in nats, equal to log p(x) where it must be.

Two models with a known log p(x) judge all others: a linear one, which is probabilistic PCA, and a
bent one with so few latent dimensions that the integral over z can be done on a grid.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from lecture_lib import VAE, ProbabilisticPCA, fit, vae
from lecture_lib.vae import Elbo, binarise, kl_to_prior

FAMILIES = ["bernoulli", "gaussian", "laplace"]
every_likelihood = pytest.mark.parametrize("likelihood", FAMILIES)
ENOUGH = 4.5  # standard errors: a right mean is further off once in 150,000 tries


def model_and_data(likelihood, n=6, d=5, q=2, hidden=(7,), seed=0, **settings):
    torch.manual_seed(seed)
    model = VAE(d, q, hidden=hidden, likelihood=likelihood, activation=nn.Tanh, **settings).double()
    with torch.no_grad():  # first weights are so small that the data would hardly depend on z
        for value in model.decoder.parameters():
            value.mul_(2.5)
    x = torch.randn(n, d, dtype=torch.float64)
    return model, (x > 0).double() if likelihood == "bernoulli" else x


def linear_model(noise=0.5, angle=0.0, d=4, seed=0):
    """A linear VAE that is probabilistic PCA, with the best q of its family, and data for it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 2)) @ rng.normal(size=(2, d)) + noise * rng.normal(size=(200, d)) + 1
    ppca = ProbabilisticPCA(2).fit(x)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    W, variance = ppca.weights_ @ turn, ppca.noise_variance_
    M = W.T @ W + variance * np.eye(2)
    model = VAE(d, 2, hidden=(), likelihood="gaussian").double()
    to_mean = np.linalg.solve(M, W.T)
    log_sigma = 0.5 * np.log(variance / np.diag(M))
    with torch.no_grad():
        model.decoder.weight.copy_(torch.from_numpy(W))
        model.decoder.bias.copy_(torch.from_numpy(ppca.mean_))
        model.encoder.weight.copy_(torch.from_numpy(np.vstack([to_mean, np.zeros((2, d))])))
        offsets = np.concatenate([-to_mean @ ppca.mean_, log_sigma])
        model.encoder.bias.copy_(torch.from_numpy(offsets))
        model.log_scale.fill_(0.5 * math.log(variance))
    posterior = MultivariateNormal(
        torch.from_numpy((x - ppca.mean_) @ to_mean.T),
        torch.from_numpy(variance * np.linalg.inv(M)),
    )
    x = torch.from_numpy(x)
    return model, x, torch.from_numpy(ppca.score_samples(x.numpy())), posterior


def by_quadrature(model, x, half=9.0, n=301):
    """log p(x), E_q log p(x|z) and KL(q, p(z|x)) of each row on a grid of z, Q = 2."""
    side = torch.linspace(-half, half, n, dtype=torch.float64)
    z = torch.cartesian_prod(side, side)
    cell = (side[1] - side[0]) ** 2
    prior = Independent(Normal(torch.zeros(2, dtype=torch.float64), 1.0), 1)
    with torch.no_grad():
        q = model.encode(x)
        given = torch.stack([model.decode(z).log_prob(row) for row in x])
        log_joint = given + prior.log_prob(z)
        log_p = (log_joint + cell.log()).logsumexp(dim=1)
        log_q = q.log_prob(z[:, None]).T
        weight = log_q.exp() * cell
        reconstruction = (weight * given).sum(dim=1)
        kl = (weight * (log_q - (log_joint - log_p[:, None]))).sum(dim=1)
    return log_p, reconstruction, kl


def assert_mean(draws, expected, what):
    """The mean of draws (S, B) is the expected one, within its own standard error."""
    draws = np.asarray(draws)
    error = draws.std(axis=0, ddof=1) / math.sqrt(len(draws))
    off = np.abs(draws.mean(axis=0) - np.asarray(expected))
    assert (off <= ENOUGH * error + 1e-9).all(), f"{what}: off by {off} with errors {error}"


@every_likelihood
def test_encode_and_decode_return_densities_with_the_shapes_of_the_lecture(likelihood):
    model, x = model_and_data(likelihood)
    q = model.encode(x)
    assert (q.batch_shape, q.event_shape) == ((6,), (2,))
    assert isinstance(q.base_dist, Normal)
    given = model.decode(q.rsample((3,)))
    assert (given.batch_shape, given.event_shape) == ((3, 6), (5,))
    assert type(given.base_dist).__name__ == {"gaussian": "Normal"}.get(
        likelihood, likelihood.capitalize()
    )
    assert given.log_prob(x).shape == (3, 6)
    assert model.decode(torch.zeros(4, 2, dtype=torch.float64)).mean.shape == (4, 5)


def test_the_backbone_is_shared_and_the_decoder_mirrors_it():
    model = VAE(9, 3, hidden=(7, 5))
    widths = [
        [(layer.in_features, layer.out_features) for layer in part if isinstance(layer, nn.Linear)]
        for part in (model.encoder, model.decoder)
    ]
    assert widths == [[(9, 7), (7, 5), (5, 6)], [(3, 5), (5, 7), (7, 9)]]


@every_likelihood
def test_the_bound_has_one_number_a_row_and_is_reconstruction_less_kl(likelihood):
    model, x = model_and_data(likelihood)
    bound = model.elbo(x, n_samples=4)
    assert isinstance(bound, Elbo)
    assert all(part.shape == (6,) for part in bound)
    torch.testing.assert_close(bound.elbo, bound.reconstruction - bound.kl)
    torch.testing.assert_close(bound.kl, kl_to_prior(model.encode(x)).sum(dim=1))


@every_likelihood
def test_the_loss_is_the_mean_over_rows_of_minus_the_bound(likelihood):
    model, x = model_and_data(likelihood)
    torch.manual_seed(3)
    loss = model.loss(x)
    torch.manual_seed(3)
    torch.testing.assert_close(loss, -model.elbo(x).elbo.sum() / 6)


def test_the_kl_agrees_with_torch_and_with_an_average_over_draws():
    torch.manual_seed(0)
    mean, sigma = torch.randn(6, 3), torch.rand(6, 3) + 0.1
    q = Independent(Normal(mean, sigma), 1)
    prior = Independent(Normal(torch.zeros(6, 3), torch.ones(6, 3)), 1)
    assert kl_to_prior(q).shape == (6, 3)
    by_torch = kl_divergence(Normal(mean, sigma), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_prior(q), by_torch)
    z = q.sample((40_000,))
    assert_mean(q.log_prob(z) - prior.log_prob(z), kl_to_prior(q).sum(dim=1), "KL")


def test_the_kl_is_zero_for_the_prior_and_positive_for_all_else():
    still = Independent(Normal(torch.zeros(1, 4), torch.ones(1, 4)), 1)
    assert kl_to_prior(still).abs().max() == 0
    moved = Independent(Normal(torch.zeros(2, 1), torch.tensor([[0.9], [1.1]])), 1)
    assert (kl_to_prior(moved) > 0).all()


@every_likelihood
def test_bound_and_gap_agree_with_quadrature(likelihood):
    """log p(x) − ELBO is KL(q, p(z|x)), and each part of the bound is the exact one."""
    model, x = model_and_data(likelihood)
    log_p, reconstruction, gap = by_quadrature(model, x)
    exact_elbo = reconstruction - kl_to_prior(model.encode(x)).sum(dim=1)
    # the grid is fine against the narrowest q: the identity holds to its cells' accuracy
    torch.testing.assert_close(log_p - exact_elbo, gap, rtol=1e-6, atol=1e-6)
    assert (gap > 0).all()
    torch.manual_seed(1)
    with torch.no_grad():
        draws = torch.stack([model.elbo(x).elbo for _ in range(4_000)])
        averaged = torch.stack([model.elbo(x, n_samples=50).elbo for _ in range(100)])
    assert_mean(draws, exact_elbo.detach(), "ELBO with one sample")
    assert_mean(averaged, exact_elbo.detach(), "ELBO with fifty samples")
    ratio = draws.var(dim=0) / averaged.var(dim=0)
    assert ((ratio > 25) & (ratio < 100)).all()  # fifty samples: a fiftieth of the variance


def test_a_linear_vae_in_principal_axes_reaches_log_p_exactly():
    model, x, log_p, posterior = linear_model()
    q = model.encode(x)
    torch.testing.assert_close(q.mean, posterior.mean)
    with torch.no_grad():  # with the exact posterior every code has the same weight, p(x)
        log_w = model.log_weights(x, q.sample((5,)), q)
    torch.testing.assert_close(log_w, log_p.expand(5, -1))
    with torch.no_grad():
        draws = torch.stack([model.elbo(x).elbo for _ in range(2_000)])
    assert_mean(draws.mean(dim=1), log_p.mean(), "ELBO at the exact posterior")


def test_a_turned_linear_vae_misses_log_p_by_the_kl_to_its_posterior():
    model, x, log_p, posterior = linear_model(angle=0.6)
    with torch.no_grad():
        q = model.encode(x)
        full = MultivariateNormal(q.mean, torch.diag_embed(q.variance))
        draws = torch.stack([model.elbo(x).elbo for _ in range(2_000)])
    gap = kl_divergence(full, posterior)
    assert (gap > 0.01).all()
    assert_mean(draws.mean(dim=1), (log_p - gap).mean(), "ELBO of the turned model")


def test_log_likelihood_is_exact_at_the_exact_posterior_however_it_is_cut(monkeypatch):
    model, x, log_p, _ = linear_model()
    for chunk in (1, 37, 5_000, 2**20):
        monkeypatch.setattr(vae, "CHUNK", chunk)
        for n_samples in (1, 7, 40):
            torch.testing.assert_close(model.log_likelihood(x[:50], n_samples), log_p[:50])


def test_log_likelihood_finds_log_p_of_a_turned_linear_model():
    model, x, log_p, _ = linear_model(angle=0.1)
    torch.manual_seed(0)
    with torch.no_grad():
        q = model.encode(x)
        log_w = model.log_weights(x, q.sample((5_000,)), q)
    spread = (log_w - log_p).exp().std(dim=0).max()
    error = ENOUGH * spread / math.sqrt(5_000)
    assert error < 0.2  # or the test would say little
    torch.testing.assert_close(model.log_likelihood(x), log_p, rtol=0, atol=error.item())


@every_likelihood
def test_log_likelihood_agrees_with_quadrature(likelihood):
    model, x = model_and_data(likelihood)
    log_p, *_ = by_quadrature(model, x)
    torch.manual_seed(0)
    few = torch.stack([model.log_likelihood(x, 500).exp() for _ in range(60)])
    assert_mean(few, log_p.exp(), "p(x) by importance weights")
    with torch.no_grad():
        elbo = torch.stack([model.elbo(x).elbo for _ in range(2_000)]).mean(dim=0)
    assert (few.mean(dim=0).log() > elbo).all()


def test_with_one_code_a_row_log_likelihood_is_the_bound_on_average():
    model, x = model_and_data("gaussian")
    with torch.no_grad():
        q = model.encode(x)
        _, reconstruction, _ = by_quadrature(model, x)
    elbo = reconstruction - kl_to_prior(q).sum(dim=1)
    draws = torch.stack([model.log_likelihood(x, 1) for _ in range(4_000)])
    assert_mean(draws, elbo.detach(), "log-likelihood with one code")


@every_likelihood
def test_each_likelihood_has_total_mass_one(likelihood):
    model, _ = model_and_data(likelihood, d=3)
    z = torch.randn(4, 2, dtype=torch.float64)
    if likelihood == "bernoulli":
        states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)
        mass = model.decode(z[:, None]).log_prob(states).exp().sum(dim=1)
        tolerance = 1e-12
    else:  # the dimensions are independent: the integral over one line, others at their centre
        given = model.decode(z).base_dist
        line = torch.linspace(-60, 60, 60_001, dtype=torch.float64)
        one = given.log_prob((line[:, None, None] + given.mean).detach()).exp()
        mass = torch.from_numpy(trapezoid(one.detach().numpy(), line.numpy(), axis=0)).prod(dim=1)
        tolerance = 1e-5  # the Laplacian's corner costs the trapezoidal rule h² / 12
    torch.testing.assert_close(mass, torch.ones_like(mass), rtol=0, atol=tolerance)


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace"])
def test_data_in_a_unit_a_times_smaller_lower_each_density_by_d_log_a(likelihood):
    model, x = model_and_data(likelihood)
    z, a, d = torch.randn(6, 2, dtype=torch.float64), 3.0, 5
    before = model.decode(z).log_prob(x)
    with torch.no_grad():
        model.decoder[-1].weight.mul_(a)
        model.decoder[-1].bias.mul_(a)
        model.log_scale.add_(math.log(a))
    torch.testing.assert_close(model.decode(z).log_prob(a * x), before - d * math.log(a))


@pytest.mark.parametrize(
    ("likelihood", "best"),
    [
        ("gaussian", lambda error: error.square().mean().sqrt()),
        ("laplace", lambda error: error.abs().mean()),
    ],
)
def test_the_best_scale_is_the_root_mean_square_or_the_mean_absolute_error(likelihood, best):
    model, x = model_and_data(likelihood, n=50)
    z = torch.randn(50, 2, dtype=torch.float64)
    scale = best(model.decode(z).mean - x).item()
    heights = {}
    for factor in (0.9, 1, 1.1):
        with torch.no_grad():
            model.log_scale.fill_(math.log(scale * factor))
        heights[factor] = model.decode(z).log_prob(x).mean()
    assert heights[1] > max(heights[0.9], heights[1.1])
    with torch.no_grad():
        model.log_scale.fill_(math.log(scale))
    model.decode(z).log_prob(x).mean().backward()
    assert model.log_scale.grad.abs() < 1e-12


@every_likelihood
def test_the_gradient_is_that_of_the_loss_with_the_same_random_numbers(likelihood):
    model, x = model_and_data(likelihood)

    def loss():
        torch.manual_seed(5)
        return model.loss(x)

    loss().backward()
    step = 1e-6
    for name, value in model.named_parameters():
        flat, index = value.data.view(-1), value.numel() // 2
        kept = flat[index].item()
        flat[index] = kept + step
        above = loss().item()
        flat[index] = kept - step
        below = loss().item()
        flat[index] = kept
        slope = (above - below) / (2 * step)
        # central differences: an error of order step², and rounding of about 1e-10
        assert value.grad.view(-1)[index].item() == pytest.approx(slope, rel=1e-5, abs=1e-7), name


def test_the_gradient_is_on_average_that_of_the_exact_bound():
    """The slope in one offset of the encoder, against differences of the bound by quadrature."""
    model, x = model_and_data("gaussian", n=2)
    bias = model.encoder[-1].bias

    def exact():
        _, reconstruction, _ = by_quadrature(model, x)
        return -(reconstruction - kl_to_prior(model.encode(x)).sum(dim=1)).mean().item()

    slopes = []
    for index in (0, 2):  # of the mean, and of log σ, of the first dimension
        values = []
        for step in (1e-4, -1e-4):
            with torch.no_grad():
                bias[index] += step
                values.append(exact())
                bias[index] -= step
        slopes.append((values[0] - values[1]) / 2e-4)
    draws = []
    for _ in range(3_000):
        (gradient,) = torch.autograd.grad(model.loss(x), bias)
        draws.append(gradient[[0, 2]].numpy())
    assert_mean(draws, slopes, "gradient")


def test_every_row_and_every_sample_gets_its_own_noise():
    model, x = model_and_data("gaussian")
    same = x[:1].expand(6, -1)
    one = model.elbo(same).reconstruction
    assert len(set(one.tolist())) == 6
    assert len({model.elbo(same[:1]).elbo.item() for _ in range(5)}) == 5
    assert len(set(model.log_likelihood(same, 1).tolist())) == 6


def test_training_raises_the_bound_and_a_seed_repeats_it():
    _, x = model_and_data("bernoulli", n=200, d=8)
    x[:, 4:] = x[:, :4]  # something to learn
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        model = VAE(8, 2, hidden=(16,))
        history = fit(model, x, epochs=60, learning_rate=3e-2, progress=False)
        losses.append(history.loss)
    assert losses[0] == losses[1]
    # without codes eight fair coins cost 8 log 2 nats; as half of them are copies, codes can save
    assert losses[0][-1] < 8 * math.log(2) - 0.2


def test_a_fixed_scale_stays_and_a_learned_one_moves_towards_the_error():
    _, x = model_and_data("gaussian", n=200, d=4)
    learned, fixed = VAE(4, 1, likelihood="gaussian"), VAE(4, 1, likelihood="gaussian", scale=0.2)
    x = 0.1 * x
    for model in (learned, fixed):
        fit(model, x, epochs=60, learning_rate=3e-2, progress=False)
    assert fixed.log_scale.exp().item() == pytest.approx(0.2)
    assert learned.log_scale.exp().item() < 0.5  # it began at 1; the data spread 0.1


def test_binarised_training_draws_anew_and_as_often_as_the_grey_value_says():
    grey = torch.linspace(0, 1, 11).repeat(20_000, 1)
    torch.manual_seed(0)
    drawn = binarise(grey)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert_mean(drawn, grey[0], "share of ones")
    assert (binarise(grey)[:, 5] != drawn[:, 5]).any()
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, -1] == 1).all()
    model = VAE(11, 2, binarise=True)
    assert math.isfinite(model.loss(grey[:5]).item())


@pytest.mark.parametrize("x", [np.full((2, 3), 0.5), torch.ones(2, 3, dtype=torch.int64), 0.5])
def test_only_a_tensor_of_real_numbers_can_be_binarised(x):
    with pytest.raises(ValueError, match="Tensor of real numbers"):
        binarise(x)


def test_a_pixel_of_which_the_decoder_is_wrongly_sure_costs_its_logit():
    model = VAE(3, 1, (), "bernoulli")
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.fill_(50.0)
        log_p = model.decode(torch.zeros(1, 1)).log_prob(torch.zeros(1, 3))
    assert log_p.item() == pytest.approx(-150)  # log(1 + e⁵⁰) is 50, to rounding


def test_a_very_narrow_q_has_a_finite_kl_and_gradient():
    log_sigma = torch.full((1, 2), -60.0, requires_grad=True)
    q = Independent(Normal(torch.zeros(1, 2), log_sigma.exp()), 1)
    kl = kl_to_prior(q).sum()
    kl.backward()
    assert kl.item() == pytest.approx(2 * (60 - 0.5))
    torch.testing.assert_close(log_sigma.grad, torch.full((1, 2), -1.0))


def test_no_code_is_lost_in_the_sum_of_many_in_single_precision(monkeypatch):
    # as with thousands of pixels: log p(x) is large, and rounded to a thousandth
    monkeypatch.setattr(VAE, "log_weights", lambda *args: torch.full(args[2].shape[:2], -11_000.0))
    monkeypatch.setattr(vae, "CHUNK", 1)  # one code at a time
    estimate = VAE(4, 2).log_likelihood(torch.zeros(3, 4), 5_000)
    torch.testing.assert_close(estimate, torch.full((3,), -11_000.0), rtol=0, atol=2e-3)


def test_log_likelihood_leaves_no_graph_and_elbo_does():
    model, x = model_and_data("gaussian")
    assert not model.log_likelihood(x, 3).requires_grad
    assert model.elbo(x).elbo.requires_grad


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data_dim": 4, "latent_dim": 5}, "Q ≤ D"),
        ({"data_dim": 4, "latent_dim": 0}, "whole numbers"),
        ({"data_dim": 4, "latent_dim": 2, "hidden": 400}, "sequence"),
        ({"data_dim": 4, "latent_dim": 2, "likelihood": "poisson"}, "'poisson'"),
        ({"data_dim": 4, "latent_dim": 2, "scale": 0.1}, "no scale"),
        ({"data_dim": 4, "latent_dim": 2, "likelihood": "laplace", "scale": 0}, "above 0"),
        ({"data_dim": 4, "latent_dim": 2, "likelihood": "gaussian", "scale": math.nan}, "above 0"),
        ({"data_dim": 4, "latent_dim": 2, "likelihood": "gaussian", "binarise": True}, "binarise"),
        ({"data_dim": 4, "latent_dim": 2, "activation": nn.ReLU()}, "without brackets"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        VAE(**settings)


@pytest.mark.parametrize("method", ["elbo", "log_likelihood"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x: x[0], r"shape \(B, 5\)"),
        (lambda x: x[:, :4], r"shape \(B, 5\)"),
        (lambda x: x.T, r"shape \(B, 5\)"),
        (lambda x: x.float(), "float64"),
        (lambda x: x.numpy(), "ndarray"),
        (lambda x: x[:0], "at least one row"),
        (lambda x: x.where(x > 0, torch.nan), "NaN"),
        (lambda x: x.where(x > 0, torch.inf), "infinity"),
    ],
)
def test_data_that_make_no_sense_are_refused(method, spoil, said):
    model, x = model_and_data("bernoulli")
    with pytest.raises(ValueError, match=said):
        getattr(model, method)(spoil(x))


def test_grey_pixels_under_a_bernoulli_are_refused_and_the_remedy_is_named():
    model, x = model_and_data("bernoulli")
    x[2, 3] = 0.5
    for refuse in (model.elbo, model.log_likelihood, model.loss):
        with pytest.raises(ValueError, match=r"in 1 of 6 rows: binarise x, or choose the gaussian"):
            refuse(x)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, 255.0])
def test_only_grey_values_from_0_to_1_can_be_binarised(value):
    x = torch.full((2, 3), 0.5)
    x[1, 1] = value
    with pytest.raises(ValueError, match=r"from 0 to 1.*1 of 6 places"):
        binarise(x)


@pytest.mark.parametrize("count", [0, -1, 2.0, True, None])
def test_a_number_of_samples_is_a_whole_number_from_one(count):
    model, x = model_and_data("gaussian")
    for method in (model.elbo, model.log_likelihood):
        with pytest.raises(ValueError, match="n_samples"):
            method(x, count)


@pytest.mark.parametrize(
    "z",
    [
        torch.zeros(3),
        torch.zeros(3, 5),
        torch.zeros(3, 2).double(),
        torch.zeros(2, 3, 5),
        np.zeros((2, 3, 2)),
        [1.0, 2.0],
    ],
)
def test_codes_of_another_shape_or_type_are_refused(z):
    with pytest.raises(ValueError, match="expected z"):
        VAE(5, 2).decode(z)
