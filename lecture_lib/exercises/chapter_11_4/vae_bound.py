"""Project: the whole bound of a small VAE, from its weights and the noise."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A whole VAE in NumPy",
    page="11-4-3-vae",
    equation="eq-vae-objective",
    level="project",
    minutes=60,
    trains="You can write the bound of a VAE from end to end, and test a library against it.",
    statement=r"""
You are given the weights of a VAE, a batch of binary pictures, and the noise. Compute the bound of each picture and
its two parts with nothing but arrays. Afterwards you will lay your numbers beside the library's.

- Encoder and decoder have one hidden layer: an affine map, $\tanh$, an affine map. PyTorch stores a weight matrix with
  one row for each *output*.
- The first $Q$ numbers that the encoder puts out are the means of $q(\z|\x)$, the last $Q$ are $\log \sigma_j$.
- The codes are $\z = \boldsymbol{\mu} + \boldsymbol{\sigma} \odot \boldsymbol{\varepsilon}$, entry by entry, with $S$
  draws of the noise $\boldsymbol{\varepsilon}$ for each picture.
- The decoder puts out a logit for each pixel. Logits can be large.
- The reconstruction is the average of $\log p(\x|\z)$ over the $S$ codes of a picture. The KL to the prior
  $\N(\mathbf{0}, \mathbf{I})$ is the closed form.

Write down the shape of each intermediate array before you code. The equation has the loss; which sign has the bound?
""",
    solution=r"""
*Encoder.* A weight matrix has shape (outputs, inputs), so rows of data are multiplied by its transpose. The answer,
$(B, 2Q)$, is cut into two halves.

*Codes.* `noise` is $(S, B, Q)$, means and deviations are $(B, Q)$: NumPy repeats them along the first axis. The
decoder acts on the last axis and needs no change for a third one; the logits are $(S, B, D)$.

*Reconstruction.* Per pixel, with its logit $\ell$, it is $x\ell - \log(1 + e^{\ell})$, as in
{doc}`11.4.5 <../notebooks/11-4-5-likelihoods>`; `np.logaddexp` keeps it safe for large logits. The sum over pixels comes first, because the likelihood is a product; then the mean over
codes, because the bound is an expectation. It is an average of logarithms. The logarithm of an average would be
larger; {doc}`11.4.8 <../notebooks/11-4-8-importance-weights>` shows how one, of weights, makes a better bound.

*KL.* The closed form {eq}`eq-kl-closed`, with $\sigma^2 = e^{2\log\sigma}$, summed over the code. It needs no
noise. Then {eq}`eq-vae-objective`: reconstruction minus KL, one value for each picture. The mean over pictures
belongs to the training loop.
""",
    afterwards="""
from lecture_lib import VAE, fit
from lecture_lib.datasets import load_digits

x = torch.as_tensor(load_digits().x_train[:1000]).round()
vae = VAE(784, 5, hidden=(50,), activation=torch.nn.Tanh)
fit(vae, x, epochs=5, learning_rate=1e-2)
weights = {name: w.numpy() for name, w in vae.state_dict().items()}
torch.manual_seed(1)
noise = torch.randn(4, 1000, 5).numpy()
torch.manual_seed(1)  # the library is to draw the same noise
for parts in (vae_bound(x.numpy(), weights, noise), vae.elbo(x, 4)):
    print(*[f"{part.mean():.4f}" for part in parts])
""",
)


@exercise.reference
def vae_bound(x, weights, noise):
    """The bound of a VAE and its two parts, for each row of x, in nats.

    x : array, shape (B, D), zeros and ones
    weights : dict of arrays. For the encoder, with H hidden units,
        "encoder.0.weight" (H, D), "encoder.0.bias" (H,),
        "encoder.2.weight" (2 Q, H), "encoder.2.bias" (2 Q,);
        for the decoder
        "decoder.0.weight" (H, Q), "decoder.0.bias" (H,),
        "decoder.2.weight" (D, H), "decoder.2.bias" (D,)
    noise : array, shape (S, B, Q), draws from N(0, I)
    returns : elbo, reconstruction, kl, three arrays of shape (B,)
    """

    def network(inputs, name):
        hidden = inputs @ weights[name + ".0.weight"].T
        hidden = np.tanh(hidden + weights[name + ".0.bias"])
        out = hidden @ weights[name + ".2.weight"].T
        return out + weights[name + ".2.bias"]

    mean, log_sigma = np.split(network(x, "encoder"), 2, axis=1)
    logits = network(mean + np.exp(log_sigma) * noise, "decoder")

    log_p = x * logits - np.logaddexp(0, logits)
    reconstruction = log_p.sum(axis=2).mean(axis=0)
    kl = 0.5 * (mean**2 + np.exp(2 * log_sigma) - 1) - log_sigma
    kl = kl.sum(axis=1)
    return reconstruction - kl, reconstruction, kl


@exercise.inputs
def inputs(rng):
    for S, B, Q in [(5, 4, 2), (1, 3, 4), (3, 1, 2)]:
        H, D = int(rng.integers(8, 11)), int(rng.integers(11, 15))
        sizes = {
            "encoder.0": (H, D),
            "encoder.2": (2 * Q, H),
            "decoder.0": (H, Q),
            "decoder.2": (D, H),
        }
        weights = {}
        for name, (outputs, ins) in sizes.items():
            weights[name + ".weight"] = rng.normal(size=(outputs, ins)) * 1.2 / np.sqrt(ins)
            weights[name + ".bias"] = 0.5 * rng.normal(size=outputs)
        if B == 3:  # pixels of which the decoder is sure
            weights["decoder.2.bias"][:2] = [800, -800]
        x = (rng.random((B, D)) < 0.5).astype(float)
        yield x, weights, rng.normal(size=(S, B, Q))


def _network(inputs, weights, name):
    hidden = np.tanh(inputs @ weights[name + ".0.weight"].T + weights[name + ".0.bias"])
    return hidden @ weights[name + ".2.weight"].T + weights[name + ".2.bias"]


def _q(x, weights):
    return np.split(_network(x, weights, "encoder"), 2, axis=1)


def _log_p(x, weights, z):
    logits = _network(z, weights, "decoder")
    return x * logits - np.logaddexp(0, logits)


def _kl(mean, log_sigma):
    return 0.5 * (mean**2 + np.exp(2 * log_sigma) - 1) - log_sigma


def _parts(x, weights, noise):
    """log p of each pixel and code (S, B, D), and the KL of each dimension (B, Q)."""
    mean, log_sigma = _q(x, weights)
    return _log_p(x, weights, mean + np.exp(log_sigma) * noise), _kl(mean, log_sigma)


def _bound(log_p, kl):
    reconstruction, kl = log_p.sum(axis=2).mean(axis=0), kl.sum(axis=1)
    return reconstruction - kl, reconstruction, kl


@exercise.mistake
def taken_for_the_log_variance(x, weights, noise):
    """You read the encoder's second half as log σ². Many programs do so, but this encoder puts out log σ. Where do the
    two differ in the codes, and where in the KL?"""
    mean, log_var = _q(x, weights)
    z = mean + np.exp(log_var / 2) * noise
    return _bound(_log_p(x, weights, z), _kl(mean, log_var / 2))


@exercise.mistake
def log_variance_in_the_kl(x, weights, noise):
    """Your reconstruction is right. Your KL would be right for an encoder that puts out log σ². Does it come from
    another page or exercise? See what the encoder puts out there."""
    mean, log_sigma = _q(x, weights)
    log_p, _ = _parts(x, weights, noise)
    return _bound(log_p, _kl(mean, log_sigma / 2))


@exercise.mistake
def variance_in_the_kl(x, weights, noise):
    """Your reconstruction is right. In one term of your KL stands σ where the variance belongs. What is the variance in
    terms of log σ?"""
    mean, log_sigma = _q(x, weights)
    log_p, _ = _parts(x, weights, noise)
    return _bound(log_p, 0.5 * (mean**2 + np.exp(log_sigma) - 1) - log_sigma)


@exercise.mistake
def half_of_the_logarithm(x, weights, noise):
    """Your reconstruction is right. In your KL the logarithm of σ counts half. The closed form has half the logarithm
    of the variance. How much of log σ is that?"""
    mean, log_sigma = _q(x, weights)
    log_p, _ = _parts(x, weights, noise)
    return _bound(log_p, 0.5 * (mean**2 + np.exp(2 * log_sigma) - 1 - log_sigma))


@exercise.mistake
def kl_doubled(x, weights, noise):
    """Your reconstruction is right, and your KL is twice what it should be. The logarithm of a Gaussian has a factor in
    front of its square. Where did it go?"""
    log_p, kl = _parts(x, weights, noise)
    return _bound(log_p, 2 * kl)


@exercise.mistake
def kl_negative(x, weights, noise):
    """Your KL has the wrong sign, and so the bound is too high by twice the KL. A KL divergence is never negative. For
    which mean and σ must it be zero, and what does yours do beside them?"""
    log_p, kl = _parts(x, weights, noise)
    return _bound(log_p, -kl)


@exercise.mistake
def halves_exchanged(x, weights, noise):
    """You have the two halves of the encoder's answer exchanged: what you take for means are the logarithms of σ. Which
    half comes first?"""
    log_sigma, mean = _q(x, weights)
    z = mean + np.exp(log_sigma) * noise
    return _bound(_log_p(x, weights, z), _kl(mean, log_sigma))


@exercise.mistake
def probabilities_round(x, weights, noise):
    """Right, except where logits are large. There a probability rounds to exactly zero or one, and its logarithm is
    infinite or NaN. Can you write the reconstruction with the logits alone?"""
    mean, log_sigma = _q(x, weights)
    p = 1 / (1 + np.exp(-_network(mean + np.exp(log_sigma) * noise, weights, "decoder")))
    return _bound(x * np.log(p) + (1 - x) * np.log(1 - p), _kl(mean, log_sigma))


@exercise.mistake
def pixels_averaged(x, weights, noise):
    """Your KL is right, and your reconstruction is D times too small: an average over pixels. The KL then counts as if
    β were D. What happens to the logarithms when independent pixels' probabilities multiply?"""
    log_p, kl = _parts(x, weights, noise)
    reconstruction, kl = log_p.mean(axis=2).mean(axis=0), kl.sum(axis=1)
    return reconstruction - kl, reconstruction, kl


@exercise.mistake
def kl_averaged(x, weights, noise):
    """Your reconstruction is right, and your KL is Q times too small: an average over the code's dimensions. What do
    the KLs of independent dimensions do?"""
    log_p, kl = _parts(x, weights, noise)
    reconstruction, kl = log_p.sum(axis=2).mean(axis=0), kl.mean(axis=1)
    return reconstruction - kl, reconstruction, kl


@exercise.mistake
def codes_summed(x, weights, noise):
    """Your reconstruction grows with the number of codes: you add up over the draws. The bound has an expectation over
    codes, and draws estimate one by their mean. What is done along the first axis of the noise?"""
    log_p, kl = _parts(x, weights, noise)
    reconstruction, kl = log_p.sum(axis=2).sum(axis=0), kl.sum(axis=1)
    return reconstruction - kl, reconstruction, kl


@exercise.mistake
def logarithm_of_the_average(x, weights, noise):
    """Your reconstruction is the logarithm of the average of p(x|z) over the codes. The bound has the average of the
    logarithm, which is lower. Where does the expectation stand in the objective?"""
    log_p, kl = _parts(x, weights, noise)
    total = np.logaddexp.reduce(log_p.sum(axis=2), axis=0)
    reconstruction, kl = total - np.log(len(noise)), kl.sum(axis=1)
    return reconstruction - kl, reconstruction, kl


@exercise.mistake
def activation_at_the_end(x, weights, noise):
    """You apply tanh to what the networks put out as well. A mean, a log σ or a logit could then not leave the range
    from −1 to 1. After which layer does the bend belong?"""
    mean, log_sigma = np.split(np.tanh(_network(x, weights, "encoder")), 2, axis=1)
    logits = np.tanh(_network(mean + np.exp(log_sigma) * noise, weights, "decoder"))
    return _bound(x * logits - np.logaddexp(0, logits), _kl(mean, log_sigma))


@exercise.mistake
def loss_in_place_of_the_bound(x, weights, noise):
    """Both of your parts are right, and the first value is the loss, minus the bound. The exercise asks for what is
    made large. Which sign does it have for binary pictures?"""
    elbo, reconstruction, kl = _bound(*_parts(x, weights, noise))
    return -elbo, reconstruction, kl


@exercise.mistake
def reconstruction_as_a_loss(x, weights, noise):
    """Your reconstruction is positive: it is the cross-entropy, a loss. The exercise asks for the mean of log p(x|z),
    and for a bound that is made large. Which signs have they for binary pictures?"""
    _, reconstruction, kl = _bound(*_parts(x, weights, noise))
    return -reconstruction + kl, -reconstruction, kl


@exercise.variant
def with_loops(x, weights, noise):
    elbo, reconstruction, kl = [], [], []
    for b, picture in enumerate(x):
        answer = _network(picture, weights, "encoder")
        half = len(answer) // 2
        mean, sigma = answer[:half], np.exp(answer[half:])
        given = []
        for epsilon in noise[:, b]:
            logits = _network(mean + sigma * epsilon, weights, "decoder")
            signed = np.where(picture == 1, -logits, logits)
            given.append(-np.logaddexp(0, signed).sum())
        reconstruction.append(np.mean(given))
        kl.append(
            sum(0.5 * (m * m + s * s - 1) - np.log(s) for m, s in zip(mean, sigma, strict=True))
        )
        elbo.append(reconstruction[-1] - kl[-1])
    return elbo, reconstruction, kl


@exercise.variant
def with_distributions(x, weights, noise):
    from torch.distributions import Bernoulli, Normal, kl_divergence

    weights = {name: torch.as_tensor(w) for name, w in weights.items()}
    x, noise = torch.as_tensor(x), torch.as_tensor(noise)

    def network(inputs, name):
        linear = torch.nn.functional.linear
        first, second = ([weights[f"{name}.{k}.{p}"] for p in ("weight", "bias")] for k in (0, 2))
        dtype = first[0].dtype
        return linear(torch.tanh(linear(inputs.to(dtype), *first)), *second)

    mean, log_sigma = network(x, "encoder").chunk(2, dim=1)
    q = Normal(mean, log_sigma.exp())
    p = Bernoulli(logits=network(mean + q.stddev * noise, "decoder"))
    reconstruction = p.log_prob(x.expand(len(noise), *x.shape)).sum(dim=2).mean(dim=0)
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(dim=1)
    return reconstruction - kl, reconstruction, kl
