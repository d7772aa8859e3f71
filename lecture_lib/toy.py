"""Points in the plane from known distributions, with which a model's answer can be compared."""

import operator

import numpy as np
from scipy.special import softmax


def gaussian_cloud(n: int = 20, seed: int = 0) -> np.ndarray:
    """Draw one elongated, tilted Gaussian cloud, whose mean is not at the origin.

    Returns
    -------
    array, shape (n, 2)

    Raises
    ------
    ValueError
        If ``n`` is no whole number of at least 1.
    """
    n = _at_least(1, n)
    noise = np.random.default_rng(seed).standard_normal((n, 2))
    return (3.0, 2.0) + noise * (1.6, 0.6) @ _rotation(degrees=32)


def blobs(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw three elongated Gaussian clusters that overlap a little, in random order.

    Returns
    -------
    x : array, shape (n, 2)
    y : int array, shape (n,)
        The cluster of each point: 0, 1 or 2, in numbers that differ by one at most.

    Raises
    ------
    ValueError
        If ``n`` is no whole number of at least 3.
    """
    n = _at_least(3, n)
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3)
    means, tilts, widths = _blob_parameters()
    noise = rng.standard_normal((n, 2)) * widths
    return means[y] + np.einsum("ni,nij->nj", noise, tilts[y]), y


def blobs_score(x: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """Return the score ∇ log p(x) of the points that `blobs` draws, in closed form.

    They are a mixture of three Gaussians of equal weight. With noise from N(0, τ² I) added, each
    covariance grows by τ² I, and this is the score of the noisy points.

    Parameters
    ----------
    x : array, shape (n, 2)
    noise : float
        τ, a standard deviation of 0 or more.

    Returns
    -------
    array, shape (n, 2)

    Raises
    ------
    ValueError
        If ``x`` has another shape, or ``noise`` is negative or not finite.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"expected points of shape (n, 2), one a row; got shape {x.shape}")
    _check_noise(noise)
    means, tilts, widths = _blob_parameters()
    covariances = np.einsum("kji,j,kjl->kil", tilts, widths**2, tilts) + noise**2 * np.eye(2)
    offsets = means - x[:, None]  # (n, 3, 2)
    pulls = np.einsum("kij,nkj->nki", np.linalg.inv(covariances), offsets)  # each one's own score
    # all three have one weight and one determinant, which cancel
    log_density = -0.5 * (offsets * pulls).sum(axis=2)
    return np.einsum("nk,nki->ni", softmax(log_density, axis=1), pulls)


def curve_point(z: np.ndarray | float) -> np.ndarray:
    """Map a latent coordinate to its point x = g(z) on a curve: a 1-D manifold in the plane.

    The curve is a piece of a logarithmic spiral, bent like a hook. Its distance from the origin,
    2 exp(z / 5), grows with z, so no two values of z share a point.

    Parameters
    ----------
    z : float or array, shape (...)

    Returns
    -------
    array, shape (..., 2)
    """
    z = np.asarray(z, dtype=float)
    angle = np.pi / 2 - 0.8 * z  # z = 0 is the top of the hook; a larger z lies clockwise from it
    return 2 * np.exp(z / 5)[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def noisy_curve(n: int = 300, noise: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw z from N(0, 1), and x = g(z) + ``noise`` times a draw from N(0, I).

    Returns
    -------
    x : array, shape (n, 2)
    z : array, shape (n,)
        The latent coordinate of each point; see `curve_point`.

    Raises
    ------
    ValueError
        If ``n`` is no whole number of at least 1, or ``noise`` is negative or not finite.
    """
    n = _at_least(1, n)
    _check_noise(noise)
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    return curve_point(z) + noise * rng.standard_normal((n, 2)), z


def _at_least(least: int, n: int) -> int:
    try:
        count = operator.index(n)
    except TypeError:
        count = 0
    if count < least:
        raise ValueError(f"expected n, a number of points, of {least} or more; got {n!r}")
    return count


def _check_noise(noise: float) -> None:
    if not 0 <= noise < np.inf:
        raise ValueError(f"expected noise, a standard deviation, of 0 or more; got {noise!r}")


def _blob_parameters() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the means (3, 2), the rotations (3, 2, 2), and the width along each turned axis."""
    means = np.array([(-2.2, -0.6), (1.2, -1.4), (0.4, 1.8)])
    tilts = np.stack([_rotation(degrees) for degrees in (65, 20, -15)])
    return means, tilts, np.array([1.3, 0.45])


def _rotation(degrees: float) -> np.ndarray:
    """Return R with x @ R the row vector x turned counter-clockwise."""
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
