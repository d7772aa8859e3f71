"""Autoencoders: shapes, the loss and its gradient, the noise, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lecture_lib import Autoencoder, LinearAutoencoder
from lecture_lib.autoencoders import corrupt, squared_error

MODELS = {
    "linear": lambda: LinearAutoencoder(5, 2),
    "decayed": lambda: LinearAutoencoder(5, 2, weight_decay=0.3),
    "deep": lambda: Autoencoder(5, 2, hidden=(7, 4)),
    "pixels": lambda: Autoencoder(5, 2, hidden=(7,), activation=nn.Tanh, output=nn.Sigmoid),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def rows(n=6, d=5, seed=0):
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@every_model
def test_codes_and_reconstructions_have_the_shapes_of_the_lecture(make):
    model, x = make().double(), rows()
    assert model.encode(x).shape == (6, 2)
    assert model.decode(model.encode(x)).shape == (6, 5)
    torch.testing.assert_close(model(x), model.decode(model.encode(x)))


def test_the_decoder_is_the_encoder_in_reverse():
    model = Autoencoder(5, 2, hidden=(7, 4), output=nn.Sigmoid)
    widths = [
        [(layer.in_features, layer.out_features) for layer in part if isinstance(layer, nn.Linear)]
        for part in (model.encoder, model.decoder)
    ]
    assert widths == [[(5, 7), (7, 4), (4, 2)], [(2, 4), (4, 7), (7, 5)]]
    assert isinstance(model.decoder[-1], nn.Sigmoid)
    assert isinstance(model.encoder[-1], nn.Linear)  # codes are not squashed
    maps = [*widths[0], *widths[1]]
    count = sum(n_in * n_out + n_out for n_in, n_out in maps)  # each has an offset
    assert sum(value.numel() for value in model.parameters()) == count


def test_a_linear_autoencoder_is_two_affine_maps():
    model, x = LinearAutoencoder(5, 2).double(), rows()
    A, a = (value.detach().numpy() for value in (model.encoder.weight, model.encoder.bias))
    B, b = (value.detach().numpy() for value in (model.decoder.weight, model.decoder.bias))
    assert A.shape == (2, 5)
    assert B.shape == (5, 2)
    by_hand = np.array([B @ (A @ row + a) + b for row in x.numpy()])
    np.testing.assert_allclose(model(x).detach().numpy(), by_hand, rtol=1e-12)


@given(n=st.integers(1, 9), d=st.integers(1, 9), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_squared_error_sums_over_dimensions_and_keeps_rows(n, d, seed):
    x, y = rows(n, d, seed), rows(n, d, seed + 1)
    by_hand = [sum((float(y[i, j]) - float(x[i, j])) ** 2 for j in range(d)) for i in range(n)]
    np.testing.assert_allclose(squared_error(y, x).numpy(), by_hand, rtol=1e-12)


@every_model
def test_the_loss_is_a_mean_over_rows_of_sums_over_dimensions(make):
    model, x = make().double(), rows()
    expected = np.square((model(x) - x).detach().numpy()).sum() / len(x)
    if isinstance(model, LinearAutoencoder):
        weights = [model.encoder.weight, model.decoder.weight]  # the offsets cost nothing
        expected += model.weight_decay * sum((w**2).sum().item() for w in weights)
    np.testing.assert_allclose(model.loss(x).item(), expected, rtol=1e-12)


@every_model
def test_the_gradient_of_the_loss_agrees_with_differences(make):
    model, x = make().double(), rows()
    names, values = zip(*model.named_parameters(), strict=True)

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self):
            return self.model.loss(x)

    def loss(*weights):
        named = {f"model.{name}": w for name, w in zip(names, weights, strict=True)}
        return torch.func.functional_call(Loss(), named, ())

    assert torch.autograd.gradcheck(loss, values)


def test_the_same_seed_makes_the_same_model():
    def made(seed):
        torch.manual_seed(seed)
        return torch.cat([value.flatten() for value in Autoencoder(5, 2).parameters()])

    assert torch.equal(made(1), made(1))
    assert not torch.equal(made(1), made(2))


# ── noise ─────────────────────────────────────────────────────────────────────────────────────────


def test_noise_has_the_standard_deviation_that_it_names():
    torch.manual_seed(0)
    x = torch.zeros(400, 500)
    # the standard error of a standard deviation from 200,000 draws is 0.0016 of it; four of those
    assert corrupt(x, 0.5).std().item() == pytest.approx(0.5, rel=0.007)
    assert abs(corrupt(x, 0.5).mean().item()) < 4 * 0.5 / 200_000**0.5


def test_the_noise_is_gaussian():
    torch.manual_seed(0)
    n = 200_000
    eps = corrupt(torch.zeros(n, 1, dtype=torch.float64), 1.0)
    # The fourth moment is 3, with a variance of 105 - 9 for one draw: five standard errors. It is
    # 1.8 for uniform noise of the same spread, and 6 for Laplace's.
    assert eps.pow(4).mean().item() == pytest.approx(3, abs=5 * (96 / n) ** 0.5)


def test_a_pair_draws_one_level_for_each_row_uniformly():
    torch.manual_seed(0)
    levels = corrupt(torch.zeros(2000, 1000), (0.2, 0.8)).std(dim=1)
    assert levels.min() > 0.18  # four standard errors (2 %) below the lowest level
    assert levels.max() < 0.86
    # uniform: quartiles at 0.35, 0.5, 0.65, each within four standard errors of a quantile
    for share, level in ((0.25, 0.35), (0.5, 0.5), (0.75, 0.65)):
        below = (levels < level).double().mean().item()
        assert abs(below - share) < 4 * (share * (1 - share) / 2000) ** 0.5 + 0.01


def test_a_pair_may_begin_at_no_noise():
    torch.manual_seed(0)
    x = torch.zeros(500, 1)
    assert (corrupt(x, (0.0, 1.0)) != x).double().mean() > 0.9


def test_no_noise_leaves_the_data_and_draws_nothing():
    state = torch.get_rng_state()
    x = rows()
    assert corrupt(x, 0.0) is x
    assert torch.equal(torch.get_rng_state(), state)


def test_with_noise_the_target_stays_clean():
    class Seen(Autoencoder):
        def forward(self, x):
            self.seen = x
            return torch.zeros_like(x)

    model, x = Seen(5, 2, noise=0.7), rows().float()
    loss = model.loss(x)
    assert not torch.equal(model.seen, x)
    torch.testing.assert_close(loss, x.square().sum(dim=1).mean())


# ── what is refused ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 6}, r"Q ≤ D; got Q = 6 and D = 5"),
        ({"latent_dim": 0}, "whole numbers of 1 or more"),
        ({"latent_dim": 1.5}, "whole numbers of 1 or more"),
        ({"hidden": (8, 0)}, r"hidden=\(8, 0\)"),
        ({"latent_dim": None}, "latent_dim=None"),
        ({"hidden": 8}, "hidden=8"),
        ({"hidden": None}, "hidden=None"),
        ({"activation": nn.ReLU()}, r"nn.ReLU without brackets; got ReLU\(\)"),
        ({"output": "sigmoid"}, "class of a layer.*got 'sigmoid'"),
        ({"noise": -0.1}, "0 or more"),
        ({"noise": float("nan")}, "0 or more"),
        ({"noise": (0.5, 0.1)}, r"got \(0.5, 0.1\)"),
        ({"noise": (0.1, 0.2, 0.3)}, "pair"),
        ({"noise": "little"}, "got 'little'"),
    ],
)
def test_an_autoencoder_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(**({"data_dim": 5, "latent_dim": 2} | arguments))


@pytest.mark.parametrize("weight_decay", [-1, float("inf"), float("nan"), None])
def test_weight_decay_is_a_number_of_0_or_more(weight_decay):
    with pytest.raises(ValueError, match="weight_decay of 0 or more"):
        LinearAutoencoder(5, 2, weight_decay=weight_decay)


@every_model
@pytest.mark.parametrize("shape", [(5,), (6, 4), (6, 5, 1)])
def test_data_of_another_shape_are_refused(make, shape):
    with pytest.raises(ValueError, match=r"expected x of shape \(B, 5\), one point a row; got"):
        make().encode(torch.zeros(shape))


@every_model
@pytest.mark.parametrize("x", [np.zeros((6, 5)), torch.zeros(6, 5, dtype=torch.float64)])
def test_data_of_another_type_are_refused(make, x):
    with pytest.raises(ValueError, match=r"write torch.as_tensor\(x, dtype=torch.float32\)"):
        make().encode(x)


def test_noise_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"a pair \(low, high\) of them; got \(1.0, 0.5\)"):
        corrupt(rows(), (1.0, 0.5))


@every_model
def test_codes_of_another_shape_are_refused(make):
    with pytest.raises(ValueError, match=r"expected z of shape \(B, 2\)"):
        make().decode(torch.zeros(6, 5))
