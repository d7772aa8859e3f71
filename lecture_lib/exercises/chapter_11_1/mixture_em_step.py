"""Exercise: one step of expectation-maximisation for a mixture of round Gaussians."""

import numpy as np
import torch
from scipy.special import softmax

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Learn a mixture yourself",
    page="11-1-1-learning-problems",
    equation="eq-mixture",
    level="project",
    minutes=60,
    trains="You learn a latent variable model: guess what is hidden, learn from the guess, repeat.",
    statement=r"""
If we knew the group of each point, learning a mixture would be easy: count, average, measure the spread. If we knew
the mixture, Bayes' rule would tell the groups. We know neither, so we go in circles. Each round is a step of
*expectation-maximisation* (EM), and makes the data no less likely. Write one, for groups of covariance
$v_k \mathbf{I}$:

1. **Guess.** With the present mixture, find the *responsibilities* $r_{ik} = p(z = k \mid \x_i)$ of the groups for
   each point.
2. **Learn.** Let each point count in group $k$ with weight $r_{ik}$. The new weight is the group's share of all
   points, the new mean its weighted average, and the new $v_k$ the weighted average of the squared deviation from the
   new mean, over points *and* coordinates.

Some points are outliers, far from all groups. Which constants cancel in $r_{ik}$, and which factor may you take out
so that the densities of a point are not all rounded to zero?
""",
    solution=r"""
By Bayes' rule $r_{ik}$ is the term of group $k$ in {eq}`eq-mixture`, divided by the sum of all terms for that point.
What is the same for all groups cancels: the power of $2\pi$, and the largest term of the row, which is taken out so
that the terms of a point are never all rounded to zero. The factor $v_k^{-D/2}$ does not cancel.

With the responsibilities held fixed, the weights, means and variances of the second step maximise the expected log
density of points and groups together, $\sum_{ik} r_{ik} \log p(\x_i, z = k)$. Write $N_k = \sum_i r_{ik}$.

- The weights occur in $\sum_k N_k \log p(z = k)$, with the side condition that they sum to one. With a Lagrange
  multiplier $\lambda$ for it, $N_k / p(z = k) = \lambda$ for all $k$. So they are proportional to $N_k$, and
  $p(z = k) = N_k / N$.
- For the means, the derivative $\sum_i r_{ik} (\x_i - \boldsymbol{\mu}_k) / v_k$ is zero at the weighted average.
- The variance occurs in $-\frac{D}{2} N_k \log v_k - \frac{1}{2 v_k} S_k$ with
  $S_k = \sum_i r_{ik} \|\x_i - \boldsymbol{\mu}_k\|^2$. The derivative
  $-\frac{D N_k}{2 v_k} + \frac{S_k}{2 v_k^2}$ is zero at $v_k = S_k / (D N_k)$. The $D$ is there because a round
  group has one variance for $D$ coordinates.

That the likelihood cannot fall is the bound of {doc}`11.4.2 <../notebooks/11-4-2-elbo>` at work: the first step makes
the bound touch $\log p$, the second raises it.
""",
    afterwards=r"""
import matplotlib.pyplot as plt
from lecture_lib.toy import blobs

x, hidden = blobs(n=600)
weights, means, variances = np.ones(3) / 3, x[:3], np.full(3, 9.0)
for step in range(60):
    weights, means, variances = mixture_em_step(x, weights, means, variances)
print("weights", weights.round(3), "  variances", variances.round(3))
plt.scatter(*x.T, c=hidden, s=8)  # the colours it never saw
for mean, radius in zip(means, np.sqrt(variances)):
    plt.gca().add_patch(plt.Circle(mean, 2 * radius, fill=False))
plt.axis("equal");
""",
)


@exercise.reference
def mixture_em_step(X, weights, means, variances):
    """The parameters of a mixture of K round Gaussians after one step of EM.

    X : array, shape (N, D), the points
    weights : array, shape (K,), p(z = k) of the groups before the step
    means : array, shape (K, D)
    variances : array, shape (K,), v_k of each group, the same in every direction
    returns : new weights (K,), means (K, D) and variances (K,)
    """
    N, D = X.shape
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_top = -D / 2 * np.log(variances)  # the power of 2 pi cancels
    log_terms = np.log(weights) + log_top - squares / (2 * variances)
    terms = np.exp(log_terms - log_terms.max(axis=1, keepdims=True))
    r = terms / terms.sum(axis=1, keepdims=True)

    counts = r.sum(axis=0)
    new_means = r.T @ X / counts[:, None]
    squares = ((X[:, None] - new_means) ** 2).sum(axis=2)
    new_variances = (r * squares).sum(axis=0) / (D * counts)
    return counts / N, new_means, new_variances


@exercise.inputs
def inputs(rng):
    for n, k, d in [(9, 2, 3), (12, 3, 2), (15, 2, 5), (11, 4, 1)]:
        n, weights = n + int(rng.integers(4)), rng.dirichlet(np.full(k, 8.0))
        means = rng.normal(size=(k, d))
        means[:, 0] += 3.0 * rng.permutation(k)
        X = rng.normal(size=(n, d)) + means.mean(axis=0)
        X[:k] = means + 0.2 * rng.normal(size=(k, d))  # no group is left without points
        yield X, weights, means, rng.uniform(0.7, 1.8, size=k)
    # an outlier, and as always groups of different width
    X = np.concatenate([rng.normal(size=(8, 2)), [[80.0, -60.0]]])
    yield X, np.array([0.4, 0.6]), X[:2] + 0.1, np.array([0.8, 1.6])


@exercise.mistake
def normalised_over_points(X, weights, means, variances):
    """Your responsibilities sum to one over the points of each group. They are the probabilities of the groups for
    each point, so each point has one unit to give away. Along which axis must they sum to one?"""
    r = softmax(_log_terms(X, weights, means, variances), axis=0)
    return _learned(X, r)


@exercise.mistake
def weights_forgotten(X, weights, means, variances):
    """The present weights play no part in your responsibilities. If one group is ten times as frequent as another, a
    point between them belongs rather to the frequent one. Which factor of Bayes' rule says that?"""
    r = softmax(_log_terms(X, np.ones_like(weights), means, variances), axis=1)
    return _learned(X, r)


@exercise.mistake
def width_forgotten(X, weights, means, variances):
    """In your responsibilities the factor in front of the exponential is missing. It does not cancel: a wide group
    has a low top. Which part of that factor differs between the groups?"""
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    return _learned(X, softmax(np.log(weights) - squares / (2 * variances), axis=1))


@exercise.mistake
def width_of_one_dimension(X, weights, means, variances):
    """In your responsibilities the factor in front of the exponential is that of one dimension. It is there once for
    each coordinate, and does not cancel where groups differ in width. To which power does it go?"""
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_terms = np.log(weights) - np.log(variances) / 2 - squares / (2 * variances)
    return _learned(X, softmax(log_terms, axis=1))


@exercise.mistake
def exponential_first(X, weights, means, variances):
    """Right as long as no point is far away. For an outlier all densities are rounded to zero, and zero over zero is
    NaN, which spreads to everything. What could be taken out of each row before the exponential?"""
    terms = np.exp(_log_terms(X, weights, means, variances))
    return _learned(X, terms / terms.sum(axis=1, keepdims=True))


@exercise.mistake
def each_point_to_one_group(X, weights, means, variances):
    """You gave each point wholly to its likeliest group, as k-means does. A point between two groups belongs a little
    to both, and says so by its responsibilities. What are they before you pick the largest?"""
    likeliest = _log_terms(X, weights, means, variances).argmax(axis=1)
    return _learned(X, np.eye(len(weights))[likeliest])


@exercise.mistake
def old_means_in_the_variance(X, weights, means, variances):
    """Weights and means are right. Your variances are taken about the old means, and so come out too large. About
    which point is a spread smallest?"""
    new_weights, new_means, v = mixture_em_step(X, weights, means, variances)
    return new_weights, new_means, v + ((new_means - means) ** 2).mean(axis=1)


@exercise.mistake
def not_divided_by_dimensions(X, weights, means, variances):
    """Weights and means are right. Your variances are D times too large: the squared distance sums D squared
    deviations, and the variance is that of one coordinate. Over how many numbers does the average run?"""
    new_weights, new_means, v = mixture_em_step(X, weights, means, variances)
    return new_weights, new_means, v * X.shape[1]


@exercise.mistake
def variances_divided_by_all_points(X, weights, means, variances):
    """Weights and means are right. Your variances are divided by the number of all points, which makes every group
    too narrow. How many points does a group have, in responsibilities?"""
    new_weights, new_means, v = mixture_em_step(X, weights, means, variances)
    return new_weights, new_means, v * new_weights


@exercise.mistake
def means_divided_by_all_points(X, weights, means, variances):
    """Your means are sums over the group, divided by the number of all points. So they shrink towards zero, more so
    for small groups, and the variances suffer with them. How many points does a group have, in responsibilities?"""
    return _about_shrunken_means(*mixture_em_step(X, weights, means, variances))


@exercise.mistake
def all_divided_by_all_points(X, weights, means, variances):
    """Your weights are right. Means and variances are sums over a group, divided by the number of all points, as if
    every point belonged to it wholly. How many points does a group have, in responsibilities?"""
    w, shrunken, v = _about_shrunken_means(*mixture_em_step(X, weights, means, variances))
    return w, shrunken, v * w


def _about_shrunken_means(w, new_means, v):
    shrunken = new_means * w[:, None]
    return w, shrunken, v + ((new_means - shrunken) ** 2).mean(axis=1)


def _log_terms(X, weights, means, variances):
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    return np.log(weights) - X.shape[1] / 2 * np.log(variances) - squares / (2 * variances)


def _learned(X, r):
    counts = r.sum(axis=0)
    means = r.T @ X / counts[:, None]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    return counts / len(X), means, (r * squares).sum(axis=0) / (X.shape[1] * counts)


@exercise.variant
def with_softmax_and_second_moments(X, weights, means, variances):
    r = softmax(_log_terms(X, weights, means, variances), axis=1)
    new_means = np.einsum("ik,id->kd", r, X) / r.sum(axis=0)[:, None]
    second = np.einsum("ik,id,id->k", r, X, X) / r.sum(axis=0)
    return r.mean(axis=0), new_means, (second - (new_means**2).sum(axis=1)) / X.shape[1]


@exercise.variant
def with_loops(X, weights, means, variances):
    N, D, r = *X.shape, []
    for x in X:
        logs = [
            np.log(weight) - D * np.log(v) / 2 - sum((x - mean) ** 2) / (2 * v)
            for weight, mean, v in zip(weights, means, variances, strict=True)
        ]
        r.append([np.exp(log - np.logaddexp.reduce(logs)) for log in logs])
    groups = []
    for shares in zip(*r, strict=True):
        count = sum(shares)
        mean = sum(share * x for share, x in zip(shares, X, strict=True)) / count
        spread = sum(share * sum((x - mean) ** 2) for share, x in zip(shares, X, strict=True))
        groups.append((count / N, mean, spread / count / D))
    return tuple(list(part) for part in zip(*groups, strict=True))


@exercise.variant
def with_torch(X, weights, means, variances):
    X, weights, means, variances = map(torch.as_tensor, (X, weights, means, variances))
    noise = torch.distributions.Normal(means, variances.sqrt()[:, None])
    r = (weights.log() + noise.log_prob(X[:, None]).sum(dim=2)).softmax(dim=1)
    share = r / r.sum(dim=0)
    new_means = share.T @ X
    return (
        r.mean(dim=0),
        new_means,
        (share * (X[:, None] - new_means).square().mean(dim=2)).sum(dim=0),
    )
