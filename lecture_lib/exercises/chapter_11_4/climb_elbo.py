"""Exercise (project): fit a Gaussian to a posterior by climbing the bound with reparameterised draws."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Climb the bound",
    page="11-4-2-elbo",
    equation="eq-elbo",
    level="project",
    minutes=45,
    trains="You can fit a q to a posterior that you never compute, with draws, autograd and ten lines.",
    statement=r"""
Before there are encoders, there is one observation and a search for its $q = \N(\mu, \sigma^2)$. The page lets an
optimiser search on a grid. Do it the way that survives in many dimensions: by gradient ascent on an estimate of the
ELBO, with the gradient taken by PyTorch *through the draws* $z_s = \mu + \sigma\varepsilon_s$ (page 11.4.4).

The function `log_joint` computes $\log p(z, x)$ at each entry of a tensor, for the one $x$ that was seen. The noise
$\varepsilon_s$ is the same in every step. The numbers that move are $\mu$ and $\log\sigma$. Each step adds to both
the gradient times the step size. For the mean over $q$ of $-\log q$ use the closed form or the draws; both have the
same gradient here. (Why?)

Predict: what would the climb make of $\sigma$ if the term with $\log q$ were left out?
""",
    solution=r"""
The bound {eq}`eq-elbo` has two terms. The mean of $\log p(z, x)$ is estimated by draws, and they are made from the
noise inside the loop, $\mu + \sigma\varepsilon_s$, so that the gradient finds its way back to $\mu$ and
$\log\sigma$ ({eq}`eq-pathwise`). The mean of $-\log q$ is the entropy, $\log\sigma$ and a constant. Computed from
the draws it is $\log\sigma + \frac12\varepsilon^2$ and a constant, and the noise does not move: the same gradient,
0 in $\mu$ and 1 in $\log\sigma$.

That 1 is all that holds $q$ open. Without it the mean of $\log p(z, x)$ is highest where all draws sit at the mode,
and $\sigma$ shrinks for ever. With it, the climb ends where the downward curvature of the log joint, averaged over
$q$, is $1/\sigma^2$ (up to the noise of the draws).

`torch.autograd.grad` gives a fresh gradient each time. With `backward` one has to set `.grad` to zero between
steps, because it adds up; the step itself must not be recorded. Ascent: the bound is raised.

For a data set this loop would run for every $\x$, and again whenever the decoder has changed. An encoder is the way
out: {doc}`11.4.3 <../notebooks/11-4-3-vae>`.
""",
    afterwards=r"""
import matplotlib.pyplot as plt

def firefly(z, seen=0.9, noise=0.3):  # only the height of a flash is seen
    height = 2 * torch.exp(z / 5) * torch.cos(0.8 * z)
    return -0.5 * (z**2 + ((seen - height) / noise) ** 2)
torch.manual_seed(0)
grid, eps = torch.linspace(-3, 3, 601), torch.randn(200)
posterior = torch.exp(firefly(grid))
plt.fill_between(grid, posterior / torch.trapezoid(posterior, grid), alpha=0.3)
for start in [-1.5, 1.5]:
    mu, sigma = climb_elbo(firefly, start, 0.5, eps, 300, 0.02)
    q = torch.distributions.Normal(float(mu), float(sigma))
    plt.plot(grid, q.log_prob(grid).exp())
""",
)


@exercise.reference
def climb_elbo(log_joint, mu, sigma, noise, steps, step_size):
    """Climb the estimated ELBO of q = N(mu, sigma²) by gradient ascent.

    log_joint : function, log p(z, x) at each entry of a tensor of z, in nats
    mu, sigma : numbers, the mean and standard deviation to start from
    noise : tensor, shape (S,), draws from N(0, 1), the same in every step
    steps : int
    step_size : number, times the gradient in mu and in log sigma
    returns : mu, sigma after the last step, two numbers
    """
    place = torch.tensor([mu, np.log(sigma)], dtype=noise.dtype)
    for _ in range(steps):
        place.requires_grad_()
        mu, log_sigma = place
        z = mu + torch.exp(log_sigma) * noise
        elbo = log_joint(z).mean() + log_sigma
        (gradient,) = torch.autograd.grad(elbo, place)
        place = place.detach() + step_size * gradient
    return place[0], torch.exp(place[1])


@exercise.inputs
def inputs(rng):
    centre, precision, slope, place = rng.uniform([-1, 2, 1, 0.8], [1, 4, 3, 1.2])

    def bell(z):
        return -0.5 * z**2 - 0.5 * precision * (z - centre) ** 2 - 1

    def pixel(z):
        return -0.5 * z**2 + torch.nn.functional.logsigmoid(slope * z)

    def two_humps(z):
        return -((z**2 - place) ** 2)

    def noise(draws):
        return torch.from_numpy(rng.normal(size=draws))

    yield bell, rng.normal(), rng.uniform(0.3, 0.8), noise(5), 6, rng.uniform(0.05, 0.1)
    yield pixel, rng.normal(), rng.uniform(0.8, 1.5), noise(8), 5, rng.uniform(0.1, 0.2)
    yield two_humps, 0.7, rng.uniform(0.2, 0.4), noise(6), 4, rng.uniform(0.02, 0.05)
    yield pixel, -0.5, 2.0, noise(3), 1, 0.3


def climb(log_joint, mu, sigma, noise, steps, step_size, entropy=1.0, pull=1.0, momentum=0.0):
    """The climb with the two terms of the ELBO times a factor each; momentum 1 piles gradients up."""
    place, gradient = torch.tensor([mu, np.log(sigma)], dtype=torch.float64), 0.0
    for _ in range(steps):
        place.requires_grad_()
        z = place[0] + place[1].exp() * noise
        elbo = pull * log_joint(z).mean() + entropy * place[1]
        gradient = momentum * gradient + torch.autograd.grad(elbo, place)[0]
        place = place.detach() + step_size * gradient
    return place[0], place[1].exp()


@exercise.mistake
def gradients_pile_up(log_joint, mu, sigma, noise, steps, step_size):
    """Your first step is right, and from the second on all former gradients are added in. PyTorch adds to `.grad`
    until someone empties it. Where in the loop should that be done?"""
    return climb(log_joint, mu, sigma, noise, steps, step_size, momentum=1.0)


@exercise.mistake
def went_downhill(log_joint, mu, sigma, noise, steps, step_size):
    """You went downhill: your steps lower the bound. A loss is lowered and a bound is raised. Which of the two have
    you differentiated?"""
    return climb(log_joint, mu, sigma, noise, steps, -step_size)


@exercise.mistake
def entropy_forgotten(log_joint, mu, sigma, noise, steps, step_size):
    """You climb the mean of the log joint alone. That is highest where q has shrunk to a point, and nothing keeps
    your σ from getting there. Which term of the ELBO keeps q open?"""
    return climb(log_joint, mu, sigma, noise, steps, step_size, entropy=0.0)


@exercise.mistake
def entropy_subtracted(log_joint, mu, sigma, noise, steps, step_size):
    """Your entropy term has the wrong sign, so that a narrow q is rewarded. It makes σ shrink faster than no term
    at all would. What is the mean of −log q of a Gaussian?"""
    return climb(log_joint, mu, sigma, noise, steps, step_size, entropy=-1.0)


@exercise.mistake
def summed_over_draws(log_joint, mu, sigma, noise, steps, step_size):
    """You summed the log joint over the draws where its mean belongs. It then outweighs the entropy, the more so
    the more draws there are. How does one estimate a mean from draws?"""
    return climb(log_joint, mu, sigma, noise, steps, step_size, pull=len(noise))


@exercise.mistake
def weights_summed_over_draws(log_joint, mu, sigma, noise, steps, step_size):
    """Your gradient is too long by the number of draws: log joint and log q are both summed over the draws. The
    bound is a mean. What is the sum to be divided by?"""
    return climb(log_joint, mu, sigma, noise, steps, step_size * len(noise))


@exercise.mistake
def log_not_taken_at_the_start(log_joint, mu, sigma, noise, steps, step_size):
    """You begin with σ where log σ belongs, so that your first q has another width than the one given. What is log
    σ of the given `sigma`?"""
    return climb(log_joint, mu, np.exp(sigma), noise, steps, step_size)


@exercise.mistake
def log_sigma_returned(log_joint, mu, sigma, noise, steps, step_size):
    """The climb is right. Your second value is log σ, and σ was asked for. Read the last line of the description
    again."""
    mu, sigma = climb(log_joint, mu, sigma, noise, steps, step_size)
    return mu, sigma.log()


@exercise.mistake
def draws_cut_off(log_joint, mu, sigma, noise, steps, step_size):
    """The shape of the posterior has no say in your steps: the draws are cut off from μ and σ, and only log q has a
    gradient. `sample`, `detach` and `no_grad` do so. How must a draw be made so that it moves along?"""
    mean, mean_square = noise.mean().item(), (noise**2).mean().item()
    for _ in range(steps):  # by the slopes of the mean of -log q at these draws
        mu -= step_size * mean / sigma
        sigma *= np.exp(step_size * (1 - mean_square))
    return mu, sigma


@exercise.mistake
def steps_in_sigma(log_joint, mu, sigma, noise, steps, step_size):
    """Your steps move σ itself. A step that is too long can then make it negative, and the steps asked for are in
    log σ. With respect to which number must the gradient be taken?"""
    place = torch.tensor([mu, sigma], dtype=torch.float64)
    for _ in range(steps):
        place.requires_grad_()
        elbo = log_joint(place[0] + place[1] * noise).mean() + place[1].log()
        place = place.detach() + step_size * torch.autograd.grad(elbo, place)[0]
    return place[0], place[1]


@exercise.mistake
def adam(log_joint, mu, sigma, noise, steps, step_size):
    """You use Adam, whose first step has one length whatever the gradient is. For training that is often wise; here
    plain steps are asked for, so that numbers can be compared. How long is a step of plain ascent?"""
    place = torch.tensor([mu, np.log(sigma)], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([place], lr=step_size, maximize=True)
    for _ in range(steps):
        optimiser.zero_grad()
        (log_joint(place[0] + place[1].exp() * noise).mean() + place[1]).backward()
        optimiser.step()
    return place[0], place[1].exp()


@exercise.variant
def with_an_optimiser(log_joint, mu, sigma, noise, steps, step_size):
    mu = torch.tensor(float(mu), dtype=noise.dtype, requires_grad=True)
    log_sigma = torch.tensor(float(np.log(sigma)), dtype=noise.dtype, requires_grad=True)
    optimiser = torch.optim.SGD([mu, log_sigma], lr=step_size)
    for _ in range(steps):
        optimiser.zero_grad()
        q = torch.distributions.Normal(mu, log_sigma.exp())
        z = mu + log_sigma.exp() * noise
        (q.log_prob(z) - log_joint(z)).mean().backward()
        optimiser.step()
    return mu.item(), log_sigma.exp().item()


@exercise.variant
def with_backward(log_joint, mu, sigma, noise, steps, step_size):
    place = torch.tensor([mu, np.log(sigma)], dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        z = place[0] + torch.exp(place[1]) * noise
        (log_joint(z).mean() + place[1]).backward()
        with torch.no_grad():
            place += step_size * place.grad
        place.grad.zero_()
    return place[0], place[1].exp()


@exercise.variant
def by_the_chain_rule(log_joint, mu, sigma, noise, steps, step_size):
    log_sigma = np.log(sigma)
    for _ in range(steps):
        z = (mu + np.exp(log_sigma) * noise).requires_grad_()
        (slope,) = torch.autograd.grad(log_joint(z).sum(), z)
        in_mu = slope.mean().item()
        in_log_sigma = (slope * noise).mean().item() * np.exp(log_sigma) + 1
        mu, log_sigma = mu + step_size * in_mu, log_sigma + step_size * in_log_sigma
    return mu, np.exp(log_sigma)
