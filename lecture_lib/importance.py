"""Importance weights: many codes for one x, each counted by how well it explains x (lecture 11.4).

A code z from q(z|x) gets the weight w = p(x|z) p(z) / q(z|x). The mean of K weights has the mean
p(x), so the logarithm of that mean is, on average, a lower bound L_K on log p(x). L_1 is the ELBO,
and L_K rises with K to log p(x) (Burda, Grosse and Salakhutdinov, 2016). It can be trained on too.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from lecture_lib.vae import VAE, binarise, check_count


def log_mean_exp(log_w: Tensor) -> Tensor:
    """Return log(1/K Σ_k w_k), whose expectation is L_K: shape (K, B) to (B,), in nats."""
    return log_w.logsumexp(dim=0) - math.log(len(log_w))


def normalised(log_w: Tensor) -> Tensor:
    """Return w_k / Σ_l w_l, the share of each code: shape (K, B)."""
    return torch.softmax(log_w, dim=0)


def effective_samples(log_w: Tensor) -> Tensor:
    """Return how many equal weights these are worth, 1 to K: shape (K, B) to (B,).

    1 / Σ_k (w_k / Σ_l w_l)². Kong (1992).
    """
    return 1 / normalised(log_w).square().sum(dim=0)


class ImportanceWeightedVAE(VAE):
    """A `VAE` that is trained on L_K, the importance-weighted bound, in place of the ELBO.

    Parameters
    ----------
    *args, **settings
        As for `VAE`.
    n_samples : int
        K, the codes drawn for each row in a step of training.

    Raises
    ------
    ValueError
        As in `VAE`, and if ``n_samples`` is no whole number of 1 or more.

    Notes
    -----
    The bound: Burda et al. (2016). Differentiated as it stands, its gradient for the encoder
    drowns in noise as K grows; `loss` has the doubly reparameterised gradient of Tucker et al.
    (2019) in its place, which has the same mean. It is one for first derivatives only.
    """

    def __init__(self, *args, n_samples: int, **settings) -> None:
        """Build both networks, with first weights from PyTorch's global random numbers."""
        check_count(n_samples)
        super().__init__(*args, **settings)
        self.n_samples = n_samples

    def loss(self, x: Tensor) -> Tensor:
        """Return −L_K, averaged over rows: a scalar, in nats."""
        x = binarise(x) if self.binarise else x
        self._check_data(x)
        q = self.encode(x)
        z = q.rsample((self.n_samples,))
        # The encoder learns through z alone: in log q(z|x) its outputs count as constants, since
        # the gradient that they bring has the mean zero once the weights below are squared.
        still = Independent(
            Normal(q.mean.detach(), q.base_dist.stddev.detach(), validate_args=False), 1
        )
        log_w = self.log_weights(x, z, still)
        share = normalised(log_w).detach()
        # the gradient of log Σ w is Σ share · ∂log w for the decoder, Σ share² · ∂log w for z
        if z.requires_grad:
            z.register_hook(lambda gradient: share[..., None] * gradient)
        weighted, bound = (share * log_w).sum(dim=0), log_mean_exp(log_w)
        return -(weighted + (bound - weighted).detach()).mean()
