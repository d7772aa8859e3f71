"""Many small autoencoders of one shape, trained at once.

For a small network PyTorch takes longer to arrange a step than to compute it. So the weights of
all networks are stacked, and each step moves them all. None feels the others: the loss of one
network has no slope in the weights of another, and Adam treats each weight by itself.

`torch.func.vmap` does the same for any model, at twice the time for networks as small as these.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib.autoencoders import Autoencoder
from lecture_lib.training import fit


def fit_side_by_side(
    models: Sequence[Autoencoder], x: np.ndarray | Tensor, **settings: object
) -> None:
    """Train each model, in place, as `fit` would train it alone, up to rounding.

    All of them see the same batches in the same order.

    Parameters
    ----------
    models : sequence of Autoencoder
        Without noise. They may differ in their weights and in nothing else.
    x : array or Tensor, shape (N, D)
    **settings
        As for `fit`, but for ``snapshots``, which would be of the stack.

    Raises
    ------
    ValueError
        If there are no models, if one is of another class or has noise, or if their layers differ.
    """
    plain = all(type(model) is Autoencoder and model.noise == 0 for model in models)
    if not plain or len({repr(model) for model in models}) != 1:
        raise ValueError(
            "expected one Autoencoder or more, all with the same layers and without noise; got "
            f"{len(models)} models that are not: train each kind by itself, others with fit"
        )
    stack = _Stack(models)
    fit(stack, x, **settings)
    for k, model in enumerate(models):
        for together, own in zip(stack.layers, _layers(model), strict=True):
            if isinstance(together, _StackedLinear):
                own.weight.data = together.weight[k].detach().T.clone()
                own.bias.data = together.bias[k, 0].detach().clone()


class _Stack(nn.Module):
    """The models as one, with the sum of their losses."""

    def __init__(self, models: Sequence[Autoencoder]) -> None:
        super().__init__()
        self.count = len(models)
        self.layers = nn.ModuleList(
            _StackedLinear(same) if isinstance(same[0], nn.Linear) else same[0]
            for same in zip(*map(_layers, models), strict=True)
        )

    def loss(self, x: Tensor) -> Tensor:
        h = x.expand(self.count, -1, -1)
        for layer in self.layers:
            h = layer(h)
        return (h - x).square().sum(dim=2).mean(dim=1).sum()


class _StackedLinear(nn.Module):
    """The same layer of all models: slice k belongs to model k. (K, B, n_in) to (K, B, n_out)."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach()[None] for layer in layers]))

    def forward(self, h: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, h, self.weight)


def _layers(model: Autoencoder) -> list[nn.Module]:
    return [
        layer
        for part in (model.encoder, model.decoder)
        for layer in (part if isinstance(part, nn.Sequential) else [part])
    ]
