"""Exercise: the log density of a mixture of round Gaussians, far from all of them too."""

import math

import numpy as np
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A mixture, far from home",
    page="11-1-1-learning-problems",
    equation="eq-mixture",
    level="core",
    minutes=20,
    trains="You sum over a latent group in logarithms, so that outliers get a finite answer.",
    statement=r"""
A mixture watches over a machine: of each new measurement $\x \in \R^D$ it says how likely it is, and an alarm rings
if $\log p(\x)$ is low. So the points that matter are those that lie far from everything that was learned. There the
density itself is rounded to zero, and $\log 0$ is no measure of anything.

The groups are round, as in the last mixture of the page: group $k$ has the covariance
$\boldsymbol{\Sigma}_k = v_k \mathbf{I}$, with a variance $v_k$ of its own that is the same in all directions. Write
$\log p(\x_i)$ for each point, such that it is right also a hundred standard deviations away.

Before you write: what must come out if all groups have the same mean and the same variance, whatever the weights?
""",
    solution=r"""
For a round Gaussian the exponent is minus the squared distance over $2v_k$, and the determinant in its constant is $v_k^D$.
So the logarithm of one term of {eq}`eq-mixture` is

$$
\log p(z = k) - \frac{\|\x - \boldsymbol{\mu}_k\|^2}{2 v_k} - \frac{D}{2} \log(2\pi v_k) .
$$

The terms are added, not their logarithms. `np.logaddexp` adds two numbers that are given by their logarithms, without
leaving the logarithms: it takes the larger one out first, so that what is left lies between one and two. `.reduce`
goes through all groups that way.

If all groups are alike, the weights add up to one and the density is that of one of them.
""",
    afterwards=r"""
from sklearn.mixture import GaussianMixture

from lecture_lib.toy import blobs

x, _ = blobs(n=600)
fit = GaussianMixture(3, covariance_type="spherical", random_state=0).fit(x)
for away in (0.0, 10.0, 100.0, 1000.0):
    point = np.array([[away, 0.0]])
    model = fit.weights_, fit.means_, fit.covariances_
    log_p = mixture_log_density(point, *model)[0]
    print(f"{away:6} away: log p = {log_p:13.2f}, and p is {np.exp(log_p):.3g}")
""",
)


@exercise.reference
def mixture_log_density(X, weights, means, variances):
    """log p(x) of each point under a mixture of K round Gaussians, in nats.

    X : array, shape (N, D), the points
    weights : array, shape (K,), the probabilities p(z = k) of the groups
    means : array, shape (K, D)
    variances : array, shape (K,), v_k of each group, the same in every direction
    returns : array, shape (N,)
    """
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)  # a column for each group
    log_top = -D / 2 * np.log(2 * np.pi * variances)
    log_terms = np.log(weights) + log_top - squares / (2 * variances)
    return np.logaddexp.reduce(log_terms, axis=1)


@exercise.inputs
def inputs(rng):
    for n, k, d in [(5, 2, 3), (2, 4, 1), (4, 3, 6)]:
        n, weights = n + int(rng.integers(2)), rng.dirichlet(np.full(k, 3.0))
        variances = rng.uniform(0.3, 2.5, size=k)
        yield rng.normal(size=(n, d)), weights, rng.normal(size=(k, d)), variances
    # near points and, in the same call, far ones
    X = np.concatenate([rng.normal(size=(2, 2)), rng.normal(120, 5, size=(2, 2))])
    yield X, np.array([0.2, 0.5, 0.3]), rng.normal(size=(3, 2)), rng.uniform(0.5, 2, size=3)
    yield rng.normal(size=(3, 2)), np.array([1.0]), rng.normal(size=(1, 2)), np.array([1.7])


def _log_terms(X, weights, means, variances):
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - X.shape[1] / 2 * np.log(2 * np.pi * variances)
    return np.log(weights) + log_group


@exercise.mistake
def exponential_first(X, weights, means, variances):
    """Right near the groups, and minus infinity far from them, where the alarm should ring. All terms of a far point
    were rounded to zero before the logarithm was taken. What could be taken out of the sum, for each point?"""
    return np.log(np.exp(_log_terms(X, weights, means, variances)).sum(axis=1))


@exercise.mistake
def largest_not_given_back(X, weights, means, variances):
    """You took the largest term out of the sum, which is a good idea, and did not give it back. As it stands every
    point comes out between zero and log K. Where does it go in the logarithm?"""
    log_terms = _log_terms(X, weights, means, variances)
    return np.logaddexp.reduce(log_terms, axis=1) - log_terms.max(axis=1)


@exercise.mistake
def logarithms_added(X, weights, means, variances):
    """You added the logarithms of the terms, which multiplies the terms. A point comes from one group or another,
    not from all at once. Which of sum and product is that?"""
    return _log_terms(X, weights, means, variances).sum(axis=1)


@exercise.mistake
def mean_of_logarithms(X, weights, means, variances):
    """You averaged the log densities of the groups. The equation averages the densities, and the logarithm comes
    last. With yours, one group that lies far away spoils a point that sits well in another. Which sum is meant?"""
    return _log_terms(X, np.ones_like(weights), means, variances) @ weights


@exercise.mistake
def likeliest_group_only(X, weights, means, variances):
    """For each point you kept the group that gives it most, and dropped the others. Where groups overlap, the others
    give something too. A point could have come from any of them: what follows for the density?"""
    return _log_terms(X, weights, means, variances).max(axis=1)


@exercise.mistake
def weights_forgotten(X, weights, means, variances):
    """All groups count alike and count fully: the weights are missing. As it stands your density has volume K in
    place of one. With which probability does a point come from group k?"""
    return np.logaddexp.reduce(_log_terms(X, np.ones_like(weights), means, variances), axis=1)


@exercise.mistake
def weights_not_in_logarithms(X, weights, means, variances):
    """You added the weights to the log densities as they are. A product of weight and density becomes a sum of two
    logarithms. Of which two?"""
    return np.logaddexp.reduce(_log_terms(X, np.exp(weights), means, variances), axis=1)


@exercise.mistake
def variances_squared(X, weights, means, variances):
    """You squared the variances, as if they were standard deviations. They are variances already: a group with
    variance 4 has standard deviation 2. Where did the square come in?"""
    return np.logaddexp.reduce(_log_terms(X, weights, means, variances**2), axis=1)


@exercise.mistake
def constant_of_one_dimension(X, weights, means, variances):
    """In every group the constant is that of one dimension. A Gaussian in D dimensions has it once for each of them,
    and with groups of different width that changes their shares. What is the power in front of the exponential?"""
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - np.log(2 * np.pi * variances) / 2
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=1)


@exercise.mistake
def constant_left_out(X, weights, means, variances):
    """The constants in front of the exponentials are missing. They differ from group to group, as a wide group has a
    low top. What do they depend on?"""
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    return np.logaddexp.reduce(np.log(weights) - squares / (2 * variances), axis=1)


@exercise.variant
def with_scipy(X, weights, means, variances):
    terms = [
        np.log(weight) + np.atleast_1d(multivariate_normal(mean, variance).logpdf(X))
        for weight, mean, variance in zip(weights, means, variances, strict=True)
    ]
    return logsumexp(terms, axis=0)


@exercise.variant
def with_loops(X, weights, means, variances):
    result = []
    for x in X:
        terms = []
        for weight, mean, variance in zip(weights, means, variances, strict=True):
            term = math.log(weight)
            for a, b in zip(x, mean, strict=True):
                term -= (a - b) ** 2 / (2 * variance) + math.log(2 * math.pi * variance) / 2
            terms.append(term)
        top = max(terms)
        result.append(top + math.log(sum(math.exp(term - top) for term in terms)))
    return result


@exercise.variant
def with_torch(X, weights, means, variances):
    X, weights, means, variances = map(torch.as_tensor, (X, weights, means, variances))
    groups = torch.distributions.Independent(
        torch.distributions.Normal(means, variances.sqrt()[:, None].expand_as(means)), 1
    )
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights), groups
    )
    return mixture.log_prob(X)
