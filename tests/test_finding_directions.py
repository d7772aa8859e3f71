"""The claims of page 11.3.2: what weight decay and orthonormality settle, and the loss surface."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares, minimize
from torch.nn.utils.parametrizations import orthogonal

from lecture_lib import LinearAutoencoder, fit

# Both sides are float64 sums of at most some hundred terms: they agree to about 1e-14.
close = {"rtol": 1e-10, "atol": 1e-10}


def orthonormal(rng, rows, columns):
    return np.linalg.qr(rng.normal(size=(rows, columns))).Q


class Problem:
    """Random data with a mean, their variances s2 along the columns of U, and random maps A, B."""

    def __init__(self, N, D, Q, mu, seed=0):
        self.N, self.D, self.Q, self.mu = N, D, Q, mu
        self.rng = rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)
        self.x_bar = self.X.mean(axis=0)
        self.cov = (self.X - self.x_bar).T @ (self.X - self.x_bar) / N
        self.s2, self.U = (a[..., ::-1] for a in np.linalg.eigh(self.cov))
        self.s2 = self.s2.clip(min=0)  # rounding can push a zero below zero
        self.A, self.B = rng.normal(size=(Q, D)), rng.normal(size=(D, Q))
        self.mu = mu * self.s2[0]

    def shrunk(self):
        """Return c*, one entry for each of the D directions."""
        c = np.zeros(self.D)
        on = (np.arange(self.D) < self.Q) & (self.s2 > self.mu)
        c[on] = 1 - self.mu / self.s2[on]
        return c

    def optimum(self):
        """Return A and B of the formula, with a random rotation of the codes."""
        turn = orthonormal(self.rng, self.Q, self.Q)
        B = self.U[:, : self.Q] * np.sqrt(self.shrunk()[: self.Q]) @ turn
        return B.T, B

    def model(self, A, B):
        """Return a LinearAutoencoder with these maps, a random offset a and the best b."""
        model = LinearAutoencoder(self.D, self.Q, weight_decay=self.mu).double()
        a = self.rng.normal(size=self.Q)
        b = self.x_bar - B @ (A @ self.x_bar + a)
        with torch.no_grad():
            for layer, weight, bias in ((model.encoder, A, a), (model.decoder, B, b)):
                layer.weight.copy_(torch.as_tensor(weight.copy()))
                layer.bias.copy_(torch.as_tensor(bias))
        return model

    def loss(self, A, B):
        """Return the loss with the best offset."""
        rest = np.eye(self.D) - B @ A
        return np.trace(rest @ self.cov @ rest.T) + self.mu * ((A**2).sum() + (B**2).sum())

    def gradient(self, A, B):
        E = (np.eye(self.D) - B @ A) @ self.cov
        return 2 * (self.mu * A - B.T @ E), 2 * (self.mu * B - E @ A.T)

    def least(self):
        return self.s2.sum() - (self.s2 * self.shrunk() ** 2)[: self.Q].sum()


# The price is a share of the largest variance. The third has fewer points than dimensions, so some
# variances are zero; in the last the price switches directions off.
CASES = [(40, 5, 2, 0.01), (30, 4, 3, 0.001), (4, 6, 3, 0.02), (50, 5, 4, 0.3)]


@pytest.fixture(params=CASES, ids="N{0[0]}-D{0[1]}-Q{0[2]}-mu{0[3]}".format)
def p(request):
    return Problem(*request.param)


# ── weight decay ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.equation("eq-decay-loss")
def test_loss_with_weight_decay(p):
    model = p.model(p.A, p.B)
    a, b = model.encoder.bias.detach().numpy(), model.decoder.bias.detach().numpy()
    error = sum(np.linalg.norm(p.B @ (p.A @ x + a) + b - x) ** 2 for x in p.X)
    price = sum(w**2 for w in [*p.A.flat, *p.B.flat])
    loss = model.loss(torch.as_tensor(p.X)).item()
    np.testing.assert_allclose(loss, error / p.N + p.mu * price, **close)
    # the same minimum with a sum over points: the price is N times as high
    np.testing.assert_allclose(p.N * loss, error + (p.N * p.mu) * price, **close)
    np.testing.assert_allclose(loss, p.loss(p.A, p.B), **close)  # the offset was the best one


@pytest.mark.equation("eq-decay-error")
def test_error_is_a_sum_over_directions(p):
    C = p.B @ p.A
    by_points = np.mean([np.linalg.norm((x - p.x_bar) - C @ (x - p.x_bar)) ** 2 for x in p.X])
    by_directions = sum(
        s * np.linalg.norm(v - C @ v) ** 2 for s, v in zip(p.s2, p.U.T, strict=True)
    )
    np.testing.assert_allclose(by_points, by_directions, **close)


@pytest.mark.equation("eq-decay-price")
@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000))
def test_a_product_costs_at_least_twice_its_singular_values(D, Q, seed):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(Q, D)), rng.normal(size=(D, Q)) * rng.exponential()

    def price(A, B):
        return (A**2).sum() + (B**2).sum()

    p, c, qT = np.linalg.svd(B @ A)
    assert price(A, B) >= 2 * c.sum() - 1e-10
    k = min(D, Q)
    root = np.sqrt(c[:k])
    A_cheap, B_cheap = root[:, None] * qT[:k], p[:, :k] * root
    np.testing.assert_allclose(B_cheap @ A_cheap, B @ A, **close)
    np.testing.assert_allclose(price(A_cheap, B_cheap), 2 * c.sum(), **close)
    turn = orthonormal(rng, k, k)
    np.testing.assert_allclose(price(turn.T @ A_cheap, B_cheap @ turn), 2 * c.sum(), **close)
    assert price(2 * A_cheap, B_cheap / 2) > 2.1 * c.sum()  # 4 + 1/4 against 2


@pytest.mark.equation("eq-decay-scalar")
@pytest.mark.parametrize("s2", [0.05, 0.3, 1.0, 7.0])
def test_one_direction_alone(s2):
    mu = 0.3
    c = max(0.0, 1 - mu / s2)
    grid = np.linspace(0, 2, 20_001)
    cost = s2 * (1 - grid) ** 2 + 2 * mu * grid
    assert abs(grid[cost.argmin()] - c) <= 1e-4  # the spacing of the grid
    assert s2 * (1 - c) ** 2 + 2 * mu * c <= cost.min() + 1e-15


@pytest.mark.equation("eq-decay-stationary")
def test_gradients_against_autograd(p):
    model = p.model(p.A, p.B)
    model.loss(torch.as_tensor(p.X)).backward()
    by_A, by_B = p.gradient(p.A, p.B)
    scale = {"rtol": 1e-9, "atol": 1e-9 * np.abs(by_A).max()}
    np.testing.assert_allclose(model.encoder.weight.grad.numpy(), by_A, **scale)
    np.testing.assert_allclose(model.decoder.weight.grad.numpy(), by_B, **scale)
    # the equations are those of a gradient that is zero
    A, B = p.optimum()
    E = (np.eye(p.D) - B @ A) @ p.cov
    np.testing.assert_allclose(p.mu * A, B.T @ E, **close)
    np.testing.assert_allclose(p.mu * B, E @ A.T, **close)


def test_a_step_shrinks_the_imbalance_by_the_price(p):
    eta = 0.01 / p.s2[0]
    by_A, by_B = p.gradient(p.A, p.B)
    A, B = p.A - eta * by_A, p.B - eta * by_B
    before, after = p.A @ p.A.T - p.B.T @ p.B, A @ A.T - B.T @ B
    second_order = eta**2 * (by_A @ by_A.T - by_B.T @ by_B)
    scale = {"rtol": 0, "atol": 1e-12 * np.abs(before).max()}
    np.testing.assert_allclose(after - second_order, (1 - 4 * eta * p.mu) * before, **scale)
    assert 4 * eta * p.mu > 1e-5  # far above the tolerance: without the factor this test fails


def unpacked(p, w):
    return w[: p.Q * p.D].reshape(p.Q, p.D), w[p.Q * p.D :].reshape(p.D, p.Q)


def descended(p):
    """Go down from a random start with another method than the book's, to rounding."""

    def value_and_slope(w):
        A, B = unpacked(p, w)
        return p.loss(A, B), np.concatenate([g.ravel() for g in p.gradient(A, B)])

    start = p.rng.normal(size=2 * p.Q * p.D)
    options = {"maxiter": 5000, "gtol": 1e-9}
    return unpacked(p, minimize(value_and_slope, start, jac=True, options=options).x)


def test_the_steps_of_the_proof_hold_where_the_gradient_vanishes(p):
    A, B = descended(p)
    # BFGS stops at a slope of 1e-9 or where rounding hides the loss. The second factor of step 3 is
    # a slope divided by mu, so the steps hold to a few digits less than the slope.
    near = {"atol": 1e-4 * np.sqrt(p.s2[0])}
    C = B @ A
    E = (np.eye(p.D) - C) @ p.cov
    E_near = {"atol": 1e-4 * p.s2[0]}
    np.testing.assert_allclose(E, E.T, **E_near)
    assert np.linalg.eigvalsh((E + E.T) / 2).min() > -1e-4 * p.s2[0]
    np.testing.assert_allclose(B, A.T, **near)
    np.testing.assert_allclose(C @ p.cov, p.cov @ C, **E_near)


def test_every_choice_of_directions_is_stationary_and_the_top_ones_are_best(p):
    worth = [j for j in range(p.D) if p.s2[j] > p.mu]
    losses = {}
    for size in range(min(p.Q, len(worth)) + 1):
        for chosen in combinations(worth, size):
            B = np.zeros((p.D, p.Q))
            B[:, :size] = p.U[:, chosen] * np.sqrt(1 - p.mu / p.s2[list(chosen)])
            for slope in p.gradient(B.T, B):
                np.testing.assert_allclose(slope, 0, atol=1e-9 * p.s2[0])
            losses[chosen] = p.loss(B.T, B)
            gain = sum((p.s2[j] - p.mu) ** 2 / p.s2[j] for j in chosen)
            np.testing.assert_allclose(losses[chosen], p.s2.sum() - gain, **close)
    best = min(losses, key=losses.get)
    assert best == tuple(range(min(p.Q, len(worth))))
    np.testing.assert_allclose(losses[best], p.least(), **close)


@pytest.mark.equation("eq-decay-optimum")
def test_the_optimum_is_an_svd_with_the_directions_in_it(p):
    A, B = p.optimum()
    for slope in p.gradient(A, B):
        np.testing.assert_allclose(slope, 0, atol=1e-9 * p.s2[0])
    left, sizes, _ = np.linalg.svd(B, full_matrices=False)
    c = p.shrunk()[: p.Q]
    np.testing.assert_allclose(sizes**2, c, **close)
    on = c > 0
    cosines = np.abs((left * p.U[:, : p.Q]).sum(axis=0))
    np.testing.assert_allclose(cosines[on], 1, **close)
    assert on.any()


def test_the_cases_keep_what_the_comment_says():
    on = [int((Problem(*case).shrunk() > 0).sum()) for case in CASES]
    assert on[:2] == [2, 3]
    assert 0 < on[3] < CASES[3][2]
    assert Problem(*CASES[2]).s2[-1] < 1e-12


@pytest.mark.equation("eq-decay-least")
def test_descent_from_random_starts_ends_at_the_formula(p):
    A, B = p.optimum()
    np.testing.assert_allclose(p.loss(A, B), p.least(), **close)
    for _ in range(3):
        # near a minimum the loss is off by the square of what the weights are off
        np.testing.assert_allclose(p.loss(*descended(p)), p.least(), rtol=1e-7)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 6), st.data(), st.floats(0.001, 1.5), st.floats(0, 2), st.integers(0, 10_000))
def test_no_maps_do_better_than_the_formula(D, data, mu, away, seed):
    Q = data.draw(st.integers(1, D - 1))
    p = Problem(3 * D, D, Q, mu, seed)
    assert p.loss(p.A, p.B) >= p.least() * (1 - 1e-12)
    A, B = p.optimum()  # and near the optimum, where it is close
    moved = A + away * p.rng.normal(size=A.shape), B + away * p.rng.normal(size=B.shape)
    assert p.loss(*moved) >= p.least() * (1 - 1e-12)


def known_variances():
    """Return points whose variances along four directions are exactly 3, 1.5, 0.8 and 0.4."""
    rng = np.random.default_rng(3)
    white = orthonormal(rng, 200, 5)
    white = np.linalg.qr(white - white.mean(axis=0)).Q * np.sqrt(200)
    s2 = np.array([3, 1.5, 0.8, 0.4, 0.2])
    V = orthonormal(rng, 5, 5)
    return white * np.sqrt(s2) @ V.T + rng.normal(size=5), V, s2


@pytest.mark.parametrize(("mu", "on"), [(0.1, 3), (1.0, 2)])
def test_a_trained_model_has_the_singular_values_and_the_directions(mu, on):
    X, V, s2 = known_variances()
    torch.manual_seed(0)
    model = LinearAutoencoder(5, 3, weight_decay=mu).double()
    fit(model, X, epochs=600, batch_size=len(X), learning_rate=0.1, progress=False)
    left, sizes, _ = np.linalg.svd(model.decoder.weight.detach().numpy(), full_matrices=False)
    # 600 steps of Adam end within 1e-3 or so; a formula with s for s², or without the root, is off
    # by more than 0.01 in each of these.
    expected = np.sqrt(np.maximum(0, 1 - mu / s2[:3]))
    np.testing.assert_allclose(sizes, expected, atol=5e-3)
    np.testing.assert_allclose(
        model.encoder.weight.detach(), model.decoder.weight.detach().T, atol=5e-3
    )
    cosines = np.abs((left * V[:, :3]).sum(axis=0))[:on]
    assert np.degrees(np.arccos(cosines.clip(max=1))).max() < 1  # without decay: tens of degrees


# ── orthonormality ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.equation("eq-orthonormal-encoder")
def test_best_encoder_of_an_orthonormal_decoder(p):
    B = orthonormal(p.rng, p.D, p.Q)
    centred = p.X - p.x_bar
    best_codes = np.linalg.lstsq(B, centred.T)[0].T  # no encoder has better ones
    np.testing.assert_allclose(centred @ B, best_codes, **close)
    A = np.linalg.lstsq(centred, best_codes)[0].T  # the linear maps that reach them: the shortest
    # it is the only one where the data vary in all dimensions, and else not
    assert np.allclose(A, B.T) == (p.s2[-1] > 1e-9)


def test_best_offsets_of_an_orthonormal_decoder(p):
    # b is the mean up to a vector in the span of B; a = −Bᵀb takes that out again
    B, shift = orthonormal(p.rng, p.D, p.Q), p.rng.normal(size=p.Q)
    projection = B @ B.T
    least = np.mean(np.sum(((p.X - p.x_bar) @ (np.eye(p.D) - projection)) ** 2, axis=1))

    def loss(a, b):
        return np.mean(np.sum(((p.X @ B + a) @ B.T + b - p.X) ** 2, axis=1))

    b = p.x_bar + B @ shift
    np.testing.assert_allclose(loss(-B.T @ b, b), least, **close)
    off = p.rng.normal(size=p.D)
    outside = off - projection @ off  # a parabola: what b is off, outside of the span, is squared
    cost = loss(-B.T @ (b + off), b + off) - least
    np.testing.assert_allclose(cost, outside @ outside, **close)
    wrong = p.rng.normal(size=p.Q)
    np.testing.assert_allclose(loss(wrong - B.T @ b, b) - least, wrong @ wrong, **close)


@pytest.mark.equation("eq-orthonormal-codes")
def test_uncorrelated_codes_give_the_directions_back(p):
    V, R = p.U[:, : p.Q], orthonormal(p.rng, p.Q, p.Q)
    B = V @ R
    covariance = np.cov(((p.X - p.x_bar) @ B).T, bias=True).reshape(p.Q, p.Q)
    np.testing.assert_allclose(covariance, R.T @ np.diag(p.s2[: p.Q]) @ R, **close)
    variances, turn = np.linalg.eigh(covariance)
    np.testing.assert_allclose(variances[::-1], p.s2[: p.Q], **close)
    np.testing.assert_allclose(np.abs(((B @ turn[:, ::-1]) * V).sum(axis=0)), 1, **close)


def test_the_plain_optimum_gives_the_directions_from_its_plane_and_codes(p):
    V, T = p.U[:, : p.Q], p.rng.normal(size=(p.Q, p.Q))
    basis = np.linalg.qr(V @ np.linalg.inv(T)).Q  # of a decoder with any invertible map in it
    turn = np.linalg.eigh(basis.T @ p.cov @ basis).eigenvectors[:, ::-1]
    np.testing.assert_allclose(np.abs(((basis @ turn) * V).sum(axis=0)), 1, atol=1e-7)


def test_a_model_trained_with_an_orthonormal_decoder():
    X, V, s2 = known_variances()
    torch.manual_seed(0)
    model = LinearAutoencoder(5, 3).double()
    orthogonal(model.decoder)
    fit(model, X, epochs=600, batch_size=len(X), learning_rate=0.1, progress=False)
    with torch.no_grad():
        A, B = model.encoder.weight.numpy(), model.decoder.weight.numpy()
        Z = model.encode(torch.as_tensor(X)).numpy()
        loss = model.loss(torch.as_tensor(X)).item()
    np.testing.assert_allclose(B.T @ B, np.eye(3), atol=1e-12)  # held at each step, to rounding
    np.testing.assert_allclose(A, B.T, atol=0.01)
    np.testing.assert_allclose(loss, s2[3:].sum(), rtol=1e-3)

    def angles(found):
        return np.degrees(np.arccos(np.abs((found * V[:, :3]).sum(axis=0)).clip(max=1)))

    turn = np.linalg.eigh(np.cov(Z.T, bias=True)).eigenvectors[:, ::-1]
    assert angles(B).max() > 10  # a random start has no reason to end at the v_j
    assert angles(B @ turn).max() < 1


# ── the loss surface for D = 2 and Q = 1 ──────────────────────────────────────────────────────────


class Surface:
    """Centred points in the plane whose covariance is diagonal, with s1_2 > s2_2."""

    def __init__(self):
        X = np.random.default_rng(5).normal(size=(30, 2)) * [1.7, 0.8]
        X -= X.mean(axis=0)
        X = X @ np.linalg.eigh(X.T @ X).eigenvectors[:, ::-1]
        self.points = torch.as_tensor(X)
        self.M = X.T @ X / len(X)
        self.s1_2, self.s2_2 = np.diag(self.M)
        self.v = np.eye(2)

    def by_points(self, ab):
        a, b = ab[:2], ab[2:]
        return ((self.points @ a)[:, None] * b - self.points).square().sum(dim=1).mean()

    def loss(self, a, b):
        return self.by_points(torch.as_tensor(np.concatenate([a, b]))).item()

    def gradient(self, a, b):
        M = self.M
        return 2 * M @ ((b @ b) * a - b), 2 * ((a @ M @ a) * b - M @ a)

    def hessian(self, a, b):
        return torch.func.hessian(self.by_points)(torch.as_tensor(np.concatenate([a, b]))).numpy()


@pytest.fixture
def s():
    surface = Surface()
    np.testing.assert_allclose(surface.M[0, 1], 0, atol=1e-14)
    assert surface.s1_2 > 2 * surface.s2_2
    return surface


@pytest.fixture
def ab():
    return np.random.default_rng(6).normal(size=(2, 2))


@pytest.mark.equation("eq-surface-loss")
def test_surface_by_points_and_by_the_covariance(s, ab):
    a, b = ab
    formula = np.trace(s.M) - 2 * a @ s.M @ b + (b @ b) * (a @ s.M @ a)
    np.testing.assert_allclose(s.loss(a, b), formula, **close)


@pytest.mark.equation("eq-surface-gradient")
def test_surface_gradient_against_autograd(s, ab):
    automatic = torch.func.grad(s.by_points)(torch.as_tensor(ab.ravel()))
    np.testing.assert_allclose(automatic, np.concatenate(s.gradient(*ab)), **close)


@pytest.mark.equation("eq-surface-stationary")
def test_stationary_points_and_their_losses(s):
    zero = np.zeros(2)
    np.testing.assert_array_equal(s.gradient(zero, zero), 0)
    np.testing.assert_allclose(s.loss(zero, zero), s.s1_2 + s.s2_2, **close)
    for t in (-2, -0.3, 0.5, 1, 4):
        for v, left in ((s.v[0], s.s2_2), (s.v[1], s.s1_2)):
            np.testing.assert_allclose(s.gradient(v / t, t * v), 0, atol=1e-12)
            np.testing.assert_allclose(s.loss(v / t, t * v), left, **close)


def test_the_list_of_stationary_points_is_whole(s):
    rng = np.random.default_rng(7)
    kinds = set()
    for _ in range(60):
        found = least_squares(
            lambda w: np.concatenate(s.gradient(w[:2], w[2:])),
            rng.normal(size=4),
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        if np.abs(found.fun).max() > 1e-9:
            continue  # a point where the gradient is short, but not zero
        a, b = found.x[:2], found.x[2:]
        # Gauss-Newton reaches zeros to about the square root of rounding where they are degenerate.
        if np.linalg.norm(found.x) < 1e-6:
            kinds.add("origin")
            continue
        j = np.abs(b).argmax()
        kinds.add(j)
        np.testing.assert_allclose(b[1 - j], 0, atol=1e-5)
        np.testing.assert_allclose(a, s.v[j] / b[j], atol=1e-5)
    assert kinds == {"origin", 0, 1}


@pytest.mark.equation("eq-surface-origin")
def test_origin_is_a_saddle(s):
    H = s.hessian(np.zeros(2), np.zeros(2))
    none = np.zeros((2, 2))
    np.testing.assert_allclose(H, np.block([[none, -2 * s.M], [-2 * s.M, none]]), **close)
    expected = 2 * np.array([-s.s1_2, -s.s2_2, s.s2_2, s.s1_2])
    np.testing.assert_allclose(np.linalg.eigvalsh(H), expected, **close)
    for v, variance in zip(s.v, (s.s1_2, s.s2_2), strict=True):
        together, against = np.concatenate([v, v]), np.concatenate([v, -v])
        np.testing.assert_allclose(H @ together, -2 * variance * together, **close)
        np.testing.assert_allclose(H @ against, 2 * variance * against, **close)


@pytest.mark.equation("eq-surface-hessian")
@pytest.mark.parametrize("t", [-2, 0.3, 1, 2.5])
@pytest.mark.parametrize("j", [0, 1])
def test_curvatures_along_the_two_families(s, j, t):
    k, variances = 1 - j, (s.s1_2, s.s2_2)
    H = s.hessian(s.v[j] / t, t * s.v[j])
    own = 2 * variances[j] * np.array([[t**2, 1], [1, t**-2]])
    other = 2 * np.array(
        [[t**2 * variances[k], -variances[k]], [-variances[k], variances[j] / t**2]]
    )
    np.testing.assert_allclose(H[np.ix_([j, 2 + j], [j, 2 + j])], own, **close)
    np.testing.assert_allclose(H[np.ix_([k, 2 + k], [k, 2 + k])], other, **close)
    np.testing.assert_allclose(H[np.ix_([j, 2 + j], [k, 2 + k])], 0, atol=1e-10)
    np.testing.assert_allclose(np.linalg.det(own), 0, atol=1e-10)
    determinant = 4 * variances[k] * (variances[j] - variances[k])
    np.testing.assert_allclose(np.linalg.det(other), determinant, **close)
    # v_1: a valley, level along itself and curved upwards across; v_2: a saddle for every t
    signs = np.sign(np.linalg.eigvalsh(H).round(9))
    assert signs.tolist() == ([0, 1, 1, 1] if j == 0 else [-1, 0, 1, 1])


@pytest.mark.equation("eq-surface-slice")
def test_slice_along_the_first_direction(s):
    for alpha, beta in np.random.default_rng(8).normal(size=(5, 2)):
        a, b = alpha * s.v[0], beta * s.v[0]
        np.testing.assert_allclose(s.loss(a, b), s.s2_2 + s.s1_2 * (1 - alpha * beta) ** 2, **close)
        for slope in s.gradient(a, b):  # both lie along v_1: descent stays in the slice
            np.testing.assert_allclose(slope[1], 0, atol=1e-12)


def test_weight_decay_leaves_one_minimum_in_place_of_each_branch(s):
    mu = 0.6 * s.s1_2  # with mu / (2 s1²) the minimum would be 0.2 farther out
    r = np.linspace(-1.5, 1.5, 301)
    alpha, beta = np.meshgrid(r, r)
    priced = s.s2_2 + s.s1_2 * (1 - alpha * beta) ** 2 + mu * (alpha**2 + beta**2)
    size = np.sqrt(1 - mu / s.s1_2)
    # the lowest point of the grid, whose steps are 0.01, is a neighbour of the minimum
    for sign in (1, -1):
        side = sign * alpha > 0
        lowest = side & (priced == priced[side].min())
        np.testing.assert_allclose(alpha[lowest], sign * size, atol=0.011)
        np.testing.assert_allclose(beta[lowest], sign * size, atol=0.011)
    assert size**2 < 1  # inside the branch, where αβ = 1


@pytest.mark.equation("eq-surface-tied")
def test_tied_plane(s):
    def tied(b):
        return s.by_points(torch.cat([b, b]))

    hessian = torch.func.hessian(tied)
    at_origin = hessian(torch.zeros(2, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(at_origin, -4 * s.M, **close)  # a maximum
    for sign in (1, -1):
        at_v2 = hessian(torch.as_tensor(sign * s.v[1])).numpy()
        expected = np.diag([2 * (s.s2_2 - s.s1_2), 8 * s.s2_2])
        np.testing.assert_allclose(at_v2, expected, **close)
        assert expected[0, 0] < 0
        at_v1 = hessian(torch.as_tensor(sign * s.v[0])).numpy()
        assert np.linalg.eigvalsh(at_v1).min() > 0


@pytest.mark.equation("eq-surface-escape")
def test_waiting_time_at_the_saddle(s):
    eta, M = 0.02, np.diag([s.s1_2, s.s2_2])
    curvatures, escape = np.linalg.eigh(2 * np.array([[s.s1_2, -s.s1_2], [-s.s1_2, s.s2_2]]))
    kappa = -curvatures[0]

    def waiting(eps):
        a = s.v[1] + eps * escape[0, 0] * s.v[0]
        b = s.v[1] + eps * escape[1, 0] * s.v[0]
        for step in range(5000):
            if np.trace(M) - 2 * a @ M @ b + (b @ b) * (a @ M @ a) < (s.s1_2 + s.s2_2) / 2:
                return step
            grad_a, grad_b = 2 * M @ ((b @ b) * a - b), 2 * ((a @ M @ a) * b - M @ a)
            a, b = a - eta * grad_a, b - eta * grad_b
        return None

    steps = [waiting(eps) for eps in (1e-3, 1e-6, 1e-9)]
    each = np.log(1e3) / np.log(1 + eta * kappa)
    # counted in whole steps, and the growth is a pure power only while the distance is small
    np.testing.assert_allclose(np.diff(steps), each, atol=1.5)
    np.testing.assert_allclose(steps[2], np.log(1e9) / np.log(1 + eta * kappa), rtol=0.1)
    assert waiting(0.0) is None  # exactly at the saddle the gradient is exactly zero
