"""Exercise: the log density of points around what a noisy decoder puts out, in any dimension."""

import numpy as np
import torch
from scipy.spatial.distance import cdist

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Round noise in D dimensions",
    page="11-1-3-generative-models",
    equation="eq-curve-likelihood",
    level="warm-up",
    minutes=12,
    trains="You write a Gaussian log density in any number of dimensions, with its constant.",
    statement=r"""
The page's curve lies in the plane, so its likelihood has $1/(2\pi\sigma^2)$ in front. A picture has hundreds of
dimensions, and there the density itself is soon too small or too large for a computer. So we want its logarithm, for
any $D$.

Write $\log p(\x_i \mid \z_s)$ for every data point $\x_i$ and every decoded place $g(\z_s)$, with round noise of
standard deviation $\sigma$: a table with a row for each point and a column for each place. It should be finite also
where the density itself is rounded to zero. Noise on $D$ coordinates is $D$ independent pieces of noise. What follows
for the constant in front?

Before you write: what comes out for a point that lies exactly at its place, if $2\pi\sigma^2 = 1$?
""",
    solution=r"""
The coordinates are independent given $\z$, so the density is a product of $D$ Gaussians in one dimension, each with
$1/\sqrt{2\pi\sigma^2}$ in front. In the logarithm that factor is $-\frac12 \log(2\pi\sigma^2)$, $D$ times; for
$D = 2$ it is $-\log(2\pi\sigma^2)$, the constant of {eq}`eq-curve-likelihood`. The exponents add up to minus the squared distance over $2\sigma^2$. No exponential is left, so nothing can be rounded to zero.

`X[:, None] - places` pairs every point with every place: shapes $(N, 1, D)$ and $(S, D)$ become $(N, S, D)$. The sum
runs over the last axis, the coordinates. With $2\pi\sigma^2 = 1$ the constant is zero, and a point at its place has
log density zero: density one.
""",
    afterwards=r"""
from lecture_lib.datasets import load_digits

digits = load_digits()
pictures, mean = digits.x_test[:3], digits.x_train.mean(axis=0)
for sigma in (0.05, 0.2, 0.3, 0.5, 1.0):
    log_p = decoder_log_density(pictures, mean[None], sigma)[:, 0]
    print(f"sigma {sigma:4}: log p in nats", log_p.round())
# Which sigma suits best? Could you have computed it without trying?
""",
)


@exercise.reference
def decoder_log_density(X, places, sigma):
    """log p(x|z) of every point under every decoded place, in nats.

    X : array, shape (N, D), the points x
    places : array, shape (S, D), the decoded places g(z)
    sigma : number, the standard deviation of the noise in each coordinate
    returns : array, shape (N, S), a row for each point
    """
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma**2)


@exercise.inputs
def inputs(rng):
    for n, s, d in [(4, 2, 3), (2, 6, 5), (3, 1, 7)]:
        n = n + int(rng.integers(3))
        yield rng.normal(size=(n, d)), rng.normal(size=(s, d)), float(rng.uniform(0.3, 0.8))
    yield rng.normal(size=(5, 1)), rng.normal(size=(3, 1)), float(rng.uniform(1.5, 2.5))
    places = rng.normal(size=(2, 4))
    yield places[:1], places, 0.5  # the first place holds the point
    yield rng.normal(size=(3, 20)), rng.normal(size=(2, 20)), 0.06  # densities rounded to zero


def _squares_and_constant(X, places, sigma):
    """The two parts of the right answer: what depends on the distances, and what does not."""
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2), -X.shape[1] / 2 * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def constant_of_the_plane(X, places, sigma):
    """The constant is the one of the page, where the points lie in the plane. Each coordinate brings its own share of
    it. What is the share of one coordinate, and how many are there?"""
    squares, _ = _squares_and_constant(X, places, sigma)
    return squares - np.log(2 * np.pi * sigma**2)


@exercise.mistake
def constant_of_one_dimension(X, places, sigma):
    """The constant is there once, as for a single number. But the density is a product over the coordinates, and each
    of them has that constant in front. How often does it count in the logarithm?"""
    squares, _ = _squares_and_constant(X, places, sigma)
    return squares - np.log(2 * np.pi * sigma**2) / 2


@exercise.mistake
def constant_left_out(X, places, sigma):
    """You left the constant out: a point at its place has log density zero, whatever σ is. But the narrower the
    noise, the higher its density there. What stands in front of the exponential?"""
    squares, _ = _squares_and_constant(X, places, sigma)
    return squares


@exercise.mistake
def constant_twice_as_large(X, places, sigma):
    """The squares are right, and the constant is twice what it should be. In one dimension a root stands in front of
    the exponential. What does a root become in the logarithm?"""
    squares, constant = _squares_and_constant(X, places, sigma)
    return squares + 2 * constant


@exercise.mistake
def half_forgotten(X, places, sigma):
    """Your squares count twice as much as they should: a factor is missing in the exponent. One standard deviation
    off costs half a nat. What does it cost in yours?"""
    squares, constant = _squares_and_constant(X, places, sigma)
    return 2 * squares + constant


@exercise.mistake
def sigma_for_variance(X, places, sigma):
    """Everywhere in your result σ stands where σ² belongs, as if the last argument were the variance. It is the
    standard deviation, in the unit of the coordinates. What is the variance?"""
    squares, constant = _squares_and_constant(X, places, np.sqrt(sigma))
    return squares + constant


@exercise.mistake
def distance_not_squared(X, places, sigma):
    """You took the distance of point and place where its square belongs. Did a norm slip in? It has a root in it that
    the exponent of a Gaussian has not."""
    _, constant = _squares_and_constant(X, places, sigma)
    return -cdist(X, places) / (2 * sigma**2) + constant


@exercise.mistake
def averaged_over_dimensions(X, places, sigma):
    """You averaged over the coordinates. Their log densities add up, because the noise on each is independent of the
    others; the mean is D times too small. Which of the two makes a density of x?"""
    squares, constant = _squares_and_constant(X, places, sigma)
    return (squares + constant) / X.shape[1]


@exercise.mistake
def exponential_first(X, places, sigma):
    """Right where the density is a number that a computer can hold, and minus infinity where it is rounded to zero.
    You took the exponential, and then its logarithm. Is there a way without either?"""
    squares, constant = _squares_and_constant(X, places, sigma)
    return np.log(np.exp(squares)) + constant


@exercise.mistake
def density_itself(X, places, sigma):
    """These are the densities, and their logarithms are asked for. In hundreds of dimensions a density leaves the
    range of a computer's numbers. Can the exponential be left out, rather than undone?"""
    squares, constant = _squares_and_constant(X, places, sigma)
    return np.exp(squares + constant)


@exercise.mistake
def a_row_for_each_place(X, places, sigma):
    """The numbers are right, but your table lies on its side: it has a row for each place. The points come first
    here. Which of the two did you give the new axis?"""
    squares, constant = _squares_and_constant(X, places, sigma)
    return (squares + constant).T


@exercise.variant
def with_loops(X, places, sigma):
    table = np.zeros((len(X), len(places)))
    for i, x in enumerate(X):
        for s, place in enumerate(places):
            for difference in x - place:
                table[i, s] -= 0.5 * (difference / sigma) ** 2
                table[i, s] -= np.log(sigma) + 0.5 * np.log(2 * np.pi)
    return table


@exercise.variant
def with_scipy_distances(X, places, sigma):
    constant = X.shape[1] * np.log(np.sqrt(2 * np.pi) * sigma)
    return -0.5 * cdist(X, places, "sqeuclidean") / sigma**2 - constant


@exercise.variant
def with_torch(X, places, sigma):
    noise = torch.distributions.Normal(torch.as_tensor(places), sigma)
    return noise.log_prob(torch.as_tensor(X)[:, None]).sum(dim=-1)
