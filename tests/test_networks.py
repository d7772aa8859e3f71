"""Networks that run in the page: what is packed, and that JavaScript computes what PyTorch does."""

import base64

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lecture_lib import Autoencoder
from lecture_lib.autoencoders import network
from lecture_lib.figures.base import HERE
from lecture_lib.figures.networks import ACTIVATIONS, pack, rounded

SCRIPT = (HERE / "networks.js").read_text(encoding="utf-8")


def random_network(sizes, activation, output=None, seed=0):
    """A network whose activations meet numbers from about −3 to 3, where each of them bends."""
    torch.manual_seed(seed)
    module = network(sizes, activation, output)
    with torch.no_grad():
        for values in module.parameters():
            if values.ndim == 2:
                values.normal_(0, 1.5 / values.shape[1] ** 0.5)
            else:
                values.normal_(0, 0.5)
    return module


def inputs(width, seed=0, count=4):
    return np.random.default_rng(seed).normal(size=(count, width))


def by_torch(module, x):
    with torch.no_grad():
        return module(torch.as_tensor(x, dtype=torch.float32)).double().numpy()


def by_numpy(data, layers, x):
    """What the packed bytes mean, in words of NumPy."""
    functions = {
        "relu": lambda a: np.maximum(a, 0),
        "silu": lambda a: a / (1 + np.exp(-a)),
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "tanh": np.tanh,
    }
    weights = np.frombuffer(data, "<f2").astype(float)
    for layer in layers:
        if layer["kind"] == "linear":
            n_in, n_out = layer["n_in"], layer["n_out"]
            matrix, bias, weights = np.split(weights, [n_in * n_out, n_in * n_out + n_out])
            x = x @ matrix.reshape(n_out, n_in).T + bias
        else:
            x = functions[layer["kind"]](x)
    assert len(weights) == 0
    return x


@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=5),
    activation=st.sampled_from(list(ACTIVATIONS)),
    output=st.sampled_from([None, *ACTIVATIONS]),
    seed=st.integers(0, 999),
)
@settings(deadline=None, max_examples=30)
def test_the_bytes_say_what_the_rounded_network_computes(sizes, activation, output, seed):
    module = random_network(sizes, activation, output, seed)
    x = inputs(sizes[0], seed)
    # float32 against float64: 2^-24 for each of some hundred operations on numbers of order 1
    np.testing.assert_allclose(
        by_numpy(*pack(module), x), by_torch(rounded(module), x), atol=1e-5, rtol=1e-6
    )


def test_a_network_takes_two_bytes_a_weight_and_a_short_list():
    module = random_network((2, 5, 7), nn.SiLU, nn.Sigmoid)
    data, layers = pack(module)
    assert len(data) == 2 * (2 * 5 + 5 + 5 * 7 + 7)
    assert layers == [
        {"kind": "linear", "n_in": 2, "n_out": 5},
        {"kind": "silu"},
        {"kind": "linear", "n_in": 5, "n_out": 7},
        {"kind": "sigmoid"},
    ]


def test_rounding_changes_the_copy_only_and_by_half_a_unit_at_most():
    module = random_network((20, 30), nn.ReLU)
    before = module.weight.detach().clone()
    after = rounded(module).weight.detach()
    assert torch.equal(module.weight, before)
    assert not torch.equal(after, before)
    # 11 significant bits; below 2^-14 the spacing is 2^-24
    assert (after - before).abs().le(before.abs() * 2**-11 + 2**-25).all()


def test_a_network_may_be_nested_lack_a_bias_or_be_in_float64():
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh())
    module = nn.Sequential(inner, nn.Linear(4, 2)).double()
    x = inputs(3)
    expected = by_torch(rounded(module), x)  # in float32, as all else
    np.testing.assert_allclose(by_numpy(*pack(module), x), expected, atol=1e-6)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def linear(weight):
    module = nn.Linear(1, 1)
    nn.init.constant_(module.weight, weight)
    return module


@pytest.mark.parametrize("function", [pack, rounded])
@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout()), "got Dropout"),
        (nn.Conv2d(1, 1, 3), "got Conv2d"),
        (Doubled(2, 2), "got Doubled"),
        (Autoencoder(4, 2), r"got Autoencoder: pass the layers, for example model\.decoder"),
        (linear(7e4), "at most 65504.*got 70000"),
        (linear(float("nan")), "got nan"),
    ],
)
def test_what_the_page_cannot_run_is_refused(function, module, message):
    with pytest.raises(ValueError, match=message):
        function(module)


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def by_page(open_page):
    """Return a function that runs a network in a page on the rows of x."""
    page = open_page("about:blank")

    def by_page(module, x, before=0):
        data, layers = pack(module)
        packed = base64.b64encode(bytes(before) + data).decode()
        rows = page.evaluate(
            """([packed, before, layers, rows]) => { """
            + SCRIPT
            + """
            const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
            const run = network(new DataView(bytes.buffer, before), layers);
            return rows.map((row) => {
                if (!(run(Float32Array.from(row)) instanceof Float64Array)) throw Error("type");
                return Array.from(run(Float64Array.from(row)));
            });
            }""",
            [packed, before, layers, x.tolist()],
        )
        return np.array(rows, dtype=float)

    return by_page


@pytest.mark.browser
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("output", [None, nn.Sigmoid])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_page_computes_what_pytorch_does(by_page, activation, output, seed):
    module = random_network((30, 50, 3, 40), activation, output, seed)
    x = inputs(30, seed)
    expected = by_torch(rounded(module), x)
    assert np.ptp(expected, axis=0).min() > 1e-3  # what depends on x is far above the tolerance
    # the tolerance that the book promises; PyTorch's float32 alone is off by some 1e-6
    np.testing.assert_allclose(by_page(module, x), expected, rtol=0, atol=1e-5)


@pytest.mark.browser
@pytest.mark.parametrize(
    "sizes", [(784, 120, 32, 120, 784), (2, 128, 784)], ids=["denoiser", "decoder"]
)
def test_the_page_agrees_at_the_size_of_the_digits(by_page, sizes):
    module = random_network(sizes, nn.ReLU, nn.Sigmoid)
    x = inputs(sizes[0])
    expected = by_torch(rounded(module), x)
    np.testing.assert_allclose(by_page(module, x), expected, rtol=0, atol=1e-5)


@pytest.mark.browser
def test_activations_keep_their_limits(by_page):
    x = np.array([[-1000.0, -90.0, -1.0, 0.0, 1.0, 90.0, 1000.0]])
    for activation in ACTIVATIONS:
        # exp(1000) is infinite and must not become NaN
        expected = by_torch(activation(), x)
        np.testing.assert_allclose(by_page(activation(), x), expected, rtol=1e-6, atol=1e-30)


@pytest.mark.browser
def test_sums_are_in_float64(by_page):
    module = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[60000.0, 0.001, -60000.0]]))
    small = rounded(module).weight[0, 1].item()
    # float64 keeps the small number next to 60000 to 4e-12 of its own 0.001; to float32, whose
    # steps there are 0.004, it is nothing
    assert by_page(module, np.ones((1, 3)))[0, 0] == pytest.approx(small, rel=1e-8)


@pytest.mark.browser
@pytest.mark.parametrize("before", [0, 3])
def test_every_float16_arrives_unchanged_wherever_its_bytes_begin(by_page, before):
    every = np.arange(2**16, dtype="<u2").view("<f2").astype(np.float32)
    every = every[np.isfinite(every)]
    module = nn.Linear(1, len(every), bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.as_tensor(every)[:, None])
    assert len(every) == 2**16 - 2**11
    np.testing.assert_array_equal(by_page(module, np.ones((1, 1)), before)[0], every)
