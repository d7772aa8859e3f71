"""What page 11.4.10 says about grids of the prior, the cloud of all codes, and soft pictures."""

import math

import numpy as np
import pages
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from lecture_lib import VAE, fit
from lecture_lib.importance import effective_samples
from lecture_lib.vae import kl_to_prior

SOURCE = pages.source("11-4-10-manifolds-and-samples")

few = settings(deadline=None, max_examples=15)


@pytest.mark.equation("eq-inverse-cdf")
@few
@given(a=st.floats(-4, 4))
def test_equal_steps_of_u_have_equal_prior_mass(a):
    u = (np.arange(100_000) + 0.5) / 100_000
    z = norm.ppf(u)
    # both probabilities are shares of 100,000 equal steps, off by less than one step
    assert np.mean(z <= a) == pytest.approx(np.mean(u <= norm.cdf(a)), abs=1e-5)
    assert np.mean(z <= a) == pytest.approx(norm.cdf(a), abs=1e-5)


def test_the_inverse_cdf_of_uniform_numbers_is_standard_normal():
    z = norm.ppf(np.random.default_rng(0).uniform(size=20_000))
    # a fixed seed; the largest distance between the two distribution functions would exceed
    # 1.95 / √20,000 = 0.0138 once in a thousand times
    assert kstest(z, "norm").statistic < 0.0138
    # steps that are equal in z are seen to be wrong
    assert kstest(np.linspace(-3, 3, 20_000), "norm").statistic > 0.1


@pytest.mark.parametrize("n", [2, 5, 12])
def test_the_cells_of_the_grid_have_equal_mass_and_its_points_lie_in_their_middle(n):
    edges, steps = norm.ppf(np.linspace(0, 1, n + 1)), norm.ppf((np.arange(n) + 0.5) / n)
    mass = np.diff(norm.cdf(edges))
    np.testing.assert_allclose(np.outer(mass, mass), 1 / n**2, rtol=1e-12)  # rounding
    np.testing.assert_allclose(norm.cdf(steps) - norm.cdf(edges[:-1]), mass / 2, rtol=1e-9)


def clouds(n=12, spread=2.0, seed=0):
    """Gaussians q(z|x_i) in the plane, in float64."""
    generator = torch.Generator().manual_seed(seed)
    mean = spread * torch.randn(n, 2, generator=generator, dtype=torch.float64)
    sigma = 0.2 + torch.rand(n, 2, generator=generator, dtype=torch.float64)
    return Independent(Normal(mean, sigma), 1)


def grid(half=14.0, steps=561):
    side = torch.linspace(-half, half, steps, dtype=torch.float64)
    points = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).reshape(-1, 2)
    return points, (side[1] - side[0]).item() ** 2


def parts_of_the_kl(q):
    """The three terms of the equation, each as a sum over a grid."""
    z, cell = grid()
    log_each = q.log_prob(z[:, None])  # (grid, N)
    log_all = log_each.logsumexp(dim=1, keepdim=True) - math.log(log_each.shape[1])
    log_prior = Normal(0.0, 1.0).log_prob(z).sum(dim=1, keepdim=True)
    each = log_each.exp()

    def mean_kl(log_ratio):
        return (each * log_ratio).sum(dim=0).mean().item() * cell

    to_prior, information = mean_kl(log_each - log_prior), mean_kl(log_each - log_all)
    aggregate = (log_all.exp() * (log_all - log_prior)).sum().item() * cell
    return to_prior, information, aggregate


@pytest.mark.equation("eq-aggregate-kl")
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_the_kl_to_the_prior_has_two_parts(spread):
    q = clouds(spread=spread)
    to_prior, information, aggregate = parts_of_the_kl(q)
    # the grid's steps are a quarter of the smallest σ, where sums of Gaussians are exact to
    # rounding, and it goes 14 units out
    assert to_prior == pytest.approx(kl_to_prior(q).sum(dim=1).mean().item(), rel=1e-8)
    assert information + aggregate == pytest.approx(to_prior, rel=1e-8)
    assert -1e-9 <= information <= math.log(12)
    assert aggregate > 0


def test_codes_far_apart_tell_which_picture_they_are_of():
    generator = torch.Generator().manual_seed(0)
    corners = 6.0 * torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    q = Independent(Normal(corners, 0.3 + torch.rand(4, 2, generator=generator).double()), 1)
    # twelve units apart, at most 1.3 wide: nothing is left to confuse
    assert parts_of_the_kl(q)[1] == pytest.approx(math.log(4), abs=1e-6)


def test_the_pages_estimate_of_the_aggregates_part_is_that_of_the_grid():
    q = clouds()
    torch.manual_seed(0)
    mixture = MixtureSameFamily(Categorical(logits=torch.zeros(12, dtype=torch.float64)), q)
    z = mixture.sample((20_000,))
    excess = mixture.log_prob(z) - Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    error = excess.std().item() / math.sqrt(20_000)
    # four standard errors; the seed is fixed
    assert excess.mean().item() == pytest.approx(parts_of_the_kl(q)[2], abs=4 * error)


def test_the_circle_holds_what_the_page_says():
    z = np.random.default_rng(0).normal(size=(100_000, 2))
    radius = np.sqrt(2 * np.log(20))
    # a share of 100,000 draws has a standard error of 0.0007 at 0.05
    assert np.mean(np.linalg.norm(z, axis=1) > radius) == pytest.approx(0.05, abs=0.003)


@pytest.mark.equation("eq-best-decoder")
@few
@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), d=st.integers(1, 6))
def test_no_picture_serves_a_place_better_than_the_weighted_average(seed, n, d):
    rng = np.random.default_rng(seed)
    x, weight = rng.uniform(size=(n, d)), rng.exponential(size=n)
    best = (weight @ x) / weight.sum()

    def reconstruction(pi):
        return (weight[:, None] * (x * np.log(pi) + (1 - x) * np.log(1 - pi))).sum()

    at_best = reconstruction(best)
    for _ in range(20):
        other = 1 / (1 + np.exp(-rng.normal(size=d)))
        # by the KL divergence between the two, so never above but by rounding
        kl = best * np.log(best / other) + (1 - best) * np.log((1 - best) / (1 - other))
        expected = at_best - weight.sum() * kl.sum()
        assert reconstruction(other) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert reconstruction(other) <= at_best + 1e-9


def test_a_trained_decoder_approaches_the_weighted_average():
    # Four pictures of six pixels, of which the encoder is made to confuse two and two.
    x = torch.tensor(
        [[1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 1, 0], [0, 0, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1]]
    ).float()
    torch.manual_seed(0)
    model = VAE(6, 1, hidden=(16,))
    for values in model.encoder.parameters():
        values.requires_grad_(False).zero_()
    first, last = model.encoder[0], model.encoder[-1]
    first.weight[:2, 0] = torch.tensor([1.0, -1.0])  # ±, by the first pixel, through the ReLU
    first.bias[1] = 1.0
    last.weight[0, :2] = torch.tensor([3.0, -3.0])  # means 3 and −3
    last.bias[1] = math.log(0.5)
    q = model.encode(x)
    assert q.mean.flatten().tolist() == [3, 3, -3, -3]
    fit(model, x.repeat(200, 1), epochs=20, batch_size=50, learning_rate=1e-2, progress=False)

    z = torch.tensor([[3.0], [-3.0], [2.6]])
    log_q = q.log_prob(z[:, None]).T  # as on the page: (N, places)
    best = torch.softmax(log_q, dim=0).T @ x
    assert effective_samples(log_q).tolist() == pytest.approx([2, 2, 2], abs=1e-4)
    assert best[0].tolist() == pytest.approx([1, 0.5, 0.5, 0, 1, 0], abs=1e-4)
    with torch.no_grad():
        found = model.decode(z).mean
    # trained for 320 steps with noise in z: a few percent are left
    np.testing.assert_allclose(found, best, atol=0.08)


@few
@given(share=st.floats(0.01, 0.99), seed=st.integers(0, 10**6))
def test_rubbish_among_the_samples_costs_little_likelihood(share, seed):
    rng = np.random.default_rng(seed)
    log_better, log_rubbish = -1000 * rng.uniform(size=(2, 50))
    mixed = np.logaddexp(np.log(1 - share) + log_better, np.log(share) + log_rubbish)
    assert (log_better - mixed <= -np.log(1 - share) + 1e-9).all()  # rounding


@pytest.fixture(scope="module")
def glued():
    return pages.glued_by(SOURCE)


def test_the_page_reports_what_its_sections_are_about(glued):
    # codes leave part of the prior empty, and reach beyond it
    assert glued["manifold-outside"] > 5
    assert glued["manifold-rare"] > 1
    assert glued["manifold-gap"] + glued["manifold-information"] == pytest.approx(
        glued["manifold-kl"], rel=1e-6
    )
    # the map of pictures says more than one picture does
    assert glued["manifold-error-network"] < glued["manifold-error-mean-digit"]
    assert glued["manifold-error-average"] < glued["manifold-error-mean-digit"]
    # no copies: a sample is not much nearer to its nearest training digit than a new digit is
    assert glued["manifold-near-samples"] > 0.8 * glued["manifold-near-held-out"]


def test_the_winners_that_the_page_names_are_compared_in_words(glued):
    same = glued["manifold-best-likelihood"] == glued["manifold-best-judge"]
    assert glued["manifold-agree"] == ("the same one" if same else "not the same")
    lead, error = glued["manifold-face-lead"], glued["manifold-face-lead-se"]
    assert glued["manifold-face-verdict"] == (
        "within chance of" if abs(lead) <= 2 * error else "more than" if lead > 0 else "less than"
    )
