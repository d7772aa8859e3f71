"""Exercise: where on a straight line a noisy point came from, as a formula."""

import numpy as np
from scipy.integrate import trapezoid

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Read the story backwards",
    page="11-1-3-generative-models",
    equation="eq-marginal",
    level="core",
    minutes=25,
    trains="You complete a square, and read mean and variance of a posterior from it.",
    by_hand=True,
    statement=r"""
One hidden temperature $z$, with prior $\N(z; 0, 1)$, is read from $D$ sensors at once. Sensor $d$ shows
$x_d = w_d\, z + \sigma \varepsilon_d$ with independent noise $\varepsilon_d \sim \N(0, 1)$: the straight model of the
page. Some sensors react strongly to $z$ (large $w_d$), others hardly. What do all of them together say about $z$?

The product under the integral of the marginal, $p(z)\, p(\x \mid z)$, divided by its area, is the posterior
$p(z \mid \x)$. Its exponent is a quadratic in $z$, so it is a Gaussian. Find its mean and its variance with pencil
and paper, and type them in as formulas.

Two cases to hold your formulas against: what must come out if all $w_d$ are zero? And what if $\sigma$ is very small?
""",
    solution=r"""
Take the logarithm of the product, and keep what depends on $z$. The rest only sets the area.

$$
\begin{aligned}
\log p(z)\, p(\x \mid z) &= -\frac{z^2}{2} - \frac{1}{2\sigma^2} \sum_{d=1}^{D} (x_d - w_d z)^2 + \dots \\
&= -\frac12 \Big(1 + \frac{\mathbf{w}\T\mathbf{w}}{\sigma^2}\Big) z^2 + \frac{\mathbf{w}\T\x}{\sigma^2}\, z + \dots
\end{aligned}
$$

A Gaussian with mean $m$ and variance $v$ has the logarithm $-\frac{1}{2v} z^2 + \frac{m}{v} z + \dots$ So the factor
of $-\frac12 z^2$ is $1/v$, and the factor of $z$ is $m/v$. This is completing the square, read off:

$$
\begin{aligned}
v &= \Big(1 + \frac{\mathbf{w}\T\mathbf{w}}{\sigma^2}\Big)^{-1}
   = \frac{\sigma^2}{\mathbf{w}\T\mathbf{w} + \sigma^2} \\
m &= v\, \frac{\mathbf{w}\T\x}{\sigma^2}
   = \frac{\mathbf{w}\T\x}{\mathbf{w}\T\mathbf{w} + \sigma^2}
\end{aligned}
$$

With all $w_d = 0$ the sensors know nothing, and the prior is left: mean 0, variance 1. With $\sigma \to 0$ the
variance goes to zero and the mean to the least-squares answer $\mathbf{w}\T\x / \mathbf{w}\T\mathbf{w}$. In between
the prior draws the mean towards zero. The variance never depends on $\x$: how sure one can be is known before the
sensors are read. The encoder of a variational autoencoder learns such an answer where none can be written down,
{doc}`11.4.3 <../notebooks/11-4-3-vae>`.
""",
    afterwards=r"""
import matplotlib.pyplot as plt
from scipy.stats import norm

z, w, sigma = np.linspace(-3, 3, 601), np.array([1.2, 0.5]), 0.6
x = 1.5 * w  # what the sensors would show at z = 1.5 without noise
product = norm.pdf(z) * norm.pdf(x, z[:, None] * w, sigma).prod(axis=1)
mean, variance = latent_posterior(x, w, sigma)
plt.plot(z, product / product.sum() / (z[1] - z[0]), label="product / area")
plt.plot(z, norm.pdf(z, mean, variance**0.5), "--", label="yours")
plt.axvline(1.5, color="gray")  # why is the top not here?
plt.legend();
""",
)


@exercise.reference
def latent_posterior(x, w, sigma):
    """Mean and variance of the latent number z, given what all sensors show.

    x : array, shape (D,), what the sensors show
    w : array, shape (D,), how strongly each reacts to z
    sigma : number, the standard deviation of the noise of each sensor
    returns : two numbers, the mean and the variance of p(z|x)
    """
    total = w @ w + sigma**2
    return w @ x / total, sigma**2 / total


@exercise.inputs
def inputs(rng):
    for d in (1, 2, 5):
        yield rng.normal(size=d) + 1, rng.normal(size=d) + 1, float(rng.uniform(0.4, 0.8))
    yield rng.normal(size=3), rng.normal(size=3), float(rng.uniform(1.5, 3))
    yield rng.normal(size=2), np.zeros(2), 0.5  # sensors that do not react


@exercise.mistake
def prior_forgotten(x, w, sigma):
    """This is the answer of the sensors alone, the least-squares fit: the prior is missing. Where no sensor reacts,
    yours divides by zero. What do you know about z before any sensor is read?"""
    with np.errstate(all="ignore"):
        return w @ x / (w @ w), sigma**2 / (w @ w)


@exercise.mistake
def sigma_for_variance(x, w, sigma):
    """Your formulas have σ where σ² belongs. In the exponent the squared deviations are divided by twice the variance
    of the noise. Is σ a variance here?"""
    return w @ x / (w @ w + sigma), sigma / (w @ w + sigma)


@exercise.mistake
def precision_for_variance(x, w, sigma):
    """The mean is right. The second number is one over the variance, the precision: it grows with every further
    sensor. Should you be less sure with more sensors?"""
    total = w @ w + sigma**2
    return w @ x / total, total / sigma**2


@exercise.mistake
def precision_throughout(x, w, sigma):
    """You took the factor of −½ z² in the exponent for the variance, and the mean suffers too. With more sensors that
    factor grows, and so would your doubt. Where does the variance stand in the exponent of a Gaussian?"""
    precision = 1 + w @ w / sigma**2
    return precision * (w @ x) / sigma**2, precision


@exercise.mistake
def half_forgotten(x, w, sigma):
    """Both numbers are twice what they should be. Compare the factor of z² with that of a Gaussian's exponent: there
    a ½ comes with it. Where did yours go?"""
    total = w @ w + sigma**2
    return 2 * (w @ x) / total, 2 * sigma**2 / total


@exercise.mistake
def standard_deviation_for_variance(x, w, sigma):
    """The mean is right. The second number is the standard deviation, and the variance is asked for. Which of the two
    stands in the exponent of a Gaussian, as it is?"""
    total = w @ w + sigma**2
    return w @ x / total, np.sqrt(sigma**2 / total)


@exercise.mistake
def variance_not_reduced(x, w, sigma):
    """The mean is right, and the variance is still that of the prior. After the sensors were read, you know more than
    before. What is the factor of z² in the exponent, all terms together?"""
    return w @ x / (w @ w + sigma**2), 1.0


@exercise.mistake
def sigma_not_in_the_numerator(x, w, sigma):
    """The mean is right. Your variance does not become that of the prior when no sensor reacts, and with little noise
    it does not go to zero. Take one over the factor of −½ z², step by step: where does its σ² go?"""
    total = w @ w + sigma**2
    return w @ x / total, 1 / total


@exercise.mistake
def mean_not_divided(x, w, sigma):
    """The variance is right. The first number is the factor of z in the exponent, which is not yet the mean: it is
    the mean divided by the variance. How do you get the mean from it?"""
    return w @ x / sigma**2, sigma**2 / (w @ w + sigma**2)


@exercise.variant
def by_precision(x, w, sigma):
    precision = 1 + sum(weight**2 for weight in w) / sigma**2
    return sum(
        weight * shown for weight, shown in zip(w, x, strict=True)
    ) / sigma**2 / precision, 1 / precision


@exercise.variant
def by_quadrature(x, w, sigma):
    z = np.linspace(-12, 12, 4001)
    exponent = -(z**2) / 2 - ((x - z[:, None] * w) ** 2).sum(axis=1) / (2 * sigma**2)
    product = np.exp(exponent - exponent.max())
    area = trapezoid(product, z)
    mean = trapezoid(z * product, z) / area
    return mean, trapezoid((z - mean) ** 2 * product, z) / area


@exercise.variant
def by_conditioning_the_joint(x, w, sigma):
    covariance = np.outer(w, w) + sigma**2 * np.eye(len(w))  # of x; that of z and x is w
    gain = np.linalg.solve(covariance, w)
    return gain @ x, 1 - gain @ w
