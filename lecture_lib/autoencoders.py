"""Autoencoders: networks that learn to rebuild their input from a few numbers (lecture 11.3).

An encoder f takes x in R^D to a code z in R^Q, a decoder g takes the code to x_hat in R^D, and both
are trained to make x_hat like x. With no hidden layer the maps are affine, and the best that they
can do is PCA: `LinearAutoencoder`. With hidden layers they can follow curved data: `Autoencoder`.
With noise on the input, and the clean x as the target, they learn to remove it (Vincent et al.,
2008): the argument ``noise``.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real

import torch
from torch import Tensor, nn

Noise = float | tuple[float, float]


class Autoencoder(nn.Module):
    """An encoder and a decoder with hidden layers, one the mirror image of the other.

    Parameters
    ----------
    data_dim : int
        D, the number of dimensions of x.
    latent_dim : int
        Q, the number of dimensions of the code; 1 ≤ Q ≤ D. At Q = D nothing has to be left out.
    hidden : sequence of int
        Widths of the encoder's hidden layers, from x to z. The decoder has them in reverse.
    activation : class of Module
        Follows each hidden layer.
    output : class of Module, optional
        Comes last in the decoder: ``nn.Sigmoid`` where the data are grey values from 0 to 1.
    noise : float or (float, float)
        Standard deviation τ of the noise that `loss` adds to its input. Of a pair, each row gets
        its own τ, drawn uniformly between the two.

    Attributes
    ----------
    encoder, decoder : Module
        f and g.

    Raises
    ------
    ValueError
        If a size or a noise level makes no sense.

    Notes
    -----
    Lecture 11.3. Deep ones: Hinton and Salakhutdinov (2006). With noise: Vincent et al. (2008).
    """

    def __init__(
        self,
        data_dim: int,
        latent_dim: int,
        hidden: Sequence[int] = (128,),
        *,
        activation: Callable[[], nn.Module] = nn.SiLU,
        output: Callable[[], nn.Module] | None = None,
        noise: Noise = 0.0,
    ) -> None:
        """Build both networks, with first weights from PyTorch's global random numbers."""
        super().__init__()
        sizes = layer_sizes(data_dim, hidden, latent_dim)
        self.data_dim, self.latent_dim = data_dim, latent_dim
        _check_noise(noise)
        self.noise = noise
        self.encoder = network(sizes, activation)
        self.decoder = network(sizes[::-1], activation, output)

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes z = f(x): shape (B, D) to (B, Q)."""
        return self.encoder(check_rows("x", x, self.data_dim, self.dtype))

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstructions x_hat = g(z): shape (B, Q) to (B, D)."""
        return self.decoder(check_rows("z", z, self.latent_dim, self.dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return x_hat = g(f(x)): shape (B, D) to (B, D)."""
        return self.decode(self.encode(x))

    def loss(self, x: Tensor) -> Tensor:
        """Return the squared error, summed over dimensions and averaged over rows: a scalar.

        With ``noise`` the network sees a noisy copy of x; the error is still to the clean x.
        """
        return squared_error(self(corrupt(x, self.noise)), x).mean()

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights, which data must have too."""
        return next(self.parameters()).dtype


class LinearAutoencoder(Autoencoder):
    """The smallest autoencoder: z = A x + a, x_hat = B z + b. Its best is PCA.

    Parameters
    ----------
    data_dim, latent_dim : int
        D and Q; 1 ≤ Q ≤ D.
    noise : float or (float, float)
        As for `Autoencoder`.
    weight_decay : float
        `loss` adds ``weight_decay`` times (‖A‖² + ‖B‖²), all squared entries summed. The loss is a
        mean over rows: for the lecture's sum over N points, its λ is N times this one.

    Attributes
    ----------
    encoder, decoder : nn.Linear
        ``encoder.weight`` is A (Q, D), ``encoder.bias`` is a (Q,), ``decoder.weight`` is B (D, Q)
        and ``decoder.bias`` is b (D,).

    Raises
    ------
    ValueError
        If a size, a noise level or ``weight_decay`` makes no sense.

    Notes
    -----
    Lecture 11.3, "PCA as a special case of autoencoders"; Baldi and Hornik (1989); with weight
    decay: Kunin et al. (2019).
    """

    def __init__(
        self, data_dim: int, latent_dim: int, *, noise: Noise = 0.0, weight_decay: float = 0.0
    ) -> None:
        """Build both maps, with first weights from PyTorch's global random numbers."""
        super().__init__(data_dim, latent_dim, hidden=(), noise=noise)
        if not (isinstance(weight_decay, Real) and 0 <= weight_decay < math.inf):
            raise ValueError(f"expected weight_decay of 0 or more; got {weight_decay!r}")
        self.weight_decay = weight_decay

    def loss(self, x: Tensor) -> Tensor:
        """Return the loss of `Autoencoder` plus the price of large weights: a scalar."""
        price = self.encoder.weight.square().sum() + self.decoder.weight.square().sum()
        return super().loss(x) + self.weight_decay * price


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return ‖x_hat − x‖² of each row, a sum over dimensions: shapes (B, D) to (B,)."""
    return (x_hat - x).square().sum(dim=1)


def corrupt(x: Tensor, noise: Noise) -> Tensor:
    """Return x + τ ε, with ε a fresh draw from N(0, I): shape (B, D) to (B, D).

    ``noise`` is τ, or a pair between which each row's own τ is drawn uniformly. ValueError if it
    is neither.
    """
    _check_noise(noise)
    low, high = noise if isinstance(noise, tuple) else (noise, noise)
    if high == 0:
        return x
    tau = low + (high - low) * torch.rand(len(x), 1, dtype=x.dtype, device=x.device)
    return x + tau * torch.randn_like(x)


def layer_sizes(data_dim: int, hidden: Sequence[int], latent_dim: int) -> list[int]:
    """Return the widths of the layers from x to z, or say what is wrong with them.

    Raises
    ------
    ValueError
        If one is no whole number of 1 or more, or the code is longer than the data.
    """
    sizes = [data_dim, *(hidden if isinstance(hidden, Sequence) else [None]), latent_dim]
    if not all(
        isinstance(size, Integral) and not isinstance(size, bool) and size > 0 for size in sizes
    ):
        raise ValueError(
            "expected sizes that are whole numbers of 1 or more, and a sequence of them for "
            f"the hidden layers; got data_dim={data_dim!r}, hidden={hidden!r}, "
            f"latent_dim={latent_dim!r}"
        )
    if latent_dim > data_dim:
        raise ValueError(
            f"expected codes no longer than the data, Q ≤ D; got Q = {latent_dim} and "
            f"D = {data_dim}: choose a smaller latent_dim"
        )
    return sizes


def check_rows(name: str, rows: Tensor, width: int, dtype: torch.dtype) -> Tensor:
    """Return ``rows``, or say in what they are not a Tensor of shape (B, ``width``)."""
    if not isinstance(rows, Tensor) or rows.dtype != dtype:
        came = rows.dtype if isinstance(rows, Tensor) else type(rows).__name__
        raise ValueError(
            f"expected {name} as a Tensor of {dtype}, the type of the weights; got {came}: "
            f"write torch.as_tensor({name}, dtype={dtype})"
        )
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(
            f"expected {name} of shape (B, {width}), one point a row; "
            f"got {tuple(rows.shape)}: flatten or transpose it"
        )
    return rows


def network(
    sizes: Sequence[int],
    activation: Callable[[], nn.Module],
    output: Callable[[], nn.Module] | None = None,
) -> nn.Module:
    """Return affine maps through these sizes, ``activation`` between them and ``output`` last.

    Raises
    ------
    ValueError
        If ``activation`` or ``output`` is a layer and not the class of one.
    """
    for kind in (activation, output):
        if isinstance(kind, nn.Module) or not (kind is None or callable(kind)):
            raise ValueError(
                f"expected the class of a layer, such as nn.ReLU without brackets; got {kind!r}"
            )
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    layers.pop()
    if output is not None:
        layers.append(output())
    return nn.Sequential(*layers) if len(layers) > 1 else layers[0]


def _check_noise(noise: Noise) -> None:
    pair = noise if isinstance(noise, tuple) else (noise, noise)
    if (
        len(pair) != 2
        or not all(isinstance(level, Real) for level in pair)
        or not 0 <= pair[0] <= pair[1] < math.inf
    ):
        raise ValueError(
            "expected noise, a standard deviation of 0 or more, or a pair (low, high) of them; "
            f"got {noise!r}"
        )
