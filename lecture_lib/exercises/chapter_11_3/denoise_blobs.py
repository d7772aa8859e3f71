"""Exercise: the best denoiser for round clusters."""

import numpy as np
import torch
from scipy.special import softmax

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The best denoiser for round clusters",
    page="11-3-5-denoising",
    equation="eq-dae-score",
    level="core",
    minutes=30,
    trains="You denoise exactly, by the slope of a log-density, and keep its exponentials in range.",
    statement=r"""
Clean points come from $K$ round clusters: with probability $\pi_k$ from $\N(\mathbf{m}_k, \rho^2\mathbf{I})$. Noise
from $\N(\mathbf{0}, \tau^2\mathbf{I})$ is added. No network is needed here: $p_\tau$ can be written down, and with it
the best answer $r^*(\mathbf{y})$.

Write it for a batch of noisy points. First ask which cluster a noisy point may have come from, and with what
probability. Then ask what the answer would be if the cluster were known.

It must also work for a point a hundred standard deviations away, where every Gaussian density is zero for a computer.

Predict: where does the best answer lie for $\rho = 0$, and where for $\tau = 0$?
""",
    solution=r"""
A sum of independent Gaussians is Gaussian, so noisy points of cluster $k$ follow $\N(\mathbf{m}_k, v\,\mathbf{I})$ with
$v = \rho^2 + \tau^2$, and $p_\tau$ is the mixture of these. The score of a mixture is the mean of its parts' scores
$(\mathbf{m}_k - \mathbf{y}) / v$, weighted by the probability $w_k$ that $\mathbf{y}$ came from part $k$. By
{eq}`eq-dae-score`

$$
\begin{aligned}
r^*(\mathbf{y}) &= \mathbf{y} + \frac{\tau^2}{v} \sum_{k=1}^{K} w_k\, (\mathbf{m}_k - \mathbf{y}), \\
w_k &\propto \pi_k \exp\!\Big(\!-\frac{\|\mathbf{y} - \mathbf{m}_k\|^2}{2v}\Big)
\end{aligned}
$$

The normalising constants of the Gaussians are all alike and cancel. If the cluster were known, the answer would lie
$\tau^2 / v$ of the way to its centre: the Wiener filter {eq}`eq-dae-linear-optimum` once more, with $s^2 = \rho^2$.
For $\rho = 0$ the answer is a weighted mean of the centres, for $\tau = 0$ the point itself.

Far out all exponentials underflow to zero, and zero divided by zero is no number. Only ratios of the $w_k$ count, so
the largest logarithm is taken off first. Then the largest term is one.
""",
    afterwards="""
import matplotlib.pyplot as plt

rng = np.random.default_rng(0)
centres = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])
x = centres[rng.integers(3, size=300)] + 0.3 * rng.normal(size=(300, 2))
y = x + 0.8 * rng.normal(size=x.shape)
answers = denoise_blobs(y, centres, np.ones(3) / 3, 0.3, 0.8)
for points, name in [(y, "noisy"), (answers, "denoised"), (x, "clean")]:
    plt.plot(*points.T, ".", label=name)
    error = ((points - x) ** 2).sum(axis=1).mean()
    print(f"{name}: squared error {error:.2f}")
plt.axis("equal"), plt.legend();
""",
)


@exercise.reference
def denoise_blobs(Y, centres, pi, rho, tau):
    """The best answers to noisy points whose clean ones form round clusters.

    Y : array, shape (N, D), noisy points, one a row
    centres : array, shape (K, D)
    pi : array, shape (K,), the probabilities of the clusters
    rho : float, the standard deviation of a cluster in each direction
    tau : float, the standard deviation of the noise in each direction
    returns : array, shape (N, D)
    """
    variance = rho**2 + tau**2
    steps = centres - Y[:, None]  # (N, K, D)
    log_w = np.log(pi) - (steps**2).sum(axis=2) / (2 * variance)
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    w = w / w.sum(axis=1, keepdims=True)
    return Y + tau**2 / variance * (w[:, :, None] * steps).sum(axis=1)


@exercise.inputs
def inputs(rng):
    for rows, parts, dims in [(6, 3, 2), (4, 2, 3), (5, 4, 1)]:
        centres = 1.3 * rng.normal(size=(parts, dims))
        pi = rng.uniform(0.1, 1, size=parts)
        Y = centres[rng.integers(parts, size=rows)] + rng.normal(size=(rows, dims))
        yield Y, centres, pi / pi.sum(), rng.uniform(0.4, 0.6), rng.uniform(0.7, 1.0)
    centres = rng.normal(size=(3, 2))
    yield rng.normal(size=(1, 2)), centres, np.array([0.6, 0.3, 0.1]), 0.0, 0.8
    far = np.array([[60.0, 5.0], [-40.0, 50.0]]) + rng.normal(size=(2, 2))
    yield far, centres, np.array([0.2, 0.5, 0.3]), 0.3, 0.5


def log_weights(Y, centres, pi, variance):
    return np.log(pi) - ((Y[:, None] - centres) ** 2).sum(axis=2) / (2 * variance)


def responsibilities(Y, centres, pi, variance):
    return softmax(log_weights(Y, centres, pi, variance), axis=1)


def answer(Y, centres, w, share):
    return Y + share * (w @ centres - Y)


@exercise.mistake
def exponentials_underflow(Y, centres, pi, rho, tau):
    """Your answer is right near the clusters and no number far away. There all exponentials are zero, and zero is
    divided by zero. Only ratios of them matter: what can be taken off all exponents first?"""
    variance = rho**2 + tau**2
    w = np.exp(log_weights(Y, centres, pi, variance))
    return answer(Y, centres, w / w.sum(axis=1, keepdims=True), tau**2 / variance)


@exercise.mistake
def clusters_without_width(Y, centres, pi, rho, tau):
    """You treated the clusters as single points. They have a width: noisy points spread more than the noise alone would
    make them, and clean points need not sit at a centre. Where should ρ enter?"""
    return answer(Y, centres, responsibilities(Y, centres, pi, tau**2), 1)


@exercise.mistake
def always_at_the_centres(Y, centres, pi, rho, tau):
    """Your weights are right, and your answer is the weighted mean of the centres. In a cluster with a width, a point
    away from the centre may be clean. How far towards the centre would you move if the cluster were known?"""
    return answer(Y, centres, responsibilities(Y, centres, pi, rho**2 + tau**2), 1)


@exercise.mistake
def weights_of_the_noise_alone(Y, centres, pi, rho, tau):
    """Your step has the right length, but the weights know only the noise. How far from its centre does a noisy point
    of a cluster lie? Two things move it."""
    return answer(Y, centres, responsibilities(Y, centres, pi, tau**2), tau**2 / (rho**2 + tau**2))


@exercise.mistake
def half_forgotten(Y, centres, pi, rho, tau):
    """Your weights decide too sharply. The exponent of a Gaussian has a factor that yours lacks. Which one stands in
    front of the squared distance?"""
    variance = rho**2 + tau**2
    return answer(Y, centres, responsibilities(Y, centres, pi, variance / 2), tau**2 / variance)


@exercise.mistake
def clusters_equally_likely(Y, centres, pi, rho, tau):
    """Your answer takes all clusters for equally likely. A point half way between a common and a rare cluster rather
    comes from the common one. Which argument did you not use?"""
    variance = rho**2 + tau**2
    w = responsibilities(Y, centres, np.ones(len(pi)), variance)
    return answer(Y, centres, w, tau**2 / variance)


@exercise.mistake
def one_cluster_chosen(Y, centres, pi, rho, tau):
    """You picked the likeliest cluster for each point and ignored the others. Half way between two clusters your answer
    jumps. The best one is a mean over all: with which weights?"""
    variance = rho**2 + tau**2
    w = responsibilities(Y, centres, pi, variance)
    return answer(Y, centres, (w == w.max(axis=1, keepdims=True)) * 1.0, tau**2 / variance)


@exercise.mistake
def shares_exchanged(Y, centres, pi, rho, tau):
    """Your step has the share of the signal where that of the noise belongs. Without noise the answer should be the
    point itself. What does yours give there?"""
    variance = rho**2 + tau**2
    w = responsibilities(Y, centres, pi, variance)
    return answer(Y, centres, w, rho**2 / variance)


@exercise.mistake
def only_the_step(Y, centres, pi, rho, tau):
    """You gave the step from the noisy point, not the place it leads to. The left side of the equation is the residual.
    What is the answer itself?"""
    return exercise.solve(Y, centres, pi, rho, tau) - Y


@exercise.mistake
def normalised_over_points(Y, centres, pi, rho, tau):
    """Your weights add up to one over the points, for each cluster. Each point has come from exactly one cluster. Over
    which axis should they add up to one?"""
    variance = rho**2 + tau**2
    w = softmax(log_weights(Y, centres, pi, variance), axis=0)
    step = (w[:, :, None] * (centres - Y[:, None])).sum(axis=1)
    return Y + tau**2 / variance * step


@exercise.mistake
def no_step_far_away(Y, centres, pi, rho, tau):
    """Right near the clusters; far away your answer is the noisy point itself, because all weights have become zero. A
    small number in a denominator hides that. What can be taken off all exponents first?"""
    variance = rho**2 + tau**2
    w = np.exp(log_weights(Y, centres, pi, variance))
    w = w / (w.sum(axis=1, keepdims=True) + 1e-300)
    step = (w[:, :, None] * (centres - Y[:, None])).sum(axis=1)
    return Y + tau**2 / variance * step


@exercise.variant
def point_by_point(Y, centres, pi, rho, tau):
    result = []
    for y in Y:
        logs = [
            np.log(p) - ((y - m) @ (y - m)) / 2 / (rho**2 + tau**2)
            for p, m in zip(pi, centres, strict=True)
        ]
        w = np.exp(np.array(logs) - max(logs))
        mean = sum(weight * (rho**2 * y + tau**2 * m) for weight, m in zip(w, centres, strict=True))
        result.append(mean / w.sum() / (rho**2 + tau**2))
    return result


@exercise.variant
def by_the_slope(Y, centres, pi, rho, tau):
    y = torch.tensor(Y, requires_grad=True)
    scale = (rho**2 + tau**2) ** 0.5
    clusters = torch.distributions.MultivariateNormal(
        torch.as_tensor(centres), scale_tril=scale * torch.eye(Y.shape[1], dtype=torch.float64)
    )
    log_p = torch.logsumexp(clusters.log_prob(y[:, None]) + torch.as_tensor(pi).log(), dim=1)
    (score,) = torch.autograd.grad(log_p.sum(), y)
    return y + tau**2 * score


@exercise.variant
def by_matrices(Y, centres, pi, rho, tau):
    v = rho**2 + tau**2
    # |y|² is the same for all clusters and cancels
    w = softmax((Y @ centres.T - (centres**2).sum(axis=1) / 2) / v + np.log(pi), axis=1)
    return (rho**2 * Y + tau**2 * w @ centres) / v
