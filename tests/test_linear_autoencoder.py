"""The theorems of 11.3.1: the best linear autoencoder is PCA, up to how the code is written."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

from lecture_lib import PCA, LinearAutoencoder, fit
from lecture_lib.datasets import gaussian_cloud

# Both sides of each line are float64 sums of at most some thousand terms: they agree to about
# 1e-14. A wrong sign, index or factor changes them in the first digit or two.
close = {"rtol": 1e-10, "atol": 1e-10}


class Problem:
    """Random data and a linear autoencoder with random weights: nothing in them is optimal."""

    def __init__(self, N, D, Q, seed=0):
        rng = np.random.default_rng(seed)
        self.N, self.D, self.Q, self.rng = N, D, Q, rng
        self.X = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)
        self.x_bar = self.X.mean(axis=0)
        self.A, self.a = rng.normal(size=(Q, D)), rng.normal(size=Q)
        self.B, self.b = rng.normal(size=(D, Q)), rng.normal(size=D)
        self.C, self.c = self.B @ self.A, self.B @ self.a + self.b
        self.eye = np.eye(D)
        if Q < D:
            pca = PCA(Q).fit(self.X)
            self.V, self.least = pca.components_.T, pca.eigenvalues_[Q:].sum()
            self.P = self.V @ self.V.T

    def loss(self, C, c):
        """The sum over points, with one map x_hat = C x + c."""
        return sum(np.sum((C @ x + c - x) ** 2) for x in self.X)

    def model(self):
        """The library's model with these weights."""
        model = LinearAutoencoder(self.D, self.Q).double()
        parts = (model.encoder.weight, model.encoder.bias, model.decoder.weight, model.decoder.bias)
        with torch.no_grad():
            for part, value in zip(parts, (self.A, self.a, self.B, self.b), strict=True):
                part.copy_(torch.as_tensor(value))
        return model


@pytest.fixture(params=[(20, 2, 1), (40, 5, 2), (30, 6, 3)], ids="N{0[0]}-D{0[1]}-Q{0[2]}".format)
def p(request):
    return Problem(*request.param)


seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=15)


@st.composite
def problems(draw):
    D = draw(st.integers(2, 6))
    Q = draw(st.integers(1, D - 1))
    return Problem(draw(st.integers(D + 2, 30)), D, Q, draw(seeds))


@pytest.mark.equation("eq-ae-linear")
def test_encoder_and_decoder_are_affine(p):
    model = p.model()
    for x in p.X[:5]:
        z = np.array([sum(p.A[k, d] * x[d] for d in range(p.D)) + p.a[k] for k in range(p.Q)])
        x_hat = np.array([sum(p.B[d, k] * z[k] for k in range(p.Q)) + p.b[d] for d in range(p.D)])
        row = torch.as_tensor(x)[None]
        np.testing.assert_allclose(model.encode(row).detach()[0], z, **close)
        np.testing.assert_allclose(model(row).detach()[0], x_hat, **close)


@pytest.mark.equation("eq-ae-loss")
def test_loss_is_a_mean_over_points_of_a_sum_over_dimensions(p):
    total = 0.0
    for x in p.X:
        for d in range(p.D):
            total += (p.B[d] @ (p.A @ x + p.a) + p.b[d] - x[d]) ** 2
    loss = p.model().loss(torch.as_tensor(p.X)).item()
    np.testing.assert_allclose(loss, total / p.N, **close)


@pytest.mark.equation("eq-ae-composition")
def test_two_maps_are_one(p):
    x_hat = p.model()(torch.as_tensor(p.X)).detach()
    np.testing.assert_allclose(x_hat, [p.C @ x + p.c for x in p.X], **close)
    assert np.linalg.matrix_rank(p.C) == p.Q


def test_the_offset_of_the_slide_is_not_the_offset():
    # a + b has a value only for Q = D (or Q = 1, where NumPy repeats a): and then a wrong one
    p = Problem(20, 4, 4)
    x_hat = p.model()(torch.as_tensor(p.X)).detach().numpy()
    np.testing.assert_allclose(x_hat - p.X @ p.C.T, np.tile(p.B @ p.a + p.b, (p.N, 1)), **close)
    assert np.abs(p.B @ p.a - p.a).max() > 0.1


@few
@given(st.integers(2, 7), st.data(), seeds)
def test_every_matrix_of_low_rank_is_a_product(D, data, seed):
    # As in the text: a basis of its column space as B, and the columns of C in that basis as A.
    Q = data.draw(st.integers(1, D - 1))
    rank = data.draw(st.integers(0, Q))
    rng = np.random.default_rng(seed)
    C = rng.normal(size=(D, rank)) @ rng.normal(size=(rank, D))
    basis = np.linalg.qr(C @ rng.normal(size=(D, rank))).Q
    B = np.hstack([basis, rng.normal(size=(D, Q - rank))])
    A = np.linalg.lstsq(B, C, rcond=None)[0]
    # a random product has a condition number of some thousands at worst in these sizes
    np.testing.assert_allclose(B @ A, C, atol=1e-9 * max(1, np.abs(C).max()))


@pytest.mark.equation("eq-ae-best-offset")
@few
@given(problems())
def test_best_offset(p):
    c_star = (p.eye - p.C) @ p.x_bar
    np.testing.assert_allclose(c_star, np.mean([x - p.C @ x for x in p.X], axis=0), **close)
    least = p.loss(p.C, c_star)
    # a parabola of curvature 2N in each entry: a step δ from the minimum costs N ‖δ‖²
    step = p.rng.normal(size=p.D)
    cost = p.loss(p.C, c_star + step) - least
    np.testing.assert_allclose(cost, p.N * (step**2).sum(), atol=1e-12 * least, rtol=1e-8)


@pytest.mark.equation("eq-ae-centred")
@few
@given(problems())
def test_the_best_offset_centres_the_data(p):
    c_star = (p.eye - p.C) @ p.x_bar
    centred = sum(np.sum(((p.eye - p.C) @ (x - p.x_bar)) ** 2) for x in p.X)
    np.testing.assert_allclose(p.loss(p.C, c_star), centred, **close)
    for x in p.X[:3]:
        np.testing.assert_allclose(
            p.C @ x + c_star, p.x_bar + p.C @ (x - p.x_bar), rtol=1e-10, atol=1e-9
        )


@pytest.mark.equation("eq-ae-pythagoras")
@few
@given(problems())
def test_the_loss_splits_at_the_projection(p):
    V = np.linalg.qr(p.B).Q  # an orthonormal basis of the columns of C
    P = V @ V.T
    centred = p.X - p.x_bar
    of_C = sum(np.sum((p.C @ x - x) ** 2) for x in centred)
    of_P = sum(np.sum((P @ x - x) ** 2) for x in centred)
    apart = sum(np.sum((p.C @ x - P @ x) ** 2) for x in centred)
    np.testing.assert_allclose(of_C, of_P + apart, **close)
    # The subspace must hold the columns of C: with another one the two sides differ.
    W = np.linalg.qr(p.rng.normal(size=(p.D, p.Q))).Q
    P = W @ W.T
    other = sum(np.sum((P @ x - x) ** 2) + np.sum((p.C @ x - P @ x) ** 2) for x in centred)
    assert abs(other / of_C - 1) > 1e-6


@pytest.mark.equation("eq-ae-pca-optimum")
@few
@given(problems())
def test_no_linear_autoencoder_beats_pca(p):
    at_pca = p.loss(p.P, (p.eye - p.P) @ p.x_bar)
    total = np.sum((p.X - p.x_bar) ** 2)
    np.testing.assert_allclose(at_pca, p.least, rtol=1e-9, atol=1e-12 * total)
    below = p.least - 1e-12 * total  # room for rounding, and for nothing else
    assert p.loss(p.C, p.c) >= below
    assert p.loss(p.C, (p.eye - p.C) @ p.x_bar) >= below
    for size in (1e-3, 0.1, 1.0):  # near the optimum too
        A = p.V.T + size * p.rng.normal(size=p.A.shape)
        B = p.V + size * p.rng.normal(size=p.B.shape)
        C = B @ A
        assert p.loss(C, (p.eye - C) @ p.x_bar) >= below


def test_pca_is_a_stationary_point_of_the_model(p):
    # with the code rewritten at random: the slope of the library's loss is zero in every weight
    T, t = p.rng.normal(size=(p.Q, p.Q)), p.rng.normal(size=p.Q)
    p.A, p.a = T @ p.V.T, t
    p.B = p.V @ np.linalg.inv(T)
    p.b = (p.eye - p.P) @ p.x_bar - p.B @ t
    model = p.model()
    loss = model.loss(torch.as_tensor(p.X))
    loss.backward()
    np.testing.assert_allclose(loss.item(), p.least / p.N, rtol=1e-9, atol=1e-12)
    for part in model.parameters():
        # slopes elsewhere are of the order of the scatter; T is not close to singular here
        np.testing.assert_allclose(part.grad, 0, atol=1e-8)


def test_without_a_gap_other_subspaces_are_as_good():
    X = np.concatenate([np.eye(3), -np.eye(3)])  # all three eigenvalues are equal
    rng = np.random.default_rng(0)
    least = PCA(1).fit(X).eigenvalues_[1:].sum()
    for _ in range(5):
        v = rng.normal(size=3)
        P = np.outer(v, v) / (v @ v)
        np.testing.assert_allclose(((X @ P - X) ** 2).sum(), least, **close)


def test_data_in_a_subspace_leave_the_matrix_open():
    # N = 4 points span 3 dimensions of 6 when centred: there C may do as it likes elsewhere
    p = Problem(4, 6, 2)
    unseen = np.linalg.svd(p.X - p.x_bar)[2][3:]  # rows at right angles to the centred data
    C = p.P + p.V @ p.rng.normal(size=(2, 3)) @ unseen
    assert np.linalg.matrix_rank(C) == p.Q
    np.testing.assert_allclose(p.loss(C, (p.eye - C) @ p.x_bar), p.least, **close)
    assert np.abs(C - p.P).max() > 0.1


@pytest.mark.equation("eq-ae-invariance")
@few
@given(problems())
def test_the_code_can_be_rewritten(p):
    # singular values from 0.5 to 2, so that rounding is not multiplied
    T = np.linalg.qr(p.rng.normal(size=(p.Q, p.Q))).Q * p.rng.uniform(0.5, 2, p.Q)
    t = p.rng.normal(size=p.Q)
    before = p.model()(torch.as_tensor(p.X)).detach()
    T_inv = np.linalg.inv(T)
    p.A, p.a, p.B, p.b = T @ p.A, T @ p.a + t, p.B @ T_inv, p.b - p.B @ T_inv @ t
    np.testing.assert_allclose(p.model()(torch.as_tensor(p.X)).detach(), before, atol=1e-9)


@pytest.mark.equation("eq-ae-all-optima")
@few
@given(problems())
def test_every_optimum_is_pca_rewritten(p):
    # a factor pair of VVᵀ that knows nothing of V: some Q columns of VVᵀ, and the rest from them
    B = p.P @ p.rng.normal(size=(p.D, p.Q))
    A = np.linalg.lstsq(B, p.P, rcond=None)[0]
    K = p.V.T @ B
    kappa = np.linalg.cond(K)  # rounding grows with it; it is finite: K is invertible
    T = np.linalg.inv(K)
    np.testing.assert_allclose(B @ A, p.P, atol=1e-13 * kappa)
    np.testing.assert_allclose(
        B, p.V @ np.linalg.inv(T), rtol=0, atol=1e-13 * kappa * np.abs(B).max()
    )
    np.testing.assert_allclose(A, T @ p.V.T, rtol=0, atol=1e-13 * kappa * np.abs(T).max())
    # a code that goes through the decoder and the encoder comes back, offsets and all
    a = p.rng.normal(size=p.Q)
    b = (p.eye - p.P) @ p.x_bar - B @ a
    np.testing.assert_allclose(A @ B, np.eye(p.Q), atol=1e-13 * kappa)
    size = np.abs(A).max() * np.abs(b).max() + np.abs(a).max()
    np.testing.assert_allclose(a + A @ b, 0, atol=1e-13 * kappa * size)


@few
@given(problems())
def test_with_a_gap_and_a_full_span_the_best_map_is_the_only_one(p):
    # What a C costs above PCA is at least what its column space U and its rows are off:
    # (λ_Q − λ_{Q+1}) ‖P_U − VVᵀ‖² / 2, by the numbers of Ky Fan, and λ_D ‖C − P_U‖², by Pythagoras.
    lam = PCA(p.Q).fit(p.X).eigenvalues_
    gap, last = lam[p.Q - 1] - lam[p.Q], lam[-1]
    assert gap > 0
    assert last > 0
    for size in (1e-2, 0.1, 1.0):
        A = p.V.T + size * p.rng.normal(size=p.A.shape)
        B = p.V + size * p.rng.normal(size=p.B.shape)
        C, basis = B @ A, np.linalg.qr(B).Q
        P_U = basis @ basis.T
        cost = p.loss(C, (p.eye - C) @ p.x_bar) - p.least
        least = gap / 2 * np.sum((P_U - p.P) ** 2) + last * np.sum((C - P_U) ** 2)
        assert cost >= least - 1e-12 * lam.sum()  # room for rounding


def test_the_freedom_is_that_of_rewriting(p):
    # The map from the weights to (C, c) loses exactly Q² + Q dimensions, those of T and t.
    def one_map(A, a, B, b):
        return torch.cat([(B @ A).flatten(), B @ a + b])

    weights = tuple(torch.as_tensor(part) for part in (p.A, p.a, p.B, p.b))
    jacobian = torch.autograd.functional.jacobian(one_map, weights)
    J = torch.cat([part.flatten(start_dim=1) for part in jacobian], dim=1)
    count = sum(part.numel() for part in weights)
    assert J.shape[1] == count == 2 * p.D * p.Q + p.Q + p.D
    assert torch.linalg.matrix_rank(J) == count - (p.Q**2 + p.Q)


def ten_dimensions():
    """The data of the page's run."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(10, 10))).Q
    return (rng.normal(size=(1000, 10)) * np.geomspace(3, 0.3, 10)) @ turn + rng.normal(size=10)


def trained(X, Q, seed, **options):
    torch.manual_seed(seed)
    model = LinearAutoencoder(X.shape[1], Q).double()
    fit(model, X, seed=seed, progress=False, **options)
    parts = (model.encoder.weight, model.encoder.bias, model.decoder.weight, model.decoder.bias)
    return [part.detach().numpy() for part in parts]


def assert_is_pca(X, Q, A, a, B, b):
    """0.1 % and half a degree are what the book promises; runs end 100 and 3 times below that."""
    pca = PCA(Q).fit(X)
    V = pca.components_.T
    P = V @ V.T
    C, c = B @ A, B @ a + b
    loss = ((X @ C.T + c - X) ** 2).sum()
    least = pca.eigenvalues_[Q:].sum()
    assert least * (1 - 1e-12) <= loss <= 1.001 * least
    assert np.degrees(subspace_angles(B, V)).max() < 0.5
    # Half a degree is 0.009 in a sine. C can be tilted in its columns and in its rows.
    np.testing.assert_allclose(C, P, atol=0.02)
    np.testing.assert_allclose(A @ B, np.eye(Q), atol=0.02)
    np.testing.assert_allclose(a + A @ b, 0, atol=0.02 * np.linalg.norm(b))
    # and c inherits the error of C, times the mean; mean and data are of the same size here
    c_star = (np.eye(len(V)) - P) @ pca.mean_
    np.testing.assert_allclose(c, c_star, atol=0.02 * np.linalg.norm(pca.mean_))
    return V


@pytest.mark.parametrize("seed", range(2))
def test_the_smallest_one_learns_pca(seed):
    X = gaussian_cloud(20)
    weights = trained(X, 1, seed, epochs=1000, batch_size=20, learning_rate=0.1)
    assert sum(part.size for part in weights) == 7
    assert_is_pca(X, 1, *weights)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_training_in_ten_dimensions_reaches_pca_and_not_its_directions(seed):
    X = ten_dimensions()
    A, a, B, b = trained(X, 2, seed, epochs=100, batch_size=100, learning_rate=0.1)
    V = assert_is_pca(X, 2, A, a, B, b)
    # A rotation of V, or V itself, would need BᵀB = I: the run is nowhere near it.
    assert np.abs(B.T @ B - np.eye(2)).max() > 0.5
    assert np.abs(A - B.T).max() > 0.1
    # The two columns lie along neither eigenvector.
    cosines = np.abs(V.T @ B) / np.linalg.norm(B, axis=0)
    assert cosines.max() < 0.9999


def test_the_plateau_of_the_run_is_a_place_with_the_first_direction_only():
    # 11.3.2 says so of the run with seed 1; its plateau is at epochs 12 to 18
    X = ten_dimensions()
    V = PCA(2).fit(X).components_.T
    torch.manual_seed(1)
    model = LinearAutoencoder(10, 2).double()
    options = {"epochs": 100, "batch_size": 100, "learning_rate": 0.1, "progress": False}
    history = fit(model, X, seed=1, snapshots=[12, 15, 18], **options)
    for weights in history.snapshots.values():
        returned = np.diag(
            V.T @ (weights["decoder.weight"] @ weights["encoder.weight"]).numpy() @ V
        )
        np.testing.assert_allclose(returned, [1, 0], atol=0.1)  # the noise of batches
    # "flat": the loss falls by less than a tenth there, and by more than half before and after
    loss = np.array(history.loss)
    assert loss[17] > 0.9 * loss[11]
    assert loss[11] < 0.5 * loss[0]
