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
The page's curve lies in the plane, so its likelihood has $2\pi\sigma^2$ in front. A picture has hundreds of
dimensions, and there the density itself is soon too small or too large for a computer. So we want its logarithm, for
any $D$.

Write $\log p(\x_i \mid \z_s)$ for every data point $\x_i$ and every decoded place $g(\z_s)$, with round noise of
standard deviation $\sigma$: a table with a row for each point and a column for each place. Noise on $D$ coordinates
is $D$ independent pieces of noise. What follows for the constant in front?

Before you write: what comes out for a point that lies exactly at its place, if $2\pi\sigma^2 = 1$?
""",
    solution=r"""
The coordinates are independent given $\z$, so the density is a product of $D$ Gaussians in one dimension, each with
$1/\sqrt{2\pi\sigma^2}$ in front. In the logarithm that factor is $-\frac12 \log(2\pi\sigma^2)$, $D$ times; for
$D = 2$ it is $-\log(2\pi\sigma^2)$, the constant of {eq}`eq-curve-likelihood`. The exponents add up to the squared
distance over $2\sigma^2$.

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


@exercise.mistake
def constant_of_the_plane(X, places, sigma):
    """The constant is the one of the page, where the points lie in the plane. Each coordinate brings its own share of
    it. What is the share of one coordinate, and how many are there?"""
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - np.log(2 * np.pi * sigma**2)


@exercise.mistake
def constant_of_one_dimension(X, places, sigma):
    """The constant is there once, as for a single number. But the density is a product over the coordinates, and each
    of them has that constant in front. How often does it count in the logarithm?"""
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - np.log(2 * np.pi * sigma**2) / 2


@exercise.mistake
def constant_left_out(X, places, sigma):
    """You left the constant out: a point at its place has log density zero, whatever σ is. But the narrower the
    noise, the higher its density there. What stands in front of the exponential?"""
    return -((X[:, None] - places) ** 2).sum(axis=2) / (2 * sigma**2)


@exercise.mistake
def two_pi_forgotten(X, places, sigma):
    """The constant knows σ but not 2π. With σ = 1 your densities do not have volume one. What belongs under the root
    together with σ²?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - D * np.log(sigma)


@exercise.mistake
def constant_twice_as_large(X, places, sigma):
    """The squares are right, and the constant is twice what it should be. In one dimension a root stands in front of
    the exponential. What does a root become in the logarithm?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - D * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def sign_of_the_constant(X, places, sigma):
    """The constant has the wrong sign: more noise makes your density higher at its own place. The noise has to share
    one unit of probability over a larger space. Does the constant divide or multiply?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) + D / 2 * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def sigma_for_variance(X, places, sigma):
    """Everywhere in your result σ stands where σ² belongs, as if the last argument were the variance. It is the
    standard deviation, in the unit of the coordinates. What is the variance?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma) - D / 2 * np.log(2 * np.pi * sigma)


@exercise.mistake
def sigma_for_variance_in_the_squares(X, places, sigma):
    """The constant is right, and the squares are divided by σ where σ² belongs. A squared distance has the unit of σ
    squared, and an exponent has no unit. Does that hold for yours?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma) - D / 2 * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def sigma_for_variance_in_the_constant(X, places, sigma):
    """The squares are right, and the constant has σ where σ² belongs. In one dimension the density at the top has the
    unit of one over σ. Which power of σ stands under the root?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma)


@exercise.mistake
def root_of_sigma_only(X, places, sigma):
    """The squares are right. In the constant you took σ² out of the root, and 2π came out whole with it. What is the
    root of a product?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / (2 * sigma**2) - D * np.log(2 * np.pi * sigma)


@exercise.mistake
def half_forgotten(X, places, sigma):
    """Your squares count twice as much as they should: the exponent of a Gaussian has a factor in front of the
    square, and it is missing. One standard deviation off costs half a nat. What does it cost in yours?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return -squares / sigma**2 - D / 2 * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def distance_not_squared(X, places, sigma):
    """You took the distance of point and place where its square belongs. Did a norm slip in? It has a root in it that
    the exponent of a Gaussian has not."""
    D = X.shape[1]
    distances = np.sqrt(((X[:, None] - places) ** 2).sum(axis=2))
    return -distances / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def averaged_over_dimensions(X, places, sigma):
    """You averaged over the coordinates. Their log densities add up, because the noise on each is independent of the
    others; the mean is D times too small. Which of the two makes a density of x?"""
    squares = ((X[:, None] - places) ** 2).mean(axis=2)
    return -squares / (2 * sigma**2) - np.log(2 * np.pi * sigma**2) / 2


@exercise.mistake
def squares_averaged(X, places, sigma):
    """The constant counts every coordinate, but the squares are averaged over them. Independent noise on each
    coordinate makes both of them sums. Is there a mean where a sum belongs?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).mean(axis=2)
    return -squares / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma**2)


@exercise.mistake
def density_itself(X, places, sigma):
    """These are the densities, and their logarithms are asked for. In hundreds of dimensions a density leaves the
    range of a computer's numbers. Can the exponential be left out, rather than undone?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return np.exp(-squares / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** (D / 2)


@exercise.mistake
def a_row_for_each_place(X, places, sigma):
    """The numbers are right, but your table lies on its side: it has a row for each place. The points come first
    here. Which of the two did you give the new axis?"""
    D = X.shape[1]
    squares = ((X[:, None] - places) ** 2).sum(axis=2)
    return (-squares / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma**2)).T


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
