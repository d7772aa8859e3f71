"""What page 11.4.5 says about Bernoulli, Gaussian and Laplacian likelihoods."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import laplace, norm

from lecture_lib import VAE, fit
from lecture_lib.vae import binarise, kl_to_prior

seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=15)
# Both sides are float64 sums of some dozen terms; a wrong factor or sign shows in the first digits.
exact = {"rel": 1e-9, "abs": 1e-9}


def model(likelihood, D=4, Q=2, scale=None, seed=0):
    """A small model in float64, whose decoder has random weights large enough to matter."""
    torch.manual_seed(seed)
    made = VAE(D, Q, (8,), likelihood, scale=scale).double()
    with torch.no_grad():
        for weight in made.decoder.parameters():
            weight.mul_(3)
    return made


def density_of_one(likelihood, scale=None, seed=0):
    """The likelihood of a single real number, as a plain function of it."""
    made = model(likelihood, D=1, Q=1, scale=scale, seed=seed)
    z = torch.randn(1, 1, dtype=torch.float64)
    p = made.decode(z)
    return (lambda x: p.log_prob(torch.full((1, 1), x, dtype=torch.float64)).exp().item()), p.mean


@pytest.mark.equation("eq-lik-bernoulli")
@few
@given(seed=seeds)
def test_bernoulli_term_by_term_and_its_probabilities_sum_to_one(seed):
    made = model("bernoulli", D=3, seed=seed)
    p_z = made.decode(torch.randn(1, 2, dtype=torch.float64))
    p = p_z.mean[0].tolist()
    total = 0.0
    for x in np.ndindex(2, 2, 2):
        by_hand = sum(a * np.log(b) + (1 - a) * np.log1p(-b) for a, b in zip(x, p, strict=True))
        value = p_z.log_prob(torch.tensor([x], dtype=torch.float64)).item()
        assert value == pytest.approx(by_hand, **exact)
        assert value <= 0
        total += np.exp(value)
    assert total == pytest.approx(1, **exact)


@pytest.mark.parametrize(
    ("likelihood", "scipy_density"),
    [
        pytest.param("gaussian", norm, marks=pytest.mark.equation("eq-lik-gaussian")),
        pytest.param("laplace", laplace, marks=pytest.mark.equation("eq-laplace")),
    ],
)
@pytest.mark.parametrize("scale", [0.05, 1.0, 7.0])
def test_real_likelihoods_term_by_term_with_their_constants(likelihood, scipy_density, scale):
    made = model(likelihood, scale=scale)
    rng = np.random.default_rng(0)
    p = made.decode(torch.as_tensor(rng.normal(size=(5, 2))))
    x = rng.normal(size=(5, 4))
    x_hat = p.mean.detach().numpy()
    if likelihood == "gaussian":
        printed = -((x - x_hat) ** 2).sum(1) / (2 * scale**2)
        printed -= 4 / 2 * np.log(2 * np.pi * scale**2)
    else:
        printed = -np.abs(x - x_hat).sum(1) / scale - 4 * np.log(2 * scale)
    value = p.log_prob(torch.as_tensor(x)).detach().numpy()
    # the scale is stored as a logarithm in float32: 1e-7, times 1/σ² in the exponent
    np.testing.assert_allclose(value, printed, rtol=1e-5)
    by_scipy = scipy_density.logpdf(x, loc=x_hat, scale=scale).sum(1)
    np.testing.assert_allclose(value, by_scipy, rtol=1e-5)


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [0.05, 1.0, 3.0])
def test_densities_integrate_to_one(likelihood, scale):
    density, centre = density_of_one(likelihood, scale)
    m = centre.item()
    # 40 scales hold all but e⁻⁴⁰ of the mass; the kink of the Laplacian is given to the quadrature
    area = quad(density, m - 40 * scale, m + 40 * scale, points=[m], limit=200)[0]
    assert area == pytest.approx(1, abs=1e-7)


@pytest.mark.equation("eq-rescale")
@few
@given(seed=seeds, a=st.floats(0.01, 300), likelihood=st.sampled_from(["gaussian", "laplace"]))
def test_another_unit_shifts_likelihood_and_bound_by_minus_D_log_a(seed, a, likelihood):
    made = model(likelihood, seed=seed % 1000)
    x = torch.as_tensor(np.random.default_rng(seed).normal(size=(6, 4)))
    # The same model in the other unit: what enters is divided by a, what comes out multiplied.
    torch.manual_seed(seed)
    before = made.elbo(x)
    with torch.no_grad():
        made.encoder[0].weight.div_(a)
        made.decoder[-1].weight.mul_(a)
        made.decoder[-1].bias.mul_(a)
        made.log_scale.add_(np.log(a))
    torch.manual_seed(seed)
    after = made.elbo(a * x)
    for part in ("elbo", "reconstruction"):
        shift = (getattr(after, part) - getattr(before, part)).detach().numpy()
        np.testing.assert_allclose(shift, -4 * np.log(a), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(after.kl.detach(), before.kl.detach(), rtol=1e-9)


def test_a_density_can_exceed_one_and_its_loss_be_negative():
    made = model("gaussian", scale=0.01)
    with torch.no_grad():
        for weight in made.parameters():
            weight[...] = 0 if weight.requires_grad else weight
    assert made.loss(torch.zeros(3, 4, dtype=torch.float64)) < 0
    certain = model("bernoulli")
    x = torch.randint(0, 2, (50, 4)).double()
    assert (certain.elbo(x).elbo <= 0).all()


@pytest.mark.equation("eq-dequantise")
@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("family", [norm, laplace])
@pytest.mark.parametrize("k", [0, 1, -2])
def test_dequantised_density_bounds_the_probability_of_the_level(scale, family, k):
    density = family(0.4, scale)
    log_p = density.logcdf(k + 0.5)  # log(cdf(k + ½) − cdf(k − ½)), without underflow
    log_p += np.log1p(-np.exp(density.logcdf(k - 0.5) - log_p))
    # in halves that meet at the kink of the Laplacian, if that is in the cell
    cuts = [-0.5, 0.4 if k == 0 else 0.0, 0.5]
    expected = sum(quad(lambda u: density.logpdf(k + u), *cuts[i : i + 2])[0] for i in (0, 1))
    assert expected <= log_p + 1e-9  # rounding
    assert log_p <= 0


def test_dequantising_loses_nothing_where_the_density_is_level_over_a_cell():
    level = laplace(0, 1e6)
    expected = quad(lambda u: level.logpdf(5 + u), -0.5, 0.5)[0]
    # it changes by a factor of 1e-6 over the cell
    assert expected == pytest.approx(np.log(level.cdf(5.5) - level.cdf(4.5)), abs=1e-6)


@pytest.mark.equation("eq-bce-normaliser")
@pytest.mark.parametrize("p", [0.001, 0.1, 0.3, 0.49, 0.51, 0.9, 0.999])
def test_cross_entropy_of_grey_values_does_not_integrate_to_one(p):
    area = quad(lambda x: p**x * (1 - p) ** (1 - x), 0, 1)[0]
    logit = np.log(p / (1 - p))
    # near p = ½ both numerator and denominator vanish, which costs some digits
    assert area == pytest.approx((2 * p - 1) / logit, rel=1e-9)
    assert area == pytest.approx((1 - p) * np.expm1(logit) / logit, rel=1e-9)
    assert 0 < area < 1
    assert -np.log(area) > 0
    # and PyTorch's continuous Bernoulli is what is left after division by it
    density = torch.distributions.ContinuousBernoulli(torch.tensor(p, dtype=torch.float64))
    x = torch.tensor([0.0, 0.2, 0.7, 1.0], dtype=torch.float64)
    unnormalised = x * np.log(p) + (1 - x) * np.log1p(-p)
    # PyTorch uses a Taylor series for p from 0.499 to 0.501 only, none of these
    np.testing.assert_allclose(density.log_prob(x), unnormalised - np.log(area), rtol=1e-6)


def test_the_normaliser_is_one_half_in_the_middle_and_less_elsewhere():
    assert quad(lambda x: 0.5**x * 0.5 ** (1 - x), 0, 1)[0] == pytest.approx(0.5)
    grid = np.linspace(0.01, 0.49, 30)
    area = (2 * grid - 1) / np.log(grid / (1 - grid))
    assert (np.diff(area) > 0).all()
    assert area[-1] < 0.5
    extreme = (2 * 1e-300 - 1) / np.log(1e-300)
    assert extreme < 0.002  # it nears zero, as 1 / |logit|


@pytest.mark.equation("eq-binarise")
@few
@given(seed=seeds)
def test_cross_entropy_of_grey_values_is_the_mean_over_binary_draws(seed):
    made = model("bernoulli", D=3, seed=seed % 1000)
    rng = np.random.default_rng(seed)
    grey = rng.uniform(size=3)
    p = made.decode(torch.as_tensor(rng.normal(size=(1, 2))))
    # every outcome with its probability: no sampling error is left
    mean = 0.0
    for b in np.ndindex(2, 2, 2):
        chance = np.prod(np.where(b, grey, 1 - grey))
        mean = mean + chance * p.log_prob(torch.tensor([b], dtype=torch.float64))
    q = p.mean
    x = torch.as_tensor(grey)
    right = (x * q.log() + (1 - x) * (1 - q).log()).sum()
    assert mean.item() == pytest.approx(right.item(), **exact)
    # so the decoder's gradients agree too
    weight = made.decoder[-1].weight
    of_draws = torch.autograd.grad(mean.sum(), weight, retain_graph=True)[0]
    of_grey = torch.autograd.grad(right, weight)[0]
    np.testing.assert_allclose(of_draws, of_grey, rtol=1e-8, atol=1e-10)


@pytest.mark.equation("eq-grey-bound")
@pytest.mark.parametrize("seed", range(5))
def test_cross_entropy_minus_kl_bounds_the_log_probability_of_the_draws(seed):
    made = model("bernoulli", D=3, Q=1, seed=seed)
    x = torch.as_tensor(np.random.default_rng(seed).uniform(size=(1, 3)))
    q = made.encode(x)
    # a grid that holds all of prior and q: the sums are the integrals, up to far less than the gap
    z = torch.linspace(-12, 12, 20_001, dtype=torch.float64)[:, None]
    step = z[1] - z[0]
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).exp()[:, 0]
    q_z = q.log_prob(z[:, None]).exp()[:, 0]
    assert (q_z.sum() * step).item() == pytest.approx(1, abs=1e-6)
    left = expected = 0.0
    for b in np.ndindex(2, 2, 2):
        chance = torch.where(torch.tensor(b, dtype=torch.bool), x[0], 1 - x[0]).prod()
        given_z = made.decode(z).log_prob(torch.tensor([b], dtype=torch.float64))
        left += chance * (given_z.exp() * prior).sum().mul(step).log()
        expected += chance * (given_z * q_z).sum() * step
    logits = made.decoder(z)
    log_p, log_not_p = (torch.nn.functional.logsigmoid(a) for a in (logits, -logits))
    cross_entropy = (x * log_p + (1 - x) * log_not_p).sum(dim=1)
    assert expected.item() == pytest.approx((cross_entropy * q_z).sum().mul(step).item(), **exact)
    right = expected - kl_to_prior(q).sum()
    assert right < left


def test_draws_have_the_grey_value_as_their_mean():
    torch.manual_seed(0)
    grey = torch.linspace(0, 1, 11).expand(20_000, -1)
    drawn = binarise(grey)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    # a standard error of at most ½ / √20,000 = 0.0035: five of them
    np.testing.assert_allclose(drawn.mean(0), grey[0], atol=0.018)


def test_a_bernoulli_refuses_grey_pixels():
    x = torch.tensor([[0, 0, 1, 1], [0.5, 0, 0, 0], [1, 1, 0.1, 1]], dtype=torch.float64)
    certain = model("bernoulli")
    with pytest.raises(ValueError, match=r"zeros and ones.*2 of 3 rows: binarise"):
        certain.elbo(x)


@pytest.mark.parametrize(
    ("likelihood", "deviation"),
    [
        pytest.param(
            "gaussian",
            lambda r: np.sqrt((r**2).mean()),
            marks=pytest.mark.equation("eq-optimal-sigma"),
        ),
        pytest.param(
            "laplace",
            lambda r: np.abs(r).mean(),
            marks=pytest.mark.equation("eq-optimal-laplace"),
        ),
    ],
)
def test_the_best_scale_is_the_mean_deviation(likelihood, deviation):
    made = model(likelihood, D=3)
    x = torch.as_tensor(np.random.default_rng(0).normal(size=(7, 3)))
    with torch.no_grad():
        z = made.encode(x).sample((50,))
        r = (x - made.decode(z).mean).numpy()
        printed = deviation(r)

        def minus_bound(log_scale):
            made.log_scale.fill_(log_scale)
            return -made.decode(z).log_prob(x).mean().item()

        found = minimize_scalar(minus_bound, bracket=(-1, 1), tol=1e-10)
    # a minimum is known to the root of the rounding of its value
    assert np.exp(found.x) == pytest.approx(printed, rel=1e-6)


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace"])
def test_training_finds_the_best_scale(likelihood):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 1)) @ rng.normal(size=(1, 4)) + 0.3 * rng.normal(size=(500, 4))
    torch.manual_seed(0)
    made = VAE(4, 1, (16,), likelihood)
    fit(made, x, epochs=40, batch_size=50, learning_rate=1e-2, progress=False, device="cpu")
    rows = torch.as_tensor(x, dtype=torch.float32)
    torch.manual_seed(1)
    with torch.no_grad():
        r = (rows - made.decode(made.encode(rows).sample((20,))).mean).numpy()
    best = np.sqrt((r**2).mean()) if likelihood == "gaussian" else np.abs(r).mean()
    # measured: 2 % off after 400 steps; a σ² learned in place of σ would be off by 70 %
    assert made.log_scale.exp().item() == pytest.approx(best, rel=0.08)


def test_squared_error_is_the_gaussian_with_variance_one_half():
    made = model("gaussian", scale=0.5**0.5)
    x = torch.as_tensor(np.random.default_rng(0).normal(size=(5, 4)))
    p = made.decode(torch.randn(5, 2, dtype=torch.float64))
    squared = (x - p.mean).square().sum(1) + 4 / 2 * np.log(np.pi)
    # the logarithm of σ is stored in float32
    np.testing.assert_allclose(-p.log_prob(x).detach(), squared.detach(), rtol=1e-6)


@pytest.mark.equation("eq-which-scale")
@pytest.mark.parametrize("tail", [0.5, 1.0, 1.5, 2.0, 5.0])
def test_the_ratio_of_the_scales_says_which_density_fits(tail):
    r = np.random.default_rng(0).normal(size=2000)
    r = np.sign(r) * np.abs(r) ** tail  # lighter and heavier tails
    s, b = np.sqrt((r**2).mean()), np.abs(r).mean()
    gaussian, laplacian = norm.logpdf(r, scale=s).mean(), laplace.logpdf(r, scale=b).mean()
    assert gaussian == pytest.approx(-np.log(2 * np.pi * np.e * s**2) / 2, **exact)
    assert laplacian == pytest.approx(-np.log(2 * np.e * b), **exact)
    assert (laplacian > gaussian) == (b / s < np.sqrt(np.pi / (2 * np.e)))


@pytest.fixture(scope="module")
def failing_sensors():
    """Held-out bounds of both densities, with clean and with failing readings, as on the page."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(1, 6))
    bounds = {}
    for share in (0.0, 0.08):
        x = rng.normal(size=(2000, 1)) @ W + 0.2 * rng.normal(size=(2000, 6))
        x += 2 * (rng.random((2000, 6)) < share) * rng.normal(size=(2000, 6))
        for likelihood in ("gaussian", "laplace"):
            torch.manual_seed(0)
            made = VAE(6, 1, (16,), likelihood)
            fit(made, x[:1000], epochs=25, batch_size=50, learning_rate=1e-2, device="cpu")
            with torch.no_grad():
                rows = torch.as_tensor(x[1000:], dtype=torch.float32)
                bounds[share, likelihood] = made.elbo(rows, n_samples=5).elbo.numpy()
    return bounds


@pytest.mark.parametrize(("share", "better"), [(0.0, "gaussian"), (0.08, "laplace")])
def test_each_density_wins_on_the_data_that_it_suits(failing_sensors, share, better):
    worse = "laplace" if better == "gaussian" else "gaussian"
    gain = failing_sensors[share, better] - failing_sensors[share, worse]
    # of the same points, so what is hard for both cancels; five standard errors are no luck
    assert gain.mean() > 5 * gain.std(ddof=1) / np.sqrt(len(gain))


def test_what_a_gaussian_pays_for_the_noise_of_dequantisation():
    floor = np.log(2 * np.pi * np.e / 12) / 2
    for centre, scale in [(0, 12**-0.5), (0, 0.2), (0, 0.5), (0.3, 12**-0.5)]:
        cost = -quad(norm(centre, scale).logpdf, -0.5, 0.5)[0]
        assert cost >= floor - 1e-12  # rounding
        assert (cost == pytest.approx(floor)) == (centre == 0 and scale == 12**-0.5)
