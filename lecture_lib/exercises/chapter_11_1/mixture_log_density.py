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
For a round Gaussian the exponent is the squared distance over $2v_k$, and the determinant in its constant is $v_k^D$.
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
    variances : array, shape (K,), those of the groups, in every direction
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


@exercise.mistake
def variances_squared(X, weights, means, variances):
    """You squared the variances, as if they were standard deviations. They are variances already: a group with
    variance 4 has standard deviation 2. Where did the square come in?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances**2) - D / 2 * np.log(2 * np.pi * variances**2)
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=1)


@exercise.mistake
def root_of_the_variances(X, weights, means, variances):
    """Standard deviations stand where variances belong. The argument holds the variances, and a Gaussian's exponent
    has the variance under the squared distance. Did you take a root that is not needed?"""
    D = X.shape[1]
    sigma = np.sqrt(variances)
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * sigma) - D / 2 * np.log(2 * np.pi * sigma)
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=1)


@exercise.mistake
def weights_forgotten(X, weights, means, variances):
    """All groups count alike and count fully: the weights are missing. As it stands your density has volume K in
    place of one. With which probability does a point come from group k?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return np.logaddexp.reduce(log_group, axis=1)


@exercise.mistake
def equal_weights(X, weights, means, variances):
    """You averaged the densities of the groups, as if all were equally frequent. They have weights of their own.
    Which argument did you not use?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return np.logaddexp.reduce(log_group, axis=1) - np.log(len(weights))


@exercise.mistake
def weights_not_in_logarithms(X, weights, means, variances):
    """You added the weights to the log densities as they are. A product of weight and density becomes a sum of two
    logarithms. Of which two?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return np.logaddexp.reduce(weights + log_group, axis=1)


@exercise.mistake
def constant_of_one_dimension(X, weights, means, variances):
    """In every group the constant is that of one dimension. A Gaussian in D dimensions has it once for each of them,
    and with groups of different width that changes their shares. What is the power in front of the exponential?"""
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - np.log(2 * np.pi * variances) / 2
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=1)


@exercise.mistake
def constant_twice_as_large(X, weights, means, variances):
    """In every group the logarithm of the constant is twice what it should be. In one dimension a root stands in
    front of the exponential. What does a root become in the logarithm?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D * np.log(2 * np.pi * variances)
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=1)


@exercise.mistake
def two_pi_forgotten(X, weights, means, variances):
    """The constants know the variances but not 2π. It is the same for all groups, and still the density must have
    volume one. What belongs in front of each exponential besides the variance?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(variances)
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=1)


@exercise.mistake
def constant_left_out(X, weights, means, variances):
    """The constants in front of the exponentials are missing. They differ from group to group, as a wide group has a
    low top. What do they depend on?"""
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    return np.logaddexp.reduce(np.log(weights) - squares / (2 * variances), axis=1)


@exercise.mistake
def exponential_first(X, weights, means, variances):
    """Right near the groups, and minus infinity far from them: there all densities were rounded to zero before you
    took the logarithm. That is where the alarm should ring. Could the largest term be taken out of the sum first?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    density = np.exp(-squares / (2 * variances)) / (2 * np.pi * variances) ** (D / 2)
    return np.log(density @ weights)


@exercise.mistake
def largest_not_given_back(X, weights, means, variances):
    """You took the largest term out of the sum, which is a good idea, and did not give it back. As it stands every
    point comes out between zero and log K. Where does it go in the logarithm?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    log_terms = np.log(weights) + log_group
    return np.logaddexp.reduce(log_terms, axis=1) - log_terms.max(axis=1)


@exercise.mistake
def mean_of_logarithms(X, weights, means, variances):
    """You averaged the log densities of the groups. The equation averages the densities, and the logarithm comes
    last. With yours, one group that lies far away spoils a point that sits well in another. Which sum is meant?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return log_group @ weights


@exercise.mistake
def likeliest_group_only(X, weights, means, variances):
    """For each point you kept the group that gives it most, and dropped the others. Where groups overlap, the others
    give something too. A point could have come from any of them: what follows for the density?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return (np.log(weights) + log_group).max(axis=1)


@exercise.mistake
def logarithms_added(X, weights, means, variances):
    """You added the logarithms of the terms, which multiplies the terms. A point comes from one group *or* another,
    not from all at once. Which of sum and product is that?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return (np.log(weights) + log_group).sum(axis=1)


@exercise.mistake
def summed_over_points(X, weights, means, variances):
    """You summed over the points, so that one number is left for each group. The density of a point is a sum over the
    groups. Which axis holds those?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    log_group = -squares / (2 * variances) - D / 2 * np.log(2 * np.pi * variances)
    return np.logaddexp.reduce(np.log(weights) + log_group, axis=0)


@exercise.mistake
def density_itself(X, weights, means, variances):
    """You gave the densities; their logarithms are asked for. Far away the density is rounded to zero, and all
    outliers look alike. How can the sum be taken without leaving the logarithms?"""
    D = X.shape[1]
    squares = ((X[:, None] - means) ** 2).sum(axis=2)
    density = np.exp(-squares / (2 * variances)) / (2 * np.pi * variances) ** (D / 2)
    return density @ weights


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
