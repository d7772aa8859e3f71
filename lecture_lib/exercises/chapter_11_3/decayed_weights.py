"""Exercise: weight decay with two prices, by hand."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Two weights, two prices",
    page="11-3-2-finding-directions",
    equation="eq-decay-scalar",
    level="core",
    minutes=20,
    trains="You see what weight decay does when encoder and decoder pay different prices.",
    statement=r"""
The smallest case of all: $D = Q = 1$, centred numbers $x_i$ of variance $s^2$, an encoder $z = \alpha x$ and a decoder
$\hat{x} = \beta z$. The page gives both weights the same price. Now each has its own:

$$
L = s^2 (1 - \alpha\beta)^2 + \mu_A\, \alpha^2 + \mu_B\, \beta^2
$$

with $\mu_A, \mu_B > 0$. Find, with pencil and paper, the minimum at which neither weight is negative, and type your
formulas in.

A way: hold the product $c = \alpha\beta$ fixed and ask how cheap it can be made; what is left is one number.

Before you start: what happens to $\alpha$ and $\beta$ when only the decoder has a price, so that $\mu_A$ goes to
zero?
""",
    solution=r"""
Hold $c = \alpha\beta \ge 0$. The price is
$\mu_A\alpha^2 + \mu_B\beta^2 = (\sqrt{\mu_A}\,\alpha - \sqrt{\mu_B}\,\beta)^2 + 2\sqrt{\mu_A\mu_B}\; c$. The square
is zero for $\sqrt{\mu_A}\,\alpha = \sqrt{\mu_B}\,\beta$: both weights pay the same sum, and the cheapest product
costs $2\sqrt{\mu_A\mu_B}\;c$, in place of the $2\mu c$ of {eq}`eq-decay-price`. What is left is {eq}`eq-decay-scalar`
with the geometric mean of the prices in the place of $\mu$:

$$
c^* = \max\!\Big(0,\ 1 - \frac{\sqrt{\mu_A\mu_B}}{s^2}\Big)
$$

From $\alpha\beta = c^*$ and $\alpha/\beta = \sqrt{\mu_B/\mu_A}$ follow
$\alpha = \sqrt{c^*}\,(\mu_B/\mu_A)^{1/4}$ and $\beta = \sqrt{c^*}\,(\mu_A/\mu_B)^{1/4}$. With equal prices both are
$\sqrt{c^*}$, as in {eq}`eq-decay-optimum`.

If $\mu_A$ goes to zero, the geometric mean does too: nothing shrinks any more. The decoder's weight goes to zero and
the encoder's grows without bound. That is the first question of "What to try" on the page.
""",
    by_hand=True,
)


@exercise.reference
def decayed_weights(s2, mu_a, mu_b):
    """The weights of the minimum, neither of them negative.

    s2 : float > 0, the variance s²
    mu_a : float > 0, the price of the encoder's weight
    mu_b : float > 0, the price of the decoder's weight
    returns : two floats, alpha and beta
    """
    product = max(0, 1 - np.sqrt(mu_a * mu_b) / s2)
    ratio = np.sqrt(mu_b / mu_a)
    return np.sqrt(product * ratio), np.sqrt(product / ratio)


@exercise.inputs
def inputs(rng):
    for s2, mu_a, mu_b in [(2.0, 0.3, 0.5), (0.7, 0.9, 0.1), (1.5, 0.05, 0.8)]:
        yield tuple(float(v) for v in (s2, mu_a, mu_b) * rng.uniform(0.9, 1.1, size=3))
    yield 1.0, 0.25, 0.25
    yield 0.5, 0.4, 1.6  # the price of the product is larger than the variance


def weights(product, ratio):
    return np.sqrt(product * ratio), np.sqrt(product / ratio)


@exercise.mistake
def equal_weights(s2, mu_a, mu_b):
    """Your product is right, but you split it evenly. Where the prices differ, the dear weight should be small and
    the cheap one large. What does each of the two pay in your solution?"""
    return weights(max(0, 1 - np.sqrt(mu_a * mu_b) / s2), 1)


@exercise.mistake
def mean_of_the_prices(s2, mu_a, mu_b):
    """You put the ordinary mean of the two prices in the place of μ. That is the price if both weights are equal,
    which is not the cheapest way. How cheap can a given product be made?"""
    return weights(max(0, 1 - (mu_a + mu_b) / 2 / s2), 1)


@exercise.mistake
def never_switched_off(s2, mu_a, mu_b):
    """Your formula fails where the weights are too dear for the variance: it takes the root of a negative number.
    What is the best product there, if it may not be negative?"""
    return weights(1 - np.sqrt(mu_a * mu_b) / s2, np.sqrt(mu_b / mu_a))


@exercise.mistake
def exchanged(s2, mu_a, mu_b):
    """You have the two weights the wrong way round. If the encoder's weight is dear and the decoder's is cheap, which
    one should be large?"""
    return exercise.solve(s2, mu_a, mu_b)[::-1]


@exercise.mistake
def ratio_without_the_root(s2, mu_a, mu_b):
    """Your product is right, and the dear weight is the small one, but the ratio of the two is off: it is that of the
    prices. The prices multiply squares. Which power of their ratio does that give?"""
    return weights(max(0, 1 - np.sqrt(mu_a * mu_b) / s2), mu_b / mu_a)


@exercise.mistake
def product_not_split(s2, mu_a, mu_b):
    """Each of your weights is the whole product. Multiply them: you get its square. How does the product divide into
    two factors?"""
    product = max(0, 1 - np.sqrt(mu_a * mu_b) / s2)
    return product, product


@exercise.mistake
def product_of_the_prices(s2, mu_a, mu_b):
    """You have the product of the two prices where a price belongs. With equal prices it must give back the formula
    of the page. Does it, for a price of 0.25?"""
    return weights(max(0, 1 - mu_a * mu_b / s2), np.sqrt(mu_b / mu_a))


@exercise.mistake
def each_its_own_price(s2, mu_a, mu_b):
    """You shrank each weight by its own price, as if the other were not there. The two meet in one product: a dear encoder leaves the larger part of it to the decoder. What is the slope of the loss in each?"""
    return np.sqrt(max(0, 1 - mu_a / s2)), np.sqrt(max(0, 1 - mu_b / s2))


@exercise.mistake
def price_doubled(s2, mu_a, mu_b):
    """The price in your product is twice too large. Your ratio is right. When you put the slope to zero, does the error
    bring a factor two as well?"""
    return weights(max(0, 1 - 2 * np.sqrt(mu_a * mu_b) / s2), np.sqrt(mu_b / mu_a))


@exercise.mistake
def price_halved(s2, mu_a, mu_b):
    """The price in your product is half of what it should be. Your ratio is right. The product costs something for the
    encoder and as much for the decoder: did you count both?"""
    return weights(max(0, 1 - np.sqrt(mu_a * mu_b) / (2 * s2)), np.sqrt(mu_b / mu_a))


@exercise.variant
def as_in_the_solution(s2, mu_a, mu_b):
    c = np.maximum(0, 1 - (mu_a * mu_b) ** 0.5 / s2)
    return c**0.5 * (mu_b / mu_a) ** 0.25, c**0.5 * (mu_a / mu_b) ** 0.25


@exercise.variant
def by_cases(s2, mu_a, mu_b):
    mu = np.exp((np.log(mu_a) + np.log(mu_b)) / 2)
    if mu >= s2:
        return 0, 0
    alpha = ((s2 - mu) / s2 * mu_b / mu) ** 0.5
    return torch.tensor(alpha), (mu_a / mu_b) ** 0.5 * alpha
