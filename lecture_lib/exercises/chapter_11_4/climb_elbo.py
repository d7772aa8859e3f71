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
    plt.plot(grid, np.exp(-(((grid - mu) / sigma) ** 2) / 2) / (2.5066 * sigma))
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
    # the first optimiser makes PyTorch load for seconds; not in the time that a student's function has
    torch.optim.SGD([torch.zeros(1)], lr=1.0)

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


def ascent(elbo, start, steps, step_size, momentum=0.0):
    """Plain steps uphill on a function of two numbers; with momentum 1 gradients pile up."""
    place, gradient = torch.tensor(start, dtype=torch.float64), torch.zeros(2)
    for _ in range(steps):
        place.requires_grad_()
        gradient = momentum * gradient + torch.autograd.grad(elbo(*place), place)[0]
        place = place.detach() + step_size * gradient
    return place


@exercise.mistake
def gradients_pile_up(log_joint, mu, sigma, noise, steps, step_size):
    """Your first step is right, and from the second on all former gradients are added in. PyTorch adds to `.grad`
    until someone empties it. Where in the loop should that be done?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size, momentum=1.0)
    return mu, log_sigma.exp()


@exercise.mistake
def went_downhill(log_joint, mu, sigma, noise, steps, step_size):
    """You went downhill: the bound falls from step to step. A loss is lowered and a bound is raised. Which of the
    two have you differentiated?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, -step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def entropy_forgotten(log_joint, mu, sigma, noise, steps, step_size):
    """You climb the mean of the log joint alone. Its maximum is a q of width zero at the mode, and your σ is on the
    way there. Which term of the ELBO keeps q open?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean()

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def entropy_subtracted(log_joint, mu, sigma, noise, steps, step_size):
    """Your entropy term has the wrong sign, so that a narrow q is rewarded. It makes σ shrink faster than no term
    at all would. What is the mean of −log q of a Gaussian?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() - log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def entropy_halved(log_joint, mu, sigma, noise, steps, step_size):
    """Your entropy counts half. With the one half it is written with the logarithm of the variance. Which logarithm
    do you have?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma / 2

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def draws_cut_off(log_joint, mu, sigma, noise, steps, step_size):
    """μ never moves and σ only grows: the gradient comes from the entropy alone. The draws are cut off from μ and
    σ, as with `sample`, `detach` or `no_grad`. How must a draw be made so that it moves along?"""

    def elbo(mu, log_sigma):
        return log_joint(mu.detach() + log_sigma.detach().exp() * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def draws_cut_off_and_log_q_at_them(log_joint, mu, sigma, noise, steps, step_size):
    """The shape of the posterior has no say in your steps: the draws are cut off from μ and σ, and only log q has a
    gradient. `sample`, `detach` and `no_grad` do so. How must a draw be made so that it moves along?"""

    def elbo(mu, log_sigma):
        z = mu.detach() + log_sigma.detach().exp() * noise
        log_q = -(((z - mu) / log_sigma.exp()) ** 2) / 2 - log_sigma
        return (log_joint(z) - log_q).mean()

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def draws_made_once(log_joint, mu, sigma, noise, steps, step_size):
    """Your first step is right, and then the same gradient comes again and again. The draws were made before the
    loop, from the first μ and σ. The noise stays; what about the draws?"""
    start = [mu, np.log(sigma)]

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, start, 1, steps * step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def steps_in_sigma(log_joint, mu, sigma, noise, steps, step_size):
    """Your steps move σ itself. A step that is too long can then make it negative, and the steps asked for are in
    log σ. With respect to which number must the gradient be taken?"""

    def elbo(mu, sigma):
        return log_joint(mu + sigma * noise).mean() + sigma.log()

    return tuple(ascent(elbo, [mu, sigma], steps, step_size))


@exercise.mistake
def log_sigma_for_sigma(log_joint, mu, sigma, noise, steps, step_size):
    """You scale the noise by log σ. It can be negative, and it is zero where σ is one. What undoes the logarithm
    before the noise is scaled?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def variance_as_scale(log_joint, mu, sigma, noise, steps, step_size):
    """You scale the noise by the variance, while the entropy is that of a q with standard deviation σ. So the draws
    are not from q. Which of the two belongs in front of standard noise?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + (2 * log_sigma).exp() * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def sigma_for_its_entropy(log_joint, mu, sigma, noise, steps, step_size):
    """Your entropy term is σ itself. It grows with σ too, but at another rate, so that the climb ends at another
    width. What is the mean of −log q of a Gaussian?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma.exp()

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def logarithm_not_taken_at_the_start(log_joint, mu, sigma, noise, steps, step_size):
    """You begin with σ where log σ belongs, so that your first q has another width than the one given. What is log
    σ of the given `sigma`?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, sigma], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def log_sigma_returned(log_joint, mu, sigma, noise, steps, step_size):
    """The climb is right. Your second value is log σ, and σ was asked for. Read the last line of the description
    again."""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).mean() + log_sigma

    return tuple(ascent(elbo, [mu, np.log(sigma)], steps, step_size))


@exercise.mistake
def summed_over_draws(log_joint, mu, sigma, noise, steps, step_size):
    """You summed over the draws where their mean belongs. The log joint then outweighs the entropy, the more so the
    more draws there are, and q becomes too narrow. What does one do with draws to estimate a mean?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.exp() * noise).sum() + log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def weights_summed_over_draws(log_joint, mu, sigma, noise, steps, step_size):
    """Your gradient is too long by the number of draws: log joint and log q are both summed over the draws. The
    bound is a mean. What is the sum to be divided by?"""

    def elbo(mu, log_sigma):
        return (log_joint(mu + log_sigma.exp() * noise) + log_sigma).sum()

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def log_of_the_mean(log_joint, mu, sigma, noise, steps, step_size):
    """You climb the logarithm of the mean weight. That is another bound, a tighter one, with another best q; 11.4.8
    is about it. In which order do mean and logarithm stand in the ELBO?"""

    def elbo(mu, log_sigma):
        log_w = log_joint(mu + log_sigma.exp() * noise) + log_sigma + noise**2 / 2
        return torch.logsumexp(log_w, dim=0)

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


@exercise.mistake
def only_the_mean_moved(log_joint, mu, sigma, noise, steps, step_size):
    """Your μ moves and σ stays as it was given. Both belong to q, and the bound has a slope in either. Is log σ
    among the numbers whose gradient is taken?"""

    def elbo(mu, log_sigma):
        return log_joint(mu + log_sigma.detach().exp() * noise).mean() + 0 * log_sigma

    mu, log_sigma = ascent(elbo, [mu, np.log(sigma)], steps, step_size)
    return mu, log_sigma.exp()


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
