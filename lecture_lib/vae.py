"""The variational autoencoder (lecture 11.4; Kingma and Welling, 2014; Rezende et al., 2014).

The model tells how an observation comes about: a code z is drawn from the prior p(z) = N(0, I), and
x from the likelihood p(x|z), a density whose parameters the decoder computes from z. The encoder
computes, for each x, a Gaussian q(z|x) with a diagonal covariance; it stands in for the posterior
p(z|x), which cannot be computed. Both networks are trained together to raise the ELBO, a lower
bound on the log-likelihood:

    log p(x) ≥ E_q[log p(x|z)] − KL(q(z|x), p(z))

Every density is a `torch.distributions` object. Bounds and likelihoods are in nats: summed over
dimensions, one number for each row of x. The one mean, over rows, is taken in `VAE.loss`.
"""

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Laplace, Normal

from lecture_lib.autoencoders import check_rows, layer_sizes, network

LIKELIHOODS = {"bernoulli": Bernoulli, "gaussian": Normal, "laplace": Laplace}
CHUNK = 2**20  # numbers in an array of log_likelihood: 4 MB, which a processor's cache can hold


class Elbo(NamedTuple):
    """The bound and its two parts, each of shape (B,), in nats: elbo = reconstruction − kl."""

    elbo: Tensor
    reconstruction: Tensor
    kl: Tensor


class VAE(nn.Module):
    """A variational autoencoder: a decoder that is a generative model, an encoder that inverts it.

    Parameters
    ----------
    data_dim : int
        D, the number of dimensions of x.
    latent_dim : int
        Q, the number of dimensions of z; 1 ≤ Q ≤ D.
    hidden : sequence of int
        Widths of the encoder's hidden layers, from x to z. The decoder has them in reverse. With
        none the maps are affine, and the best Gaussian model is probabilistic PCA.
    likelihood : {"bernoulli", "gaussian", "laplace"}
        p(x|z): for x of zeros and ones, or for real x with light or with heavy tails. All
        dimensions of x are independent given z.
    scale : float, optional
        The standard deviation σ of the Gaussian, or the scale b of the Laplacian (mean absolute
        deviation), one for all dimensions. By default it is learned, from 1 on.
    binarise : bool
        Whether `loss` draws zeros and ones from grey values, anew each time: see `binarise`. Only
        `loss` does so; the bound of grey values under a Bernoulli is refused.
    activation : class of Module
        Follows each hidden layer.

    Attributes
    ----------
    encoder : Module
        Computes the mean and log σ of q(z|x), from a shared backbone: D to 2 Q numbers.
    decoder : Module
        Computes the logits, the mean or the median of p(x|z): Q to D numbers.
    log_scale : Parameter
        The logarithm of ``scale``; absent under a Bernoulli.

    Raises
    ------
    ValueError
        If a size, the likelihood or the scale makes no sense.

    Notes
    -----
    Lecture 11.4; Kingma and Welling (2014), section 3 and appendix C.
    """

    def __init__(
        self,
        data_dim: int,
        latent_dim: int,
        hidden: Sequence[int] = (400,),
        likelihood: str = "bernoulli",
        *,
        scale: float | None = None,
        binarise: bool = False,
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        """Build both networks, with first weights from PyTorch's global random numbers."""
        super().__init__()
        sizes = layer_sizes(data_dim, hidden, latent_dim)
        _check_likelihood(likelihood, scale, binarise)
        self.data_dim, self.latent_dim = data_dim, latent_dim
        self.likelihood, self.binarise = likelihood, binarise
        self.encoder = network([*sizes[:-1], 2 * latent_dim], activation)
        self.decoder = network(sizes[::-1], activation)
        if likelihood != "bernoulli":
            start = torch.tensor(0.0 if scale is None else math.log(scale))
            self.log_scale = nn.Parameter(start, requires_grad=scale is None)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights, which data must have too."""
        return next(self.parameters()).dtype

    def encode(self, x: Tensor) -> Independent:
        """Return q(z|x), a diagonal Gaussian for each row: from shape (B, D), events of (Q,)."""
        x = check_rows("x", x, self.data_dim, self.dtype)
        mean, log_sigma = self.encoder(x).chunk(2, dim=-1)
        return Independent(Normal(mean, log_sigma.exp(), validate_args=False), 1)

    def decode(self, z: Tensor) -> Independent:
        """Return p(x|z): from codes of shape (..., Q), events of (D,). Its ``mean`` is x_hat."""
        many = isinstance(z, Tensor) and z.ndim > 2
        check_rows("z", z.flatten(0, -2) if many else z, self.latent_dim, self.dtype)
        out = self.decoder(z)
        if self.likelihood == "bernoulli":
            density = Bernoulli(logits=out, validate_args=False)
        else:
            scale = self.log_scale.exp()
            density = LIKELIHOODS[self.likelihood](out, scale, validate_args=False)
        return Independent(density, 1)

    def elbo(self, x: Tensor, n_samples: int = 1) -> Elbo:
        """Estimate the lower bound on log p(x), with ``n_samples`` codes for each row.

        The reconstruction is an average over codes drawn from q(z|x), the KL is exact. Gradients
        pass through the draws (z = μ + σ ε).

        Returns
        -------
        Elbo
            Each part of shape (B,), in nats.

        Raises
        ------
        ValueError
            If x has another shape or type, is not finite, or holds anything but zeros and ones
            under a Bernoulli.
        """
        self._check_data(x)
        check_count(n_samples)
        q = self.encode(x)
        z = q.rsample((n_samples,))
        reconstruction = self.decode(z).log_prob(x).mean(dim=0)
        kl = kl_to_prior(q).sum(dim=1)
        return Elbo(reconstruction - kl, reconstruction, kl)

    def loss(self, x: Tensor) -> Tensor:
        """Return −ELBO with one code a row, averaged over rows: a scalar, in nats."""
        return -self.elbo(binarise(x) if self.binarise else x).elbo.mean()

    def log_weights(self, x: Tensor, z: Tensor, q: Independent) -> Tensor:
        """Return log p(x|z) + log p(z) − log q(z|x): for codes (S, B, Q), shape (S, B), in nats."""
        prior = Independent(Normal(torch.zeros_like(z), 1.0, validate_args=False), 1)
        return self.decode(z).log_prob(x) + prior.log_prob(z) - q.log_prob(z)

    @torch.no_grad()
    def log_likelihood(self, x: Tensor, n_samples: int = 5000) -> Tensor:
        """Estimate log p(x) with weighted codes from q(z|x): shape (B, D) to (B,), in nats.

        The estimate is log(1/S Σ p(x|z_s) p(z_s) / q(z_s|x)) with S codes for each row. On average
        it is too small, and less so the more codes; with one it is the ELBO. Memory hardly grows
        with ``n_samples``.

        Raises
        ------
        ValueError
            As in `elbo`.

        Notes
        -----
        Burda, Grosse and Salakhutdinov (2016), equation 8.
        """
        self._check_data(x)
        check_count(n_samples)
        widest = max(w.shape[0] for w in self.parameters() if w.ndim == 2)
        estimates = []
        for rows in x.split(max(1, CHUNK // (widest * min(n_samples, 100)))):
            q = self.encode(rows)
            at_once = max(1, CHUNK // (len(rows) * widest))
            parts = []
            for start in range(0, n_samples, at_once):
                z = q.sample((min(at_once, n_samples - start),))
                parts.append(self.log_weights(rows, z, q).logsumexp(dim=0))
            # one sum at the end: a running total would, in float32, lose what comes late
            estimates.append(torch.stack(parts).logsumexp(dim=0) - math.log(n_samples))
        return torch.cat(estimates)

    def _check_data(self, x: Tensor) -> None:
        if len(check_rows("x", x, self.data_dim, self.dtype)) == 0:
            raise ValueError("expected at least one row of x; got none: check how they were chosen")
        binary = self.likelihood == "bernoulli"
        # One sum and one product tell that all is well. To look at each number costs a step of
        # training a twentieth, so that is left for when something is wrong.
        if torch.isfinite(x.sum()) and (not binary or torch.equal(x, x * x)):
            return
        if not torch.isfinite(x).all():
            raise ValueError(
                f"expected finite x; got NaN or infinity in {_bad_rows(~torch.isfinite(x))}: "
                "drop or fill them first"
            )
        grey = (x != 0) & (x != 1)
        if binary and grey.any():
            raise ValueError(
                "expected zeros and ones, all that a Bernoulli has a probability for; got other "
                f"values in {_bad_rows(grey)}: binarise x, or choose the gaussian or laplace "
                "likelihood"
            )


def kl_to_prior(q: Independent) -> Tensor:
    """Return KL(q, N(0, I)) dimension by dimension, for a diagonal Gaussian: (B, Q), in nats.

    ½ (μ² + σ² − 1) − log σ; Kingma and Welling (2014), appendix B. With log σ in place of
    ½ log σ², since σ² can round to zero where σ does not.
    """
    sigma = q.base_dist.stddev  # q.stddev is the root of σ²
    return 0.5 * (q.mean.square() + sigma.square() - 1) - sigma.log()


def binarise(x: Tensor) -> Tensor:
    """Draw each number as 1 with the probability that its grey value says, else as 0.

    ValueError if x is no Tensor of real numbers, or a value is not from 0 to 1. Zeros and ones stay
    as they are.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        came = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(
            f"expected x as a Tensor of real numbers; got {came}: "
            "write torch.as_tensor(x, dtype=torch.float32)"
        )
    if x.numel():
        low, high = x.aminmax()
        if not (low >= 0 and high <= 1):  # with a NaN in x both are NaN
            raise ValueError(
                "expected grey values from 0 to 1, read as probabilities; got others in "
                f"{int((~((x >= 0) & (x <= 1))).sum())} of {x.numel()} places: scale x first"
            )
    return torch.bernoulli(x)


def _bad_rows(bad: Tensor) -> str:
    return f"{int(bad.any(dim=-1).sum())} of {len(bad)} rows"


def check_count(n_samples: int) -> None:
    """Refuse a number of codes that is no whole number of 1 or more."""
    if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
        raise ValueError(f"expected n_samples, a whole number of 1 or more; got {n_samples!r}")


def _check_likelihood(likelihood: str, scale: float | None, binarise: bool) -> None:
    if not isinstance(likelihood, str) or likelihood not in LIKELIHOODS:
        raise ValueError(f"expected a likelihood of {list(LIKELIHOODS)}; got {likelihood!r}")
    if likelihood == "bernoulli" and scale is not None:
        raise ValueError(f"expected no scale, which a Bernoulli does not have; got {scale!r}")
    if likelihood != "bernoulli" and binarise:
        raise ValueError(f"expected binarise only with a Bernoulli; got it with {likelihood!r}")
    is_number = isinstance(scale, Real) and not isinstance(scale, bool)
    if scale is not None and not (is_number and 1e-30 < scale < 1e30):  # float32 holds these
        raise ValueError(f"expected a scale above 0, or None to learn it; got {scale!r}")
