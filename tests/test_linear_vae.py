"""What page 11.4.7 says of a VAE without hidden layers: it is probabilistic PCA with an encoder."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.stats import multivariate_normal

from lecture_lib import VAE, ProbabilisticPCA, fit
from lecture_lib.vae import kl_to_prior

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)
# float64 sums of some dozen terms, and inverses of matrices whose eigenvalues are at least σ²
close = {"rtol": 1e-8, "atol": 1e-8}


def vae_of(W, mu, sigma2, A, a, s2):
    """The library's model with these weights; s2 holds the variances of q."""
    D, Q = W.shape
    vae = VAE(D, Q, hidden=(), likelihood="gaussian").double()
    with torch.no_grad():
        vae.decoder.weight.copy_(torch.tensor(W))
        vae.decoder.bias.copy_(torch.tensor(mu))
        vae.log_scale.fill_(np.log(sigma2) / 2)
        vae.encoder.weight.copy_(torch.tensor(np.vstack([A, np.zeros((Q, D))])))
        vae.encoder.bias.copy_(torch.tensor(np.concatenate([a, np.log(s2) / 2])))
    return vae


class Model:
    """A linear model with random weights, one x, and its posterior by Bayes' rule."""

    def __init__(self, D, Q, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.D, self.Q, self.sigma2 = D, Q, rng.uniform(0.2, 2)
        self.W, self.mu = rng.normal(size=(D, Q)), rng.normal(size=D)
        self.x = rng.normal(size=D) * 2
        self.M = self.W.T @ self.W + self.sigma2 * np.eye(Q)
        # conditioning the joint Gaussian of (z, x), which knows nothing of M
        C = self.W @ self.W.T + self.sigma2 * np.eye(D)
        self.log_p = multivariate_normal(self.mu, C).logpdf(self.x)
        gain = self.W.T @ np.linalg.inv(C)
        self.m, self.cov = gain @ (self.x - self.mu), np.eye(Q) - gain @ self.W

    def best(self, W=None):
        """The VAE with the q of the page."""
        W = self.W if W is None else W
        M = W.T @ W + self.sigma2 * np.eye(self.Q)
        A = np.linalg.inv(M) @ W.T
        return vae_of(W, self.mu, self.sigma2, A, -A @ self.mu, self.sigma2 / np.diag(M))


@st.composite
def models(draw, Q=None):
    Q = draw(st.integers(1, 4)) if Q is None else Q
    return Model(draw(st.integers(Q + 1, 7)), Q, draw(seeds))


def exact_elbo(vae, x):
    """The bound for each row, in nats: eq-linear-vae-reconstruction less the KL to the prior."""
    W, mu = vae.decoder.weight.detach(), vae.decoder.bias.detach()
    sigma2 = (2 * vae.log_scale.detach()).exp()
    q = vae.encode(torch.as_tensor(x))
    rest = (torch.as_tensor(x) - mu - q.mean @ W.T).square().sum(dim=1)
    noise = q.variance @ W.square().sum(dim=0)
    log_norm = len(mu) * torch.log(2 * torch.pi * sigma2)
    reconstruction = -0.5 * (log_norm + (rest + noise) / sigma2)
    return (reconstruction - kl_to_prior(q).sum(dim=1)).detach().numpy()


def mean_over_q(f, mean, s2):
    """E f(z) under N(mean, diag(s2)), exact for an f that is quadratic in each entry alone."""
    # Gauss-Hermite with three nodes in each entry: exact up to the fifth power
    nodes, weight = np.polynomial.hermite_e.hermegauss(3)
    weight = weight / weight.sum()
    grids = np.meshgrid(*[nodes] * len(mean), indexing="ij")
    shares = np.meshgrid(*[weight] * len(mean), indexing="ij")
    z = mean + np.stack(grids, axis=-1).reshape(-1, len(mean)) * np.sqrt(s2)
    return np.prod(shares, axis=0).ravel() @ np.array([f(point) for point in z])


@pytest.mark.equation("eq-linear-vae-reconstruction")
@few
@given(models())
def test_reconstruction_in_closed_form(p):
    m_q, s2 = p.rng.normal(size=p.Q), p.rng.uniform(0.1, 2, p.Q)  # any q
    by_quadrature = mean_over_q(
        lambda z: multivariate_normal(p.W @ z + p.mu, p.sigma2).logpdf(p.x), m_q, s2
    )
    rest = p.x - p.mu - p.W @ m_q
    noise = sum(s2[j] * p.W[:, j] @ p.W[:, j] for j in range(p.Q))
    formula = -0.5 * (p.D * np.log(2 * np.pi * p.sigma2) + (rest @ rest + noise) / p.sigma2)
    np.testing.assert_allclose(formula, by_quadrature, **close)


def test_the_library_samples_the_same_bound():
    torch.manual_seed(0)
    vae = VAE(4, 2, hidden=(), likelihood="gaussian").double()
    x = torch.randn(1, 4, dtype=torch.float64)
    with torch.no_grad():
        sampled = vae.elbo(x.expand(20_000, 4)).elbo.numpy()
    # four standard errors; the missing term of the noise alone would be a hundred
    error = sampled.std() / np.sqrt(len(sampled))
    assert sampled.mean() == pytest.approx(exact_elbo(vae, x).item(), abs=4 * error)


@pytest.mark.equation("eq-linear-vae-posterior")
@few
@given(models())
def test_posterior_by_its_precision(p):
    precision = p.M / p.sigma2
    np.testing.assert_allclose(precision @ p.cov, np.eye(p.Q), **close)
    np.testing.assert_allclose(np.linalg.inv(p.M) @ p.W.T @ (p.x - p.mu), p.m, **close)


def kl_to_posterior(p, m_q, s2):
    """eq-linear-vae-kl as it is printed."""
    precision = p.M / p.sigma2
    terms = np.diag(precision) * s2 - np.log(s2) - 1
    square = (m_q - p.m) @ precision @ (m_q - p.m)
    return 0.5 * (square + terms.sum() - np.linalg.slogdet(precision).logabsdet)


@pytest.mark.equation("eq-linear-vae-kl")
@few
@given(models())
def test_kl_from_a_diagonal_gaussian_to_the_posterior(p):
    m_q, s2 = p.rng.normal(size=p.Q), p.rng.uniform(0.1, 2, p.Q)
    q, posterior = (
        torch.distributions.MultivariateNormal(torch.tensor(mean), torch.tensor(cov))
        for mean, cov in ((m_q, np.diag(s2)), (p.m, (p.cov + p.cov.T) / 2))
    )
    by_torch = torch.distributions.kl_divergence(q, posterior).item()
    np.testing.assert_allclose(kl_to_posterior(p, m_q, s2), by_torch, **close)


@pytest.mark.equation("eq-best-diagonal")
@few
@given(models())
def test_no_diagonal_gaussian_is_better(p):
    best = p.sigma2 / np.diag(p.M)
    least = kl_to_posterior(p, p.m, best)
    for size in (1e-2, 0.3, 2.0):
        m_q = p.m + size * p.rng.normal(size=p.Q)
        s2 = best * np.exp(size * p.rng.normal(size=p.Q))
        assert kl_to_posterior(p, m_q, best) > least
        assert kl_to_posterior(p, p.m, s2) > least
    # too narrow: it is as wide as the posterior of one entry when the others are known
    assert (best <= np.diag(p.cov) * (1 + 1e-9)).all()
    if p.Q > 1:  # the exact variances in their place cost more
        assert kl_to_posterior(p, p.m, np.diag(p.cov)) >= least
    # the encoder can answer it for every x
    q = p.best().encode(torch.tensor(p.x[None]))
    np.testing.assert_allclose(q.mean.detach()[0], p.m, **close)
    np.testing.assert_allclose(q.variance.detach()[0], best, **close)


@pytest.mark.equation("eq-linear-vae-gap")
@few
@given(models())
def test_the_gap_of_the_best_diagonal_q(p):
    gap = p.log_p - exact_elbo(p.best(), p.x[None])[0]
    formula = 0.5 * (np.log(np.diag(p.M)).sum() - np.linalg.slogdet(p.M).logabsdet)
    np.testing.assert_allclose(gap, formula, **close)
    np.testing.assert_allclose(gap, kl_to_posterior(p, p.m, p.sigma2 / np.diag(p.M)), **close)
    # orthogonal columns: no gap, and then each weight of the importance sampler is p(x)
    right = p.W @ np.linalg.eigh(p.W.T @ p.W)[1]
    vae, x = p.best(right), torch.tensor(p.x[None])
    np.testing.assert_allclose(exact_elbo(vae, x)[0], p.log_p, **close)
    np.testing.assert_allclose(vae.log_likelihood(x, n_samples=1).item(), p.log_p, **close)


@pytest.mark.equation("eq-hadamard")
@few
@given(models())
def test_hadamard(p):
    K = p.M / np.sqrt(np.outer(np.diag(p.M), np.diag(p.M)))
    e = np.linalg.eigvalsh(K)
    left = np.linalg.slogdet(p.M).logabsdet - np.log(np.diag(p.M)).sum()
    np.testing.assert_allclose(left, np.log(e).sum(), **close)
    np.testing.assert_allclose((e - 1).sum(), 0, atol=1e-10)
    if p.Q > 1:  # random columns are not at right angles
        assert left < 0


@pytest.mark.equation("eq-linear-vae-rotation")
@few
@given(models(Q=2), st.floats(0, np.pi))
def test_the_gap_by_the_turn(p, theta):
    right = p.W @ np.linalg.eigh(p.W.T @ p.W)[1]
    l_1, l_2 = (right**2).sum(axis=0) + p.sigma2
    c, s = np.cos(theta), np.sin(theta)
    turned = right @ np.array([[c, -s], [s, c]])
    M = turned.T @ turned + p.sigma2 * np.eye(2)
    quarter = (l_1 - l_2) ** 2 * np.sin(2 * theta) ** 2 / 4
    np.testing.assert_allclose(M[0, 0] * M[1, 1], l_1 * l_2 + quarter, **close)
    gap = p.log_p - exact_elbo(p.best(turned), p.x[None])[0]
    np.testing.assert_allclose(gap, 0.5 * np.log(1 + quarter / (l_1 * l_2)), **close)


def data(N=300, seed=0):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(5, 5))).Q
    return rng.normal(size=(N, 5)) * np.sqrt([8, 3, 1, 0.5, 0.3]) @ turn + rng.normal(size=5)


@pytest.mark.equation("eq-linear-vae-nats")
def test_at_the_maximum_the_bound_is_the_likelihood_and_each_axis_has_its_nats():
    X = data()
    ppca = ProbabilisticPCA(3).fit(X)
    sigma2, ell = ppca.noise_variance_, ppca.eigenvalues_[:3] / len(X)
    A = ppca.weights_.T / ell[:, None]
    vae = vae_of(ppca.weights_, ppca.mean_, sigma2, A, -A @ ppca.mean_, sigma2 / ell)
    np.testing.assert_allclose(exact_elbo(vae, X), ppca.score_samples(X), **close)
    kl = kl_to_prior(vae.encode(torch.tensor(X))).mean(dim=0).detach()
    np.testing.assert_allclose(kl, 0.5 * np.log(ell / sigma2), **close)
    # with fixed noise too: an axis with less variance than the noise has none
    sigma2 = 2.0
    ell = np.maximum(ell, sigma2)
    W = ppca.components_.T * np.sqrt(ell - sigma2)
    A = W.T / ell[:, None]
    vae = vae_of(W, ppca.mean_, sigma2, A, -A @ ppca.mean_, sigma2 / ell)
    kl = kl_to_prior(vae.encode(torch.tensor(X))).mean(dim=0).detach()
    assert ell[2] == sigma2 < ell[1]
    np.testing.assert_allclose(kl, 0.5 * np.log(ell / sigma2), **close)


@pytest.mark.equation("eq-linear-vae-collapse")
def test_with_fixed_noise_the_likelihood_switches_dimensions_off():
    X, sigma2, Q = data(), 2.0, 3
    pca = ProbabilisticPCA(Q).fit(X)
    ell = pca.eigenvalues_[:Q] / len(X)
    assert (ell > sigma2).tolist() == [True, True, False]
    W = pca.components_.T * np.sqrt(np.maximum(ell - sigma2, 0))

    def log_p(W):
        C = W @ W.T + sigma2 * np.eye(5)
        return multivariate_normal(pca.mean_, C).logpdf(X).mean()

    # random neighbours near and far, among them ones with the third column switched on
    rng = np.random.default_rng(0)
    best = log_p(W)
    for size in (1e-2, 0.1, 1.0):
        for _ in range(20):
            assert log_p(W + size * rng.normal(size=W.shape)) < best
        assert log_p(W + size * np.outer(pca.components_[2], [0, 0, 1])) < best
    # any rotation of the code is as likely
    R = np.linalg.qr(rng.normal(size=(Q, Q))).Q
    assert log_p(W @ R) == pytest.approx(best, rel=1e-12)
    # two dimensions spent on one axis leave the second axis out
    assert log_p(W[:, [0, 0, 2]]) < best


def trained(X, Q, seed, **options):
    torch.manual_seed(seed)
    vae = VAE(X.shape[1], Q, hidden=(), likelihood="gaussian", **options).double()
    fit(vae, X, epochs=400, batch_size=150, learning_rate=0.05, seed=seed, progress=False)
    return vae


def test_training_finds_the_axes_of_pca_and_the_noise():
    X = data()
    ppca = ProbabilisticPCA(2).fit(X)
    vae = trained(X, 2, seed=0)
    W = vae.decoder.weight.detach().numpy()
    missing = ppca.score(X) - exact_elbo(vae, X).mean()
    # The noise of one sample a row is left in the weights: runs end 2 to 5 times below these.
    assert 0 <= missing < 0.02
    cosines = np.abs(ppca.components_ @ W) / np.linalg.norm(W, axis=0)
    assert sorted(cosines.argmax(axis=0)) == [0, 1]
    assert np.degrees(np.arccos(np.minimum(cosines.max(axis=0), 1))).max() < 5
    sigma2 = (2 * vae.log_scale).exp().item()
    assert sigma2 == pytest.approx(ppca.noise_variance_, rel=0.03)


def test_training_with_too_much_noise_switches_a_dimension_off():
    X = data()
    vae = trained(X, 3, seed=0, scale=np.sqrt(2.0))
    nats = kl_to_prior(vae.encode(torch.tensor(X))).mean(dim=0).detach().numpy()
    ell = ProbabilisticPCA(3).fit(X).eigenvalues_[:2] / len(X)
    nats = np.sort(nats)[::-1]
    np.testing.assert_allclose(nats[:2], 0.5 * np.log(ell / 2), atol=0.05)
    assert nats[2] < 0.02
