"""Networks that run in the page: `pack` makes bytes of them, ``networks.js`` runs the bytes.

A weight travels as a float16, 2 bytes, with a rounding error of at most 1/2048 of itself (or, below
6e-5, of 3e-8). `rounded` gives the network with these weights, so that Python computes what the
page shows.
"""

import copy
from collections.abc import Iterator

import torch
from torch import nn

MOST_WEIGHTS = 225_000  # the page carries them all, 2 bytes each
ACTIVATIONS = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh"}


def pack(module: nn.Module) -> tuple[bytes, list[dict]]:
    """Pack a network for the page.

    Parameters
    ----------
    module : nn.Module
        An ``nn.Linear``, one of ReLU, SiLU, Sigmoid and Tanh, or an ``nn.Sequential`` of such
        modules and of further ``nn.Sequential``.

    Returns
    -------
    bytes
        For each affine map its weights (n_out, n_in), row by row, and its bias (n_out,), as
        float16 with the low byte first.
    list of dict
        The layers in order: ``{"kind": "linear", "n_in": 2, "n_out": 128}``, ``{"kind": "relu"}``.

    Raises
    ------
    ValueError
        If there is a module of another kind, a weight that float16 cannot hold, or too many.
    """
    data, layers = [], []
    for part in _parts(module):
        if type(part) is nn.Linear:
            bias = part.weight.new_zeros(part.out_features) if part.bias is None else part.bias
            data += [_half(part.weight), _half(bias)]
            layers.append({"kind": "linear", "n_in": part.in_features, "n_out": part.out_features})
        else:
            layers.append({"kind": ACTIVATIONS[type(part)]})
    count = sum(half.numel() for half in data)
    if count > MOST_WEIGHTS:
        raise ValueError(
            f"expected a network of at most {MOST_WEIGHTS:,} weights, because the page carries "
            f"them all; got {count:,}: use fewer hidden units"
        )
    return b"".join(half.numpy().astype("<f2").tobytes() for half in data), layers


def rounded(module: nn.Module) -> nn.Module:
    """Return a copy whose weights are those that `pack` gives to the page, on the CPU in float32.

    Raises
    ------
    ValueError
        As `pack`.
    """
    same = copy.deepcopy(module)
    for part in _parts(same):
        for values in part.parameters():
            values.data = _half(values).float()
    return same


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a network in the order in which they act."""
    if type(module) is nn.Sequential:
        for child in module:
            yield from _parts(child)
    elif type(module) is nn.Linear or type(module) in ACTIVATIONS:
        yield module
    else:
        names = ", ".join(kind.__name__ for kind in (nn.Sequential, nn.Linear, *ACTIVATIONS))
        raise ValueError(
            f"expected a network of {names}, which is what networks.js runs; "
            f"got {type(module).__name__}: pass the layers, for example model.decoder"
        )


def _half(values: torch.Tensor) -> torch.Tensor:
    half = values.detach().cpu().to(torch.float16)
    if not torch.isfinite(half).all():
        raise ValueError(
            "expected finite weights of at most 65504, the largest float16; "
            f"got {values.detach().abs().max():g}: train with a smaller learning_rate"
        )
    return half
