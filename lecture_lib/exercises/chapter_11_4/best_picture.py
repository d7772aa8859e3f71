"""Exercise: the best answer of a decoder, an average of training pictures."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The best picture for a place",
    page="11-4-10-manifolds-and-samples",
    equation="eq-best-decoder",
    level="core",
    minutes=25,
    trains="You see why a VAE draws softly, and which constants of a density cancel and which do not.",
    statement=r"""
Why are a VAE's pictures soft? Compute what a decoder *should* answer. You are given the answers of a trained
encoder for $N$ training pictures: for each picture the means and the logarithms of the standard deviations of
$q(\z|\x_i)$. For each of $M$ places $\z$ of the latent space, compute the picture that gives the best
reconstruction: the average of all training pictures, each weighted by the density $q(\z|\x_i)$ of that place.

Some of the places are far from all codes. Every density there is zero for a computer, and the average is still well
defined.

The density of a Gaussian has several factors. Before you write: which of them cancel in the average, and which do
not?
""",
    solution=r"""
The weights in {eq}`eq-best-decoder` are Gaussian densities, products over the dimensions of the code. Up to a
constant, $\log q(\z|\x_i) = \sum_j \big[ {-\tfrac12} (z_j - \mu_{ij})^2 / \sigma_{ij}^2 - \log \sigma_{ij} \big]$.
The factor $(2\pi)^{-Q/2}$ is the same for all pictures and cancels. The factors $1/\sigma_{ij}$ differ from picture
to picture and have to stay: a picture of whose code the encoder is sure claims its place more strongly.

What is common to all pictures may be taken out, so also the largest weight, at each place on its own. Then nothing
underflows to $0/0$, even far away.

If many pictures share a place, the best answer is the average of many: a soft picture. With this encoder, no
decoder of Bernoulli pixels has a better reconstruction term on the training pictures.
""",
    afterwards="""
import matplotlib.pyplot as plt
from lecture_lib import VAE, fit
from lecture_lib.datasets import load_digits

torch.manual_seed(0)
x, vae = load_digits().x_train[:1500], VAE(784, 2, (100,), binarise=True)
fit(vae, x, epochs=12, learning_rate=1e-2, seed=0)
q = vae.encode(torch.as_tensor(x)).base_dist
z = np.stack([np.linspace(-2, 2, 10), np.zeros(10)], axis=1)
mean, log_sigma = q.mean.detach().numpy(), q.scale.log().detach().numpy()
best = best_picture(z, mean, log_sigma, x)
plt.imshow(np.hstack(best.reshape(10, 28, 28)), cmap="gray"), plt.axis("off");
""",
)


@exercise.reference
def best_picture(z, mean, log_sigma, x):
    """The average of training pictures that serves each place best.

    z : array, shape (M, Q), places in the latent space
    mean : array, shape (N, Q), the means of q(z|x) for each picture
    log_sigma : array, shape (N, Q), the logarithms of its sigma
    x : array, shape (N, D), the training pictures
    returns : array, shape (M, D)
    """
    error = (z[:, None] - mean) / np.exp(log_sigma)
    log_q = (-0.5 * error**2 - log_sigma).sum(axis=2)
    weight = np.exp(log_q - log_q.max(axis=1, keepdims=True))
    return weight @ x / weight.sum(axis=1, keepdims=True)


@exercise.inputs
def inputs(rng):
    def encoder(N, Q):
        return rng.normal(size=(N, Q)), rng.uniform(-0.7, 0.4, size=(N, Q))

    for M, Q, N in [(4, 2, 6), (1, 3, 5), (3, 1, 7)]:
        x = rng.random((N, int(rng.integers(8, 11))))
        yield rng.normal(size=(M, Q)), *encoder(N, Q), x
    far = np.array([[45.0, 0], [-45, 0], [0, 200]])  # densities that no computer can hold
    yield far, *encoder(6, 2), rng.random((6, 4))


def _log_q(z, mean, log_sigma):
    error = (z[:, None] - mean) / np.exp(log_sigma)
    return (-0.5 * error**2 - log_sigma).sum(axis=2)


def _average(log_q, x, axis=1):
    weight = np.exp(log_q - log_q.max(axis=axis, keepdims=True))
    return weight / weight.sum(axis=axis, keepdims=True) @ x


@exercise.mistake
def width_left_out(z, mean, log_sigma, x):
    """Your weights lack a factor of the density that differs from picture to picture. A constant common to all may go,
    this one may not. What does a Gaussian's height depend on?"""
    error = (z[:, None] - mean) / np.exp(log_sigma)
    return _average((-0.5 * error**2).sum(axis=2), x)


@exercise.mistake
def densities_underflow(z, mean, log_sigma, x):
    """Right for places near the codes, but far away all your densities are zero, and zero over zero is NaN. Only their
    ratios matter. What could be taken off all logarithms at one place?"""
    q = np.exp(_log_q(z, mean, log_sigma))
    return q @ x / q.sum(axis=1, keepdims=True)


@exercise.mistake
def one_maximum_for_all_places(z, mean, log_sigma, x):
    """You take off one maximum of the whole table of log-densities. Beside a place nearer to the codes, all weights of
    a far one become zero. Whose weights are compared with each other?"""
    log_q = _log_q(z, mean, log_sigma)
    weight = np.exp(log_q - log_q.max())
    return weight @ x / weight.sum(axis=1, keepdims=True)


@exercise.mistake
def half_left_out(z, mean, log_sigma, x):
    """Your weights fall off too fast with the distance. It looks like a constant, but it stands in an exponent, so it
    does not cancel. Which factor is in front of the square?"""
    error = (z[:, None] - mean) / np.exp(log_sigma)
    return _average((-(error**2) - log_sigma).sum(axis=2), x)


@exercise.mistake
def taken_for_the_log_variance(z, mean, log_sigma, x):
    """Your result is right for an argument that is log σ². It is log σ here. How do the two differ, in the exponent and
    in front of it?"""
    return _average(_log_q(z, mean, log_sigma / 2), x)


@exercise.mistake
def sigma_for_variance(z, mean, log_sigma, x):
    """In your exponent the squared distance is divided by 2σ, where the variance belongs. A distance is measured in
    units of σ. What happens to these units when it is squared?"""
    squares = (z[:, None] - mean) ** 2 / np.exp(log_sigma)
    return _average((-0.5 * squares - log_sigma).sum(axis=2), x)


@exercise.mistake
def width_multiplied(z, mean, log_sigma, x):
    """Among your Gaussians a wide one is higher at its centre than a narrow one. The area under each is one. What does
    that say about the factor in front of the exponential?"""
    return _average(_log_q(z, mean, log_sigma) + 2 * log_sigma.sum(axis=1), x)


@exercise.mistake
def all_codes_equally_wide(z, mean, log_sigma, x):
    """Your weights depend on the distances between place and means alone, as if every σ were one. The encoder also says
    how sure it is. Where does σ enter the density?"""
    return _average(-0.5 * ((z[:, None] - mean) ** 2).sum(axis=2), x)


@exercise.mistake
def averaged_over_dimensions(z, mean, log_sigma, x):
    """You averaged the log-density over the dimensions of the code, so your weights are too even. Densities of
    independent dimensions multiply. What do their logarithms do?"""
    return _average(_log_q(z, mean, log_sigma) / z.shape[1], x)


@exercise.mistake
def shares_among_places(z, mean, log_sigma, x):
    """Your weights add up to one over the places, in place of the pictures. Each place asks all pictures. Which axis of
    your table holds the pictures?"""
    return _average(_log_q(z, mean, log_sigma), x, axis=0)


@exercise.variant
def with_torch(z, mean, log_sigma, x):
    z, mean, log_sigma, x = map(torch.as_tensor, (z, mean, log_sigma, x))
    q = torch.distributions.Normal(mean, log_sigma.exp())
    log_q = q.log_prob(z[:, None]).sum(dim=2)
    return torch.softmax(log_q, dim=1) @ x


@exercise.variant
def with_loops(z, mean, log_sigma, x):
    result = []
    for place in z:
        logs = []
        for m, ell in zip(mean, log_sigma, strict=True):
            precision = np.exp(-2 * ell)
            logs.append(-((place - m) ** 2 * precision).sum() / 2 + np.log(precision).sum() / 2)
        weights = [np.exp(value - max(logs)) for value in logs]
        total = sum(w * picture for w, picture in zip(weights, x, strict=True))
        result.append(total / sum(weights))
    return result
