"""What page 11.4.9 says of the lecture's map: its density, its tear, and the map with a seam."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.stats import chisquare, kstest, lognorm, norm, rayleigh
from torch import nn

from lecture_lib import VAE, fit


def g(z):
    return z / 10 + z / np.linalg.norm(z, axis=-1, keepdims=True)


def seam(z):
    """The page's second map."""
    theta = 2 * np.pi * norm.cdf(z[..., 0])
    rho = 1 + np.sqrt(-2 * np.log1p(-norm.cdf(z[..., 1]))) / 10
    return rho[..., None] * np.stack([np.cos(theta), np.sin(theta)], axis=-1)


def radius_density(rho):
    """eq-ring-radius as the page prints it."""
    return np.where(rho > 1, 100 * (rho - 1) * np.exp(-50 * (rho - 1) ** 2), 0.0)


def ring_density(x):
    """eq-ring-density as the page prints it."""
    rho = np.linalg.norm(x, axis=-1)
    inside = 50 * (rho - 1) / (np.pi * rho) * np.exp(-50 * (rho - 1) ** 2)
    return np.where(rho > 1, inside, 0.0)


def draws(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 2))


def winding(push, steps=2001):
    turn = np.linspace(0, 2 * np.pi, steps)
    x = push(2 * np.stack([np.cos(turn), np.sin(turn)], axis=1))
    return np.diff(np.unwrap(np.arctan2(x[:, 1], x[:, 0]))).sum() / (2 * np.pi)


# ── change of variables ───────────────────────────────────────────────────────────────────────────

# rising and falling maps: g, its inverse and its slope
MAPS = {
    "exp": (np.exp, np.log, np.exp),
    "falling exp": (lambda z: np.exp(-z), lambda x: -np.log(x), lambda z: -np.exp(-z)),
    "affine": (lambda z: 3 - 2 * z, lambda x: (3 - x) / 2, lambda z: -2 + 0 * z),
    "sinh": (np.sinh, np.arcsinh, np.cosh),
}


@pytest.mark.equation("eq-change-of-variables")
@pytest.mark.parametrize("name", MAPS)
@given(ends=st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5)))
@settings(deadline=None, max_examples=20)
def test_an_interval_keeps_its_probability(name, ends):
    push, pull, slope = MAPS[name]
    low, high = sorted(ends)
    left, right = sorted([push(low), push(high)])

    def density(x):
        return norm.pdf(pull(x)) / abs(slope(pull(x)))

    # quad is asked for 1e-10
    mass = quad(density, left, right, epsabs=1e-10, limit=200)[0]
    assert mass == pytest.approx(norm.cdf(high) - norm.cdf(low), abs=1e-8)


@pytest.mark.equation("eq-change-of-variables")
def test_the_exponential_of_a_gaussian_is_log_normal():
    x = np.geomspace(0.01, 50, 40)
    # rounding of a logarithm and an exponential
    np.testing.assert_allclose(norm.pdf(np.log(x)) / x, lognorm.pdf(x, s=1), rtol=1e-12)


# ── the ring ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.equation("eq-ring-radius")
def test_the_radius_follows_its_density():
    assert quad(radius_density, 1, 3)[0] == pytest.approx(1, abs=1e-8)  # quad's tolerance
    rho = np.linalg.norm(g(draws(50_000, 0)), axis=1)
    edges = np.linspace(1, 1.5, 51)
    expected = [50_000 * quad(radius_density, *edges[k : k + 2])[0] for k in range(50)]
    expected, counts = np.array(expected), np.histogram(rho, edges)[0]
    enough = expected >= 5
    rest = 50_000 - counts[enough].sum(), 50_000 - expected[enough].sum()
    seen, hoped = np.append(counts[enough], rest[0]), np.append(expected[enough], rest[1])
    # one seed in a thousand would fail; this one is fixed
    assert chisquare(seen, hoped).pvalue > 1e-3
    # the test has the power to refuse a density that is 3 % too wide
    wider = [50_000 * np.diff(rayleigh.cdf((edges[k : k + 2] - 1) / 0.103))[0] for k in range(50)]
    wider = np.array(wider)[enough]
    wider = np.append(wider, 50_000 - wider.sum())
    assert chisquare(seen, wider).pvalue < 1e-6


@pytest.mark.equation("eq-ring-radius")
def test_the_radius_is_rayleighs_with_change_of_variables():
    rho = np.linspace(1.01, 1.6, 40)
    # rounding of ρ − 1
    np.testing.assert_allclose(radius_density(rho), 10 * rayleigh.pdf(10 * (rho - 1)), rtol=1e-12)


@pytest.mark.equation("eq-ring-density")
@given(seed=st.integers(0, 999))
@settings(deadline=None, max_examples=20)
def test_the_density_is_the_priors_over_the_determinant(seed):
    z = draws(1, seed)[0]
    matrix = torch.autograd.functional.jacobian(
        lambda z: z / 10 + z / z.norm(), torch.as_tensor(z)
    ).numpy()
    expected = norm.pdf(z).prod() / abs(np.linalg.det(matrix))
    # ρ − 1 = r/10 loses digits for a small r, of which there is none below 1e-3 here
    assert ring_density(g(z)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.equation("eq-ring-density")
def test_cells_of_the_plane_hold_what_the_density_expects():
    n = 100_000
    x = g(draws(n, 1))
    for a, b in [(0.9, 0.3), (-1.1, 0.1), (0.7, 0.7), (0.0, -1.2)]:
        share, _ = dblquad(lambda v, u: ring_density(np.array([u, v])), a, a + 0.2, b, b + 0.2,
                           epsabs=1e-5)  # fmt: skip
        inside = ((x >= [a, b]) & (x < [a + 0.2, b + 0.2])).all(axis=1).sum()
        assert share > 0.002
        # five standard deviations of a binomial
        assert abs(inside - n * share) < 5 * np.sqrt(n * share * (1 - share))


@pytest.mark.equation("eq-ring-density")
def test_the_edge_is_zero_and_so_is_the_inside():
    assert ring_density(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 0.3]])).tolist() == [0, 0, 0]
    # just outside it is already higher than anywhere in the ball
    assert ring_density(np.array([[1.02, 0.0]]))[0] > 1 / (2 * np.pi)


# ── tear and seam ─────────────────────────────────────────────────────────────────────────────────


def test_the_map_with_a_seam_makes_the_same_ring_without_a_tear():
    z = draws(20_000, 2)
    x, y = seam(z), g(draws(20_000, 3))
    assert np.linalg.norm(x, axis=1).min() > 1
    for push, points in ((seam, x), (g, y)):
        rho, angle = np.linalg.norm(points, axis=1), np.arctan2(*points.T) / (2 * np.pi) + 0.5
        # as above, one seed in a thousand
        assert kstest(rho, lambda c: rayleigh.cdf(10 * (c - 1))).pvalue > 1e-3, push
        assert kstest(angle, "uniform").pvalue > 1e-3
        assert abs(np.corrcoef(rho, angle)[0, 1]) < 4 / np.sqrt(len(rho))
    # continuous: a small step leads to a small step, at the centre too
    near = seam(np.array([[1e-6, 0.0], [-1e-6, 0.0], [0.0, 1e-6]]))
    assert np.linalg.norm(near - near[0], axis=1).max() < 1e-4


def test_the_lectures_map_winds_once_and_the_seam_not_at_all():
    # whole numbers, up to rounding of a sum of 2,000 angles
    assert winding(g) == pytest.approx(1, abs=1e-9)
    assert winding(seam) == pytest.approx(0, abs=1e-9)


@given(e=st.floats(0.05, 2.0), angle=st.floats(0, 6.28), rho=st.floats(0, 0.9))
@settings(deadline=None, max_examples=30)
def test_the_rounded_tear_covers_the_whole_hole(e, angle, rho):
    def push(r):
        return r / 10 + r / np.hypot(r, e)

    # it rises along each ray from 0 to beyond 1, so every place of the hole is met on the way
    radii = np.linspace(0, 30, 10_001)
    assert (np.diff(push(radii)) > 0).all()
    assert push(radii[0]) <= rho <= push(radii[-1])
    # the page: its stretch at zero
    assert push(1e-7) / 1e-7 == pytest.approx(0.1 + 1 / e, rel=1e-6)


def test_any_network_that_winds_covers_the_centre_of_the_hole():
    """If the edge of a disc winds around zero, some z of the disc is mapped to it."""
    grid = np.stack(np.meshgrid(*[np.linspace(-2, 2, 401)] * 2), axis=-1).reshape(-1, 2)
    grid = grid[np.linalg.norm(grid, axis=1) <= 2]
    wound = 0
    for seed in range(20):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)).double()

        def push(z, model=model):
            with torch.no_grad():
                return model(torch.as_tensor(z)).numpy()

        if round(winding(push)) != 0:
            wound += 1
            matrices = [m.weight.detach().numpy() for m in model if isinstance(m, nn.Linear)]
            slope = np.linalg.norm(matrices[0], 2) * np.linalg.norm(matrices[1], 2)
            # some z is mapped to zero; the nearest node is at most √2 · 0.005 away from it, or
            # twice that at the rim, and the image no further than the slope allows
            nearest = np.linalg.norm(push(grid), axis=1).min()
            assert nearest <= slope * 2 * np.sqrt(2) * 0.005
    assert wound >= 3  # otherwise nothing was tested


# ── a VAE of the ring ─────────────────────────────────────────────────────────────────────────────


def test_a_vae_that_starts_as_wide_as_the_ring_collapses_to_one_gaussian():
    x = g(draws(2_000, 4))
    torch.manual_seed(0)
    vae = VAE(2, 2, hidden=(32, 32), likelihood="gaussian")
    fit(vae, x, epochs=15, learning_rate=0.01)
    with torch.no_grad():
        kl = vae.elbo(torch.as_tensor(x, dtype=torch.float32)).kl.mean().item()
    assert kl < 0.01
    # its optimum; the noise of Adam's last steps is below a percent
    assert vae.log_scale.exp().item() == pytest.approx(np.sqrt(np.mean(x**2)), rel=0.02)
