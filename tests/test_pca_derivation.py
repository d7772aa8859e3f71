"""The lines of the derivation in 11.2, each against the line before it, on random data."""

from itertools import combinations

import numpy as np
import pytest

from lecture_lib.pca import PCA, scatter_matrix

# Both sides of each line are float64 sums of at most some thousand terms: they agree to about
# 1e-14. A wrong sign, index or factor changes them in the first digit or two.
close = {"rtol": 1e-10, "atol": 1e-10}


class Problem:
    """Random data X, codes Z and orthonormal V (columns): nothing in them is optimal."""

    def __init__(self, N, D, Q):
        rng = np.random.default_rng(N)
        self.N, self.D, self.Q, self.rng = N, D, Q, rng
        self.X = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)
        self.Z = rng.normal(size=(N, Q))
        self.V = self.basis()
        self.x_bar = self.X.sum(axis=0) / N
        self.S = sum(np.outer(self.x_bar - x, self.x_bar - x) for x in self.X)
        self.eigenvalues, self.U = (a[..., ::-1] for a in np.linalg.eigh(self.S))

    def basis(self):
        return np.linalg.qr(self.rng.normal(size=(self.D, self.Q))).Q

    def x_hat(self, Z, V):
        return self.x_bar + Z @ V.T

    def loss(self, Z, V):
        return ((self.x_hat(Z, V) - self.X) ** 2).sum()

    def best_codes(self, V):
        return -(self.x_bar - self.X) @ V


@pytest.fixture(params=[(12, 5, 2), (40, 3, 1), (4, 6, 3)], ids="N{0[0]}-D{0[1]}-Q{0[2]}".format)
def p(request):
    return Problem(*request.param)


def central_differences(f, at, step):
    """Gradient of f; exact for a quadratic f but for rounding."""
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        e = np.zeros_like(at)
        e[index] = step
        gradient[index] = (f(at + e) - f(at - e)) / (2 * step)
    return gradient


# A difference of two losses near 1000 keeps a rounding error of 1e-13 or so, over a step of 0.01.
differences = {"rtol": 1e-8, "atol": 1e-8}


@pytest.mark.equation("eq-pca-model")
def test_model_is_the_mean_and_a_walk_along_the_directions(p):
    for i in range(p.N):
        x_hat = p.x_bar.copy()
        for j in range(p.Q):
            x_hat += p.Z[i, j] * p.V[:, j]
        np.testing.assert_allclose(p.x_hat(p.Z, p.V)[i], x_hat, **close)
    pca = PCA(p.Q).fit(p.X)
    walk = pca.mean_ + sum(np.outer(p.Z[:, j], pca.components_[j]) for j in range(p.Q))
    np.testing.assert_allclose(pca.inverse_transform(p.Z), walk, **close)


@pytest.mark.equation("eq-pca-loss")
def test_loss_is_the_sum_of_squared_distances(p):
    by_points = 0.0
    for i in range(p.N):
        x_hat_i = p.x_bar + sum(p.Z[i, j] * p.V[:, j] for j in range(p.Q))
        by_points += np.linalg.norm(x_hat_i - p.X[i]) ** 2
    np.testing.assert_allclose(p.loss(p.Z, p.V), by_points, **close)


@pytest.mark.equation("eq-pca-loss-expanded")
def test_expanded_loss(p):
    to_mean = p.x_bar - p.X
    expanded = (p.Z**2).sum() + 2 * (p.Z * (to_mean @ p.V)).sum() + (to_mean**2).sum()
    np.testing.assert_allclose(p.loss(p.Z, p.V), expanded, **close)


def test_the_expansion_needs_orthonormal_directions(p):
    skewed = p.V + 0.3
    to_mean = p.x_bar - p.X
    expanded = (p.Z**2).sum() + 2 * (p.Z * (to_mean @ skewed)).sum() + (to_mean**2).sum()
    assert abs(p.loss(p.Z, skewed) - expanded) > 0.1


@pytest.mark.equation("eq-pca-gradient-z")
def test_gradient_with_respect_to_the_codes(p):
    formula = 2 * p.Z + 2 * (p.x_bar - p.X) @ p.V
    by_difference = central_differences(lambda Z: p.loss(Z, p.V), p.Z, 0.01)
    np.testing.assert_allclose(by_difference, formula, **differences)


@pytest.mark.equation("eq-pca-codes")
def test_best_codes_are_the_minimum(p):
    best = np.array([[-v @ (p.x_bar - x) for v in p.V.T] for x in p.X])
    slope = central_differences(lambda Z: p.loss(Z, p.V), best, 0.01)
    np.testing.assert_allclose(slope, 0, atol=1e-8)
    # The loss is a parabola of curvature 2 in each code: a step δ from the minimum costs ‖δ‖².
    for _ in range(10):
        step = p.rng.normal(size=best.shape)
        cost = p.loss(best + step, p.V) - p.loss(best, p.V)
        np.testing.assert_allclose(cost, (step**2).sum(), **close)


@pytest.mark.equation("eq-pca-loss-codes")
def test_loss_at_the_best_codes(p):
    Z = p.best_codes(p.V)
    budget = sum(-(Z[i] ** 2).sum() + ((p.x_bar - p.X[i]) ** 2).sum() for i in range(p.N))
    np.testing.assert_allclose(p.loss(Z, p.V), budget, **close)
    # The line does need Z = Z*: with other codes it is not the loss.
    other = -(p.Z**2).sum() + ((p.x_bar - p.X) ** 2).sum()
    assert abs(p.loss(p.Z, p.V) - other) > 0.1


@pytest.mark.equation("eq-pca-loss-scatter")
def test_loss_in_terms_of_the_scatter_matrix(p):
    budget = ((p.x_bar - p.X) ** 2).sum() - (p.best_codes(p.V) ** 2).sum()
    with_scatter = -sum(v @ p.S @ v for v in p.V.T) + np.trace(p.S)
    np.testing.assert_allclose(with_scatter, budget, **close)
    np.testing.assert_allclose(np.trace(p.S), ((p.x_bar - p.X) ** 2).sum(), **close)


@pytest.mark.equation("eq-scatter")
def test_scatter_matrix(p):
    np.testing.assert_allclose(scatter_matrix(p.X), p.S, **close)
    np.testing.assert_allclose(p.S, p.N * np.cov(p.X.T, bias=True), **close)


@pytest.mark.equation("eq-pca-lagrangian")
def test_gradient_of_the_lagrangian(p):
    def lagrangian(V, multipliers):
        constraint = multipliers @ ((V**2).sum(axis=0) - 1)
        return -np.trace(V.T @ p.S @ V) + np.trace(p.S) + constraint

    multipliers = p.rng.normal(size=p.Q)
    V = p.rng.normal(size=(p.D, p.Q))  # any vectors, also off the constraint
    by_difference = central_differences(lambda V: lagrangian(V, multipliers), V, 0.01)
    np.testing.assert_allclose(by_difference, -2 * p.S @ V + 2 * V * multipliers, **differences)
    in_multipliers = central_differences(lambda m: lagrangian(V, m), multipliers, 0.01)
    np.testing.assert_allclose(in_multipliers, (V**2).sum(axis=0) - 1, **differences)

    # Stationary at any Q eigenvectors with their eigenvalues, on the constraint it is the loss.
    for chosen in combinations(range(p.D), p.Q):
        V, multipliers = p.U[:, chosen], p.eigenvalues[list(chosen)]
        slope = central_differences(lambda V, m=multipliers: lagrangian(V, m), V, 0.01)
        np.testing.assert_allclose(slope, 0, atol=1e-8)
        np.testing.assert_allclose(lagrangian(V, multipliers), p.loss(p.best_codes(V), V), **close)


@pytest.mark.equation("eq-pca-eigen")
def test_stationary_directions_are_eigenvectors(p):
    pca = PCA(p.Q).fit(p.X)
    for v, eigenvalue in zip(pca.components_, pca.eigenvalues_, strict=False):
        np.testing.assert_allclose(p.S @ v, eigenvalue * v, **close)
        np.testing.assert_allclose(v @ p.S @ v, eigenvalue, **close)
    # A direction that is not stationary fails: its image has a part at a right angle to it.
    v = p.V[:, 0]
    assert np.linalg.norm(p.S @ v - (v @ p.S @ v) * v) > 0.1


@pytest.mark.equation("eq-ky-fan")
def test_weights_on_the_eigenvalues(p):
    for _ in range(50):
        V = p.basis()
        c = np.array([np.linalg.norm(V.T @ u) ** 2 for u in p.U.T])
        retained = sum(v @ p.S @ v for v in V.T)
        np.testing.assert_allclose(retained, c @ p.eigenvalues, **close)
        assert c.min() >= 0
        assert c.max() <= 1 + 1e-12
        np.testing.assert_allclose(c.sum(), p.Q, **close)
        assert retained <= p.eigenvalues[: p.Q].sum()
    c = ((PCA(p.Q).fit(p.X).components_ @ p.U) ** 2).sum(axis=0)
    np.testing.assert_allclose(c, np.arange(p.D) < p.Q, atol=1e-8)


@pytest.mark.equation("eq-pca-loss-optimum")
def test_least_loss_is_the_sum_of_the_eigenvalues_left_out(p):
    def least(V):
        return p.loss(p.best_codes(V), V)

    discarded = p.eigenvalues[p.Q :].sum()
    np.testing.assert_allclose(least(PCA(p.Q).fit(p.X).components_.T), discarded, **close)
    np.testing.assert_allclose(np.trace(p.S) - p.eigenvalues[: p.Q].sum(), discarded, **close)
    for chosen in list(combinations(range(p.D), p.Q))[1:]:  # the first are the top Q
        assert least(p.U[:, chosen]) > discarded - 1e-10
    for _ in range(200):
        assert least(p.basis()) > discarded - 1e-10


@pytest.mark.equation("eq-pca-encoder")
def test_encoder_gives_the_best_codes(p):
    pca = PCA(p.Q).fit(p.X)
    V = pca.components_.T
    np.testing.assert_allclose(pca.transform(p.X), p.best_codes(V), **close)
    x = p.rng.normal(size=p.D)  # a point that was not in the fit
    np.testing.assert_allclose(pca.transform(x[None])[0], V.T @ (x - p.x_bar), **close)


@pytest.mark.equation("eq-pca-decoder")
def test_decoder_is_the_model_in_matrix_form(p):
    pca = PCA(p.Q).fit(p.X)
    z = p.Z[0]
    walk = p.x_bar + sum(z[j] * pca.components_[j] for j in range(p.Q))
    np.testing.assert_allclose(pca.components_.T @ z + p.x_bar, walk, **close)
    np.testing.assert_allclose(pca.inverse_transform(z[None])[0], walk, **close)


@pytest.mark.equation("eq-pca-projection")
def test_decoder_after_encoder_is_an_orthogonal_projection(p):
    pca = PCA(p.Q).fit(p.X)
    C = pca.components_.T @ pca.components_
    np.testing.assert_allclose(C, C.T, **close)
    np.testing.assert_allclose(C @ C, C, **close)
    np.testing.assert_allclose(np.trace(C), p.Q, **close)  # onto Q dimensions, not fewer
    x_hat = pca.inverse_transform(pca.transform(p.X))
    np.testing.assert_allclose(x_hat - p.x_bar, (p.X - p.x_bar) @ C.T, **close)
    np.testing.assert_allclose((p.X - x_hat) @ pca.components_.T, 0, atol=1e-10)


@pytest.mark.equation("eq-pca-variance")
def test_variance_of_a_code(p):
    for v in p.V.T:
        z = (p.X - p.x_bar) @ v
        np.testing.assert_allclose(((z - z.mean()) ** 2).mean(), v @ p.S @ v / p.N, **close)
    codes = PCA(p.Q).fit(p.X).transform(p.X)
    np.testing.assert_allclose(codes.var(axis=0), p.eigenvalues[: p.Q] / p.N, **close)


@pytest.mark.equation("eq-pca-identity")
def test_retained_and_lost_add_up_for_every_orthonormal_basis(p):
    for _ in range(20):
        V = p.basis()
        retained = sum(v @ p.S @ v for v in V.T)
        lost = p.loss(p.best_codes(V), V)
        np.testing.assert_allclose(retained + lost, np.trace(p.S), **close)


@pytest.mark.equation("eq-pca-angle")
def test_retained_scatter_is_a_cosine_of_twice_the_angle():
    p = Problem(20, 2, 1)
    best = np.arctan2(p.U[1, 0], p.U[0, 0])
    m, r = p.eigenvalues.sum() / 2, (p.eigenvalues[0] - p.eigenvalues[1]) / 2
    theta = np.linspace(-np.pi, np.pi, 73)
    v = np.array([np.cos(theta), np.sin(theta)])
    retained = np.einsum("da,de,ea->a", v, p.S, v)
    np.testing.assert_allclose(retained, m + r * np.cos(2 * (theta - best)), **close)
