"""What `lecture_lib.fit` costs over a bare PyTorch loop on the same model, data and batches.

The bare loop has the same optimiser and nothing else: no schedule, no check of the loss, no
history. Both sides train by turns in one process, each from the same weights, on one thread, and
processor time is counted, so that a busy machine disturbs little. All figures are medians over the
rounds. `fit` may cost at most 1.10 times the bare loop; the exit status is 1 if it costs more.

    python benchmarks/training_loop.py --rounds 8
"""

import argparse
import contextlib
import copy
import io
import sys
import time

import numpy as np
import torch
from torch import nn

from lecture_lib import Autoencoder, LinearAutoencoder, fit
from lecture_lib.datasets import load_digits, noisy_curve

LIMIT = 1.10


def bare(model, x, *, epochs, batch_size, learning_rate):
    """Train with as little as PyTorch allows."""
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    torch.manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch_size):
            loss = model.loss(x[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def ours(model, x, **settings):
    """Train with `fit`; its progress bar goes to nowhere."""
    with contextlib.redirect_stderr(io.StringIO()):
        fit(model, x, **settings)


def seconds(train, model, x, settings):
    """Seconds that training a copy of the model takes: of the processor, on one thread."""
    model = copy.deepcopy(model)
    start = time.process_time()
    train(model, x, **settings)
    return time.process_time() - start


def main():
    """Print milliseconds a step of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)  # so that processor time is the time that a reader waits
    digits = torch.as_tensor(load_digits().x_train)
    curve = torch.as_tensor(noisy_curve(300)[0], dtype=torch.float32)
    cases = {
        "784-512-128-8, sigmoid": (
            Autoencoder(784, 8, hidden=(512, 128), output=nn.Sigmoid),
            digits,
            {"epochs": 2, "batch_size": 64, "learning_rate": 3e-3},
        ),
        "784-8, linear": (
            LinearAutoencoder(784, 8),
            digits,
            {"epochs": 4, "batch_size": 64, "learning_rate": 3e-3},
        ),
        "2-32-32-1": (
            Autoencoder(2, 1, hidden=(32, 32)),
            curve,
            {"epochs": 100, "batch_size": 50, "learning_rate": 1e-2},
        ),
    }
    print(f"torch {torch.__version__}, one thread")
    print(f"{'model':24}{'bare, ms a step':>16}{'fit, ms a step':>16}{'ratio':>8}")
    ratios = []
    for name, (model, x, settings) in cases.items():
        steps = settings["epochs"] * -(-len(x) // settings["batch_size"])
        times = np.array(
            [
                [seconds(train, model, x, settings) for train in (bare, ours)]
                for _ in range(rounds + 1)
            ]
        )[1:]  # the first round warms up
        plain, fitted = 1e3 * np.median(times, axis=0) / steps
        ratios.append(np.median(times[:, 1] / times[:, 0]))
        print(f"{name:24}{plain:16.3f}{fitted:16.3f}{ratios[-1]:8.3f}")
    sys.exit(1 if max(ratios) > LIMIT else 0)


if __name__ == "__main__":
    main()
