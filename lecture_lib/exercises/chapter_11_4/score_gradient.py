"""Exercise: the score-function estimate of a gradient, with a baseline."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A gradient without slopes",
    page="11-4-4-reparameterisation",
    equation="eq-gaussian-score",
    level="core",
    minutes=20,
    trains="You can estimate a gradient from values alone, and change the parameter by the chain rule.",
    statement=r"""
An experiment is run at settings $z_s$ that are drawn from $\N(\mu, \sigma^2)$, and each run earns a reward
$f(z_s)$. Nobody knows a formula for $f$, so its slopes cannot be had, and the pathwise estimator is out of the
question. To move $\mu$ and the width uphill all the same, use the score function, with a constant baseline $b$ that
is known from earlier runs.

As in the encoder of a VAE, the width is given by its logarithm, $\log\sigma$, and the slope in $\log\sigma$ is
wanted, not that in $\sigma$. Return, draw by draw, the estimates of the slopes of $\E[f(z)]$ in $\mu$ and in
$\log\sigma$. Before you write: what is the sign of each slope for a lucky draw close to $\mu$, and for one far
away?
""",
    solution=r"""
Each draw gives $(f(z_s) - b)$ times the score, {eq}`eq-score-function` with the baseline of {eq}`eq-baseline`. With
$\varepsilon = (z - \mu)/\sigma$ the score {eq}`eq-gaussian-score` in $\mu$, $(z - \mu)/\sigma^2$, is
$\varepsilon/\sigma$. In $\log\sigma$ the chain rule brings in $\partial\sigma/\partial\log\sigma = \sigma$:

$$
\frac{\partial \log q}{\partial \log\sigma} = \sigma \Big( \frac{(z - \mu)^2}{\sigma^3} - \frac{1}{\sigma} \Big)
= \varepsilon^2 - 1 .
$$

No power of $\sigma$ is left: a step in $\log\sigma$ is a step by a factor, and means the same for a wide $q$ as for
a narrow one. A lucky draw, one with $f > b$, pulls $\mu$ towards itself. Within one $\sigma$ of the mean it makes $q$
narrower, further out it makes $q$ wider. The
mean of either score is zero, so $b$ moves no mean. It must not be made from the draw that it is subtracted from, or
the estimate is biased.
""",
    afterwards=r"""
# f has a step, and no slope anywhere; yet the mean has one
rng = np.random.default_rng(0)
z = 0.3 + 0.5 * rng.normal(size=100_000)
f = 10 + (z > 1)  # a prize for every run beyond 1
for baseline in [0, 10]:
    in_mu, in_log = score_gradient(f, z, 0.3, np.log(0.5), baseline)
    print(f"baseline {baseline:2}: in mu {in_mu.mean():.3f}", end="")
    print(f" ± {in_mu.std() / len(z) ** 0.5:.3f}", end="")
    print(f", in log sigma {in_log.mean():.3f}", end="")
    print(f" ± {in_log.std() / len(z) ** 0.5:.3f}")
edge = np.exp(-(0.7**2) / 0.5) / np.sqrt(2 * np.pi * 0.25)  # q at the step
print(f"exactly:     in mu {edge:.3f}, in log sigma {0.7 * edge:.3f}")
""",
)


@exercise.reference
def score_gradient(f_values, z, mu, log_sigma, baseline):
    """Score-function estimates of two slopes of the mean of f, draw by draw.

    f_values : array, shape (S,), f at each draw
    z : array, shape (S,), draws from N(mu, sigma²)
    mu, log_sigma : numbers, the mean and log sigma
    baseline : number, subtracted from f
    returns : the slopes in mu, shape (S,), and in log sigma, shape (S,)
    """
    sigma = np.exp(log_sigma)
    eps = (z - mu) / sigma
    better = f_values - baseline
    return better * eps / sigma, better * (eps**2 - 1)


@exercise.inputs
def inputs(rng):
    for draws, low, high in [(5, 0.4, 0.8), (7, 1.3, 2.5), (1, 0.3, 0.7)]:
        mu, sigma = rng.normal(), rng.uniform(low, high)
        z = mu + sigma * rng.normal(size=draws + rng.integers(2))
        yield np.sin(3 * z) + 2, z, mu, np.log(sigma), rng.uniform(0.5, 1.5)
    z = 0.6 * rng.normal(size=6)
    yield z**2, z, 0.0, np.log(0.6), 0.36


@exercise.mistake
def baseline_ignored(f_values, z, mu, log_sigma, baseline):
    """Your estimate makes no use of the baseline. It is right on average, and with a good baseline it would be
    less noisy. Where does a constant enter without changing the mean?"""
    sigma = np.exp(log_sigma)
    return f_values * (z - mu) / sigma**2, f_values * ((z - mu) ** 2 / sigma**2 - 1)


@exercise.mistake
def slope_in_sigma(f_values, z, mu, log_sigma, baseline):
    """The slope in μ is right. Your second one is the slope in σ, and the slope in log σ is asked for. How much
    does σ change when log σ changes a little?"""
    f, sigma = f_values - baseline, np.exp(log_sigma)
    return f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**3 - 1 / sigma)


@exercise.mistake
def slope_divided_by_sigma(f_values, z, mu, log_sigma, baseline):
    """Your second slope has the chain rule upside down: it is the slope in σ, divided by σ. What is the derivative of
    σ with respect to log σ, and does one multiply or divide by it?"""
    f, sigma = f_values - baseline, np.exp(log_sigma)
    return f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**3 - 1 / sigma) / sigma


@exercise.mistake
def log_sigma_for_sigma(f_values, z, mu, log_sigma, baseline):
    """You used `log_sigma` as if it were σ, although it can be negative. What undoes the logarithm?"""
    f, sigma = f_values - baseline, log_sigma
    return f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**2 - 1)


@exercise.mistake
def log_sigma_for_log_variance(f_values, z, mu, log_sigma, baseline):
    """You took `log_sigma` for the logarithm of a variance, and halved it. In this exercise it is log σ itself.
    What is σ, then?"""
    f, sigma = f_values - baseline, np.exp(log_sigma / 2)
    return f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**2 - 1)


@exercise.mistake
def sigma_for_variance(f_values, z, mu, log_sigma, baseline):
    """You divided the distance from μ by σ where the variance belongs. The slope in μ has the unit of f over the
    unit of z. Does yours?"""
    f, sigma = f_values - baseline, np.exp(log_sigma)
    return f * (z - mu) / sigma, f * ((z - mu) ** 2 / sigma**2 - 1)


@exercise.mistake
def one_forgotten(f_values, z, mu, log_sigma, baseline):
    """Your second score is never negative, so every good draw widens q, however close to μ it lies. A score is zero
    on average. Which constant is missing?"""
    f, sigma = f_values - baseline, np.exp(log_sigma)
    return f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**2)


@exercise.mistake
def wrong_way_round(f_values, z, mu, log_sigma, baseline):
    """Your slope in μ has the wrong sign: it points away from good draws. Which of z and μ comes first in the
    score?"""
    f, sigma = f_values - baseline, np.exp(log_sigma)
    return f * (mu - z) / sigma**2, f * ((z - mu) ** 2 / sigma**2 - 1)


@exercise.mistake
def averaged_over_draws(f_values, z, mu, log_sigma, baseline):
    """You averaged over the draws. That is the next step; here the estimate of each draw is wanted, so that one can
    see how they scatter. Which shape has the answer?"""
    f, sigma = f_values - baseline, np.exp(log_sigma)
    in_mu, in_log = f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**2 - 1)
    return in_mu.mean(), in_log.mean()


@exercise.mistake
def baseline_from_the_same_draws(f_values, z, mu, log_sigma, baseline):
    """You subtracted the mean of these very draws. It depends on each of them, so the estimate is biased, and with
    a single draw it is always zero. Which argument is free of this?"""
    f, sigma = f_values - f_values.mean(), np.exp(log_sigma)
    return f * (z - mu) / sigma**2, f * ((z - mu) ** 2 / sigma**2 - 1)


@exercise.mistake
def baseline_outside_the_product(f_values, z, mu, log_sigma, baseline):
    """You subtracted the baseline from the product of f and score. Then it moves the mean of the estimate. It costs
    nothing only where it is multiplied by something of mean zero. By what?"""
    sigma = np.exp(log_sigma)
    in_mu, in_log = f_values * (z - mu) / sigma**2, f_values * ((z - mu) ** 2 / sigma**2 - 1)
    return in_mu - baseline, in_log - baseline


@exercise.variant
def as_the_page_has_it(f_values, z, mu, log_sigma, baseline):
    sigma = np.exp(log_sigma)
    score_mu = (z - mu) / sigma**2
    score_sigma = (z - mu) ** 2 / sigma**3 - 1 / sigma
    return (f_values - baseline) * score_mu, sigma * (f_values - baseline) * score_sigma


@exercise.variant
def with_autograd(f_values, z, mu, log_sigma, baseline):
    place = torch.tensor([mu, log_sigma], dtype=torch.float64)
    z = torch.as_tensor(z, dtype=torch.float64)

    def log_q(place):
        return torch.distributions.Normal(place[0], place[1].exp()).log_prob(z)

    scores = torch.autograd.functional.jacobian(log_q, place).numpy()
    return tuple((f_values - baseline) * score for score in scores.T)
