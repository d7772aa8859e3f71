"""One training loop for every network of the book, short enough to be read whole.

A model brings its own loss: ``model.loss(x)`` returns one number, the mean over the rows of ``x``.
`fit` lowers it by stochastic gradient descent. It draws the rows in random order, takes a batch of
them at a time, and lets Adam (Kingma and Ba, 2015) take a step against the gradient. The step size
follows the one-cycle schedule of Smith and Topin (2018): small at first, while nothing is known of
the loss, then up to ``learning_rate``, then down to almost zero, so that the noise of the batches
dies out at the end.
"""

import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from numbers import Integral, Real

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from lecture_lib.datasets import profile

PATIENCE = 2  # seconds before a progress bar is shown


@dataclass
class History:
    """What happened during `fit`.

    Attributes
    ----------
    loss : list of float
        The training loss of each epoch that was finished: the mean over its batches, each taken
        before its step.
    snapshots : dict of int to dict of str to Tensor
        Copies of the model's weights by epoch, for ``model.load_state_dict``; 0 is before training.
    seconds : float
        Wall-clock time of the training.
    interrupted : bool
        Whether Ctrl-C (or Jupyter's stop button) ended it early.
    """

    loss: list[float] = field(default_factory=list)
    snapshots: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False


def fit(
    model: nn.Module,
    x: np.ndarray | torch.Tensor,
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
    snapshots: Iterable[int] = (),
) -> History:
    """Train a model on the rows of ``x``, in place.

    Parameters
    ----------
    model : Module
        Any module with a method ``loss(x) -> scalar Tensor``.
    x : array or Tensor, shape (N, D)
        Held on the device as a whole, in the type of the model's weights.
    epochs : int
        How often the loop goes through all rows.
    batch_size : int
        Rows in a step; the last batch of an epoch may have fewer.
    learning_rate : float
        The largest step size of the schedule.
    seed : int
        Fixes the order of the rows and every random number that the loss draws. On the CPU the same
        seed, weights and number of threads give the same result. The starting weights are drawn
        when the model is made: call ``torch.manual_seed`` before that.
    device : str or device, optional
        Where to train; see `training_device`. Afterwards the model is back where it was.
    progress : bool
        Whether to show a progress bar once training takes more than a few seconds.
    snapshots : iterable of int
        Epochs after which to keep a copy of the weights; 0 is before the first.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the data or a setting cannot be used. Nothing has been changed then.
    FloatingPointError
        If the loss is no longer a finite number. The model keeps the weights that gave that loss.
    """
    keep = set(snapshots)
    _check_settings(epochs, batch_size, learning_rate, keep)
    device = training_device(device)
    x = _checked_rows(model, x).to(device)
    home = next(model.parameters()).device
    model.to(device)
    steps = -(-len(x) // batch_size)  # in an epoch, rounded up
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=epochs * steps, cycle_momentum=False
    )
    history = History()
    if 0 in keep:
        history.snapshots[0] = _weights(model)
    bar = tqdm(total=epochs, unit="epoch", delay=PATIENCE, ascii=True) if progress else None
    start = time.perf_counter()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            for epoch in range(1, epochs + 1):
                total = 0.0
                order = torch.randperm(len(x)).to(device)
                for step, rows in enumerate(order.split(batch_size), start=1):
                    loss = model.loss(x[rows])
                    value = _finite(loss, f"epoch {epoch}, step {step} of {steps}", learning_rate)
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
                    total += value * len(rows)
                history.loss.append(total / len(x))
                if epoch in keep:
                    history.snapshots[epoch] = _weights(model)
                if bar is not None:
                    bar.set_postfix(loss=f"{history.loss[-1]:.4g}", refresh=False)
                    bar.update()
    except KeyboardInterrupt:
        history.interrupted = True
        print(f"Stopped in epoch {len(history.loss) + 1} of {epochs}; the model keeps its weights.")
    finally:
        history.seconds = time.perf_counter() - start
        if bar is not None:
            bar.close()
        model.to(home)
    return history


def training_device(device: str | torch.device | None = None) -> torch.device:
    """Return ``device``; or if it is None, the one that the environment asks for.

    That is ``LECTURE_DEVICE`` if it is set; else a GPU in the ``full`` profile, if there is one;
    else the CPU.

    Raises
    ------
    ValueError
        If PyTorch has no such device on this machine.
    """
    chosen = device or os.environ.get("LECTURE_DEVICE")
    if not chosen:
        return torch.device("cuda" if profile() == "full" and torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=chosen).device
    except (RuntimeError, AssertionError) as error:  # PyTorch without CUDA asserts
        raise ValueError(
            f"expected a device that PyTorch has on this machine; got {str(chosen)!r} from "
            f"{'the argument' if device else 'LECTURE_DEVICE'}: choose cpu"
        ) from error


def _finite(loss: torch.Tensor, where: str, learning_rate: float) -> float:
    """Return the loss as a number that training can go on from, or say what is wrong with it."""
    if loss.ndim > 0:
        raise ValueError(
            "expected the model's loss(x) to return one number; "
            f"got shape {tuple(loss.shape)}: take the mean over rows"
        )
    value = loss.item()
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the loss became {value} in {where}: try a smaller learning_rate than "
            f"{learning_rate:g}, or scale the data, for example to values between 0 and 1"
        )
    return value


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _checked_rows(model: nn.Module, x: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return ``x`` in the type of the model's weights, or say what is wrong with either."""
    if not callable(getattr(model, "loss", None)):
        raise ValueError(
            f"expected a model with a method loss(x); got {type(model).__name__}: give it one that "
            "returns a scalar Tensor"
        )
    dtype = next(model.parameters()).dtype
    rows = torch.as_tensor(x)
    if rows.ndim != 2 or len(rows) == 0:
        raise ValueError(
            f"expected data of shape (N, D), one point a row; got {tuple(rows.shape)}: "
            "pass the data, not the labels, and flatten each image into one row"
        )
    rows = rows.to(dtype)
    bad = int((~torch.isfinite(rows)).any(dim=1).sum())
    if bad:
        raise ValueError(
            f"expected finite numbers; got NaN or infinity in {bad} of {len(rows)} rows: "
            "drop or fill them first"
        )
    return rows


def _check_settings(epochs: int, batch_size: int, learning_rate: float, keep: set[int]) -> None:
    for name, count in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(count, Integral) or count < 1:
            raise ValueError(f"expected {name}, a whole number of 1 or more; got {count!r}")
    if not (isinstance(learning_rate, Real) and 0 < learning_rate < math.inf):
        raise ValueError(f"expected a learning_rate above 0, such as 1e-3; got {learning_rate!r}")
    if not keep <= set(range(epochs + 1)):
        raise ValueError(
            f"expected snapshots at epochs from 0 to {epochs}; "
            f"got {sorted(keep - set(range(epochs + 1)))}"
        )
