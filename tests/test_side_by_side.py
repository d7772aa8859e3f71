"""Networks trained side by side become what each becomes alone."""

import pytest
import torch
from torch import nn

from lecture_lib import Autoencoder, LinearAutoencoder, fit
from lecture_lib.side_by_side import fit_side_by_side
from lecture_lib.toy import noisy_curve

X, _ = noisy_curve(n=70, noise=0.1, seed=3)
SETTINGS = {"epochs": 10, "batch_size": 30, "learning_rate": 0.02, "seed": 5, "progress": False}


def autoencoder(seed, hidden, activation):
    torch.manual_seed(seed)
    return Autoencoder(2, 1, hidden=hidden, activation=activation).double()


def assert_alike(one, other):
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        # only the order of sums differs: 30 steps in double precision let rounding grow little
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU])
def test_each_is_trained_as_if_alone(hidden, activation):
    models = [autoencoder(seed, hidden, activation) for seed in range(4)]
    untrained = autoencoder(2, hidden, activation)
    alone = autoencoder(2, hidden, activation)
    fit(alone, X, **SETTINGS)
    fit_side_by_side(models, X, **SETTINGS)
    assert_alike(models[2], alone)
    pairs = zip(alone.parameters(), untrained.parameters(), strict=True)
    assert max(torch.dist(a, b) for a, b in pairs) > 0.01  # there was something to do


@pytest.mark.parametrize(
    "models",
    [
        [],
        [autoencoder(0, (4,), nn.ReLU), autoencoder(0, (5,), nn.ReLU)],
        [autoencoder(0, (4,), nn.ReLU), autoencoder(0, (4,), nn.SiLU)],
        [LinearAutoencoder(2, 1, weight_decay=0.1)],  # the stack has no price on weights
        [Autoencoder(2, 1, noise=0.1)],
    ],
    ids=["none", "other sizes", "other activation", "other loss", "noise"],
)
def test_what_cannot_be_stacked_is_refused(models):
    with pytest.raises(ValueError, match="same layers and without noise"):
        fit_side_by_side(models, X, **SETTINGS)
