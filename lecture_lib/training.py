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
        The training loss of each finished epoch: the mean over its rows, where each batch was
        measured before its step.
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
        Fixes the order of the rows and every random number that the loss draws from PyTorch. On the
        CPU the same seed, weights and number of threads give the same result. The first weights
        are drawn when the model is made: call ``torch.manual_seed`` before that.
    device : str or device, optional
        Where to train. By default where the model is, if that is not the CPU, else where
        `training_device` says. Afterwards the model is back where it was.
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
        If the model, the data or a setting cannot be used. Nothing has been changed then.
    FloatingPointError
        If the loss or, after the last step, a weight is no longer a finite number. The model keeps
        the weights that it had then.
    """
    keep = set(snapshots)
    _check_settings(epochs, batch_size, learning_rate, keep)
    epochs, batch_size = int(epochs), int(batch_size)  # NumPy's whole numbers too
    home, rows = _home_and_rows(model, x)
    device = home if device is None and home.type != "cpu" else training_device(device)
    steps = -(-len(rows) // batch_size)  # in an epoch, rounded up
    history = History()
    start = time.perf_counter()
    show = {} if progress else {"disable": True}  # if shown, TQDM_DISABLE can still turn it off
    bar = tqdm(total=epochs * steps, unit="step", delay=PATIENCE, ascii=True, **show)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            model.to(device)
            rows = rows.to(device)
            optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimiser, learning_rate, total_steps=epochs * steps + 1, cycle_momentum=False
            )
            if 0 in keep:
                history.snapshots[0] = _weights(model)
            for epoch in range(1, epochs + 1):
                total = 0.0
                order = torch.randperm(len(rows)).to(device)
                for step, chosen in enumerate(order.split(batch_size), start=1):
                    loss = model.loss(rows[chosen])
                    value = _finite(loss, epoch, step, learning_rate)
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
                    total += value * len(chosen)
                    bar.update()
                history.loss.append(total / len(rows))
                bar.set_postfix(loss=f"{history.loss[-1]:.4g}", refresh=False)
                if epoch in keep:
                    history.snapshots[epoch] = _weights(model)
            _check_weights(model)
    except KeyboardInterrupt:
        history.interrupted = True
        print(f"Stopped after {len(history.loss)} of {epochs} epochs; the model keeps its weights.")
    finally:
        bar.close()
        model.to(home)
        history.seconds = time.perf_counter() - start
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
    chosen = os.environ.get("LECTURE_DEVICE") or None if device is None else device
    if chosen is None:
        return torch.device("cuda" if profile() == "full" and torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=chosen).device
    except (RuntimeError, AssertionError) as error:  # PyTorch without CUDA asserts
        raise ValueError(
            f"expected a device that PyTorch has on this machine; got {str(chosen)!r} from "
            f"{'LECTURE_DEVICE' if device is None else 'the argument'}: choose cpu"
        ) from error


def _check_settings(epochs: int, batch_size: int, learning_rate: float, keep: set[int]) -> None:
    for name, count in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ValueError(f"expected {name}, a whole number of 1 or more; got {count!r}")
    if not (isinstance(learning_rate, Real) and 0 < learning_rate < math.inf):
        raise ValueError(f"expected a learning_rate above 0, such as 1e-3; got {learning_rate!r}")
    if not keep <= set(range(epochs + 1)):
        raise ValueError(
            f"expected snapshots at epochs from 0 to {epochs}; "
            f"got {sorted(keep - set(range(epochs + 1)))}"
        )


def _home_and_rows(
    model: nn.Module, x: np.ndarray | torch.Tensor
) -> tuple[torch.device, torch.Tensor]:
    """Return where the model is, and ``x`` in the type of its weights; or say what is wrong."""
    if not (isinstance(model, nn.Module) and callable(getattr(model, "loss", None))):
        raise ValueError(
            f"expected a torch Module with a method loss(x); got {type(model).__name__}: give it a "
            "loss that returns a scalar Tensor"
        )
    weights = next((value for value in model.parameters() if value.requires_grad), None)
    if weights is None:
        raise ValueError(
            f"expected a model with weights to train; {type(model).__name__} has none: "
            "set requires_grad on those that are frozen"
        )
    if isinstance(x, torch.Tensor):
        rows = x.detach().to(weights.dtype)
    else:
        try:
            rows = torch.from_numpy(np.array(x, dtype=str(weights.dtype).removeprefix("torch.")))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"expected an array of numbers, shape (N, D); got {type(x).__name__}: {error}"
            ) from error
    if rows.ndim != 2 or len(rows) == 0:
        raise ValueError(
            f"expected data of shape (N, D), one point a row; got {tuple(rows.shape)}: "
            "pass the data, not the labels, and flatten each image into one row"
        )
    bad = int((~torch.isfinite(rows)).any(dim=1).sum())
    if bad:
        raise ValueError(
            f"expected finite numbers; got NaN or infinity (or more than {rows.dtype} can hold) in "
            f"{bad} of {len(rows)} rows: drop, fill or scale them first"
        )
    return weights.device, rows


def _finite(loss: torch.Tensor, epoch: int, step: int, learning_rate: float) -> float:
    """Return the loss as a number that training can go on from, or say what is wrong with it."""
    if not (isinstance(loss, torch.Tensor) and loss.ndim == 0 and loss.requires_grad):
        what = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss)
        raise ValueError(
            "expected the model's loss(x) to return one number that depends on its weights; "
            f"got {what}: take the mean over rows, in PyTorch"
        )
    value = loss.item()
    if not math.isfinite(value):
        first = epoch == step == 1
        slower = "" if first else f"try a smaller learning_rate than {learning_rate:g}, or "
        raise FloatingPointError(
            f"the loss became {value} in epoch {epoch}, step {step}: {slower}scale the data, for "
            "example to values between 0 and 1"
        )
    return value


def _check_weights(model: nn.Module) -> None:
    """Refuse weights that the last step spoilt; an earlier one would show in the next loss."""
    if not all(torch.isfinite(value).all() for value in model.parameters()):
        raise FloatingPointError(
            "a weight became NaN or infinite in the last step although the loss was finite: look "
            "for a square root or a logarithm of zero in the loss"
        )


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
