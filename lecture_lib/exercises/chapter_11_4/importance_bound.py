"""Exercise: the importance-weighted bound, from three log-densities."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Many codes for one x",
    page="11-4-8-importance-weights",
    equation="eq-iwae",
    level="core",
    minutes=20,
    trains="You average weights that no computer can hold, by staying in logarithms.",
    statement=r"""
For each of $B$ observations an encoder has drawn $K$ codes $\z_k \sim q(\z|\x)$. You are given three arrays of
log-densities, all of shape $(K, B)$: $\log p(\x|\z_k)$, $\log p(\z_k)$ and $\log q(\z_k|\x)$. Compute the estimate
of $\log p(\x)$ whose mean is the bound $\mathcal{L}_K$, one value for each observation, in nats.

A digit has $\log p(\x|\z)$ near $-100$, a colour picture may have $-5000$, and with a Gaussian likelihood the
density may be as large as $e^{900}$. Your function has to give a finite number in each case.

Before you write: what must come out for $K = 1$?
""",
    solution=r"""
The weight of a code is $w_k = p(\x|\z_k)\, p(\z_k) / q(\z_k|\x)$, so its logarithm is a sum with one minus sign.
Wanted is the logarithm of the *mean* of the weights, {eq}`eq-iwae`. The mean of the logarithms would be an estimate
of the ELBO with $K$ samples, and is never higher, by Jensen's inequality.

The weights themselves cannot be held: $e^{-900}$ is zero and $e^{900}$ infinite in double precision. With
$m = \max_k \log w_k$ of each column

$$
\log \frac{1}{K} \sum_k w_k = m + \log \frac{1}{K} \sum_k e^{\log w_k - m}
$$

and now the largest term is $e^0 = 1$. Nothing overflows, and what underflows is too small to matter. The maximum is
taken for each observation on its own; one maximum for all could make a whole column underflow. For $K = 1$ the
result is $\log w_1$, a one-sample estimate of the ELBO.
""",
    afterwards="""
import matplotlib.pyplot as plt

# x = z + noise, both standard normal: log p(x = 1.5) is known
rng = np.random.default_rng(0)
for s, style in [(0.5**0.5, "o-"), (1.0, "s--"), (0.4, "^:")]:
    z = 0.75 + s * rng.normal(size=(100, 2000))  # q has the right mean
    log = [-0.5 * (np.log(2 * np.pi) + e**2) for e in (1.5 - z, z)]
    log_q = -0.5 * np.log(2 * np.pi * s**2) - 0.5 * ((z - 0.75) / s) ** 2
    K = [1, 2, 5, 10, 30, 100]
    L = [importance_bound(log[0][:k], log[1][:k], log_q[:k]).mean() for k in K]
    plt.semilogx(K, L, style, label=f"q with s = {s:.2f}")
plt.legend(), plt.xlabel("K"), plt.ylabel("bound, nats");
""",
)


@exercise.reference
def importance_bound(log_lik, log_prior, log_q):
    """The estimate of log p(x) from K weighted codes, for each observation.

    log_lik : array, shape (K, B), log p(x|z) of each code, in nats
    log_prior : array, shape (K, B), log p(z)
    log_q : array, shape (K, B), log q(z|x)
    returns : array, shape (B,), in nats
    """
    log_w = log_lik + log_prior - log_q
    largest = log_w.max(axis=0)
    return largest + np.log(np.exp(log_w - largest).mean(axis=0))


@exercise.inputs
def inputs(rng):
    def parts(K, B, level=0.0):
        log_lik = level - 3 * rng.random((K, B))
        return log_lik, -2 - rng.random((K, B)), -1 - 2 * rng.random((K, B))

    yield parts(int(rng.integers(5, 8)), 3)
    yield parts(1, 4)
    yield parts(int(rng.integers(3, 5)), 2, level=-900.0)
    # one observation with tiny densities, one with huge ones, and codes that miss
    offset = np.array([[-900.0, 900, 2], [-901, 899, -1600], [-902, 900.5, 1], [-901, 0, -1600]])
    log_lik, log_prior, log_q = parts(4, 3)
    yield log_lik + offset, log_prior, log_q


def _log_mean_exp(log_w, axis=0):
    return np.logaddexp.reduce(log_w, axis=axis) - np.log(log_w.shape[axis])


@exercise.mistake
def weights_underflow(log_lik, log_prior, log_q):
    """Right for moderate weights, but your exponentials become zero or infinite where log-weights are near ±900. Only
    ratios of weights need to be held. What could you subtract from all logarithms first, and add again at the end?"""
    return np.log(np.exp(log_lik + log_prior - log_q).mean(axis=0))


@exercise.mistake
def mean_of_the_logarithms(log_lik, log_prior, log_q):
    """You averaged the logarithms of the weights. That is the ELBO, estimated with K codes, and never above what is
    asked for. Does the mean in the equation stand inside the logarithm or outside?"""
    return (log_lik + log_prior - log_q).mean(axis=0)


@exercise.mistake
def sum_in_place_of_the_mean(log_lik, log_prior, log_q):
    """Your result is the logarithm of the sum of the weights. It grows with every code you draw, and log p(x) does not.
    For a single code it is right; what is missing for more?"""
    return np.logaddexp.reduce(log_lik + log_prior - log_q, axis=0)


@exercise.mistake
def one_maximum_for_all(log_lik, log_prior, log_q):
    """You take care of large numbers, but with one maximum for the whole array. Beside an observation with huge
    densities, all weights of another become zero. Whose weights are compared with each other?"""
    log_w = log_lik + log_prior - log_q
    return log_w.max() + np.log(np.exp(log_w - log_w.max()).mean(axis=0))


@exercise.mistake
def maximum_not_added_again(log_lik, log_prior, log_q):
    """You took the largest log-weight off, so that nothing overflows, and did not put it back. Your result does not
    change when all densities are multiplied by ten. What belongs to it at the end?"""
    log_w = log_lik + log_prior - log_q
    return _log_mean_exp(log_w) - log_w.max(axis=0)


@exercise.mistake
def over_the_wrong_axis(log_lik, log_prior, log_q):
    """You averaged over the observations, so that one number is left for each code. The codes of one observation belong
    together. Which axis do they lie along?"""
    return _log_mean_exp(log_lik + log_prior - log_q, axis=1)


@exercise.mistake
def prior_left_out(log_lik, log_prior, log_q):
    """Your weights lack the prior p(z). Without it, a code in a place that the model never uses counts as much as any.
    Which three densities make up a weight?"""
    return _log_mean_exp(log_lik - log_q)


@exercise.mistake
def proposal_left_out(log_lik, log_prior, log_q):
    """Your weights lack q(z|x). The codes were drawn from q, so places that q likes come up too often, and the weight
    has to make up for that. How?"""
    return _log_mean_exp(log_lik + log_prior)


@exercise.mistake
def proposal_multiplied(log_lik, log_prior, log_q):
    """Your weights are multiplied by q(z|x). Then a code that q draws often counts more still, twice over. Should it
    not count less?"""
    return _log_mean_exp(log_lik + log_prior + log_q)


@exercise.mistake
def logarithm_divided_by_the_number(log_lik, log_prior, log_q):
    """You divide the logarithm of the sum by the number of codes. The mean is taken of the weights, before the
    logarithm. What does a division become once it is inside the logarithm?"""
    return np.logaddexp.reduce(log_lik + log_prior - log_q, axis=0) / len(log_q)


@exercise.variant
def with_torch(log_lik, log_prior, log_q):
    log_w = torch.as_tensor(log_lik + log_prior - log_q)
    return torch.logsumexp(log_w, dim=0) - np.log(len(log_w))


@exercise.variant
def with_scipy(log_lik, log_prior, log_q):
    from scipy.special import logsumexp

    log_w = log_lik - (log_q - log_prior)
    return logsumexp(log_w, axis=0, b=1 / len(log_w))


@exercise.variant
def with_a_running_total(log_lik, log_prior, log_q):
    total = np.full(log_lik.shape[1], -np.inf)
    for row in log_lik + log_prior - log_q:
        total = np.logaddexp(total, row)
    return total - np.log(len(log_lik))
