"""The benchmarks' own parts: resuming a run, and losses that are lecture_lib's."""

import copy
import importlib.util
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from lecture_lib.importance import ImportanceWeightedVAE
from lecture_lib.vae import VAE, binarise

FOLDER = Path(__file__).parents[1] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


iwae_table = load("iwae_table")
SMALL = {"hidden": (200, 200), "activation": nn.Tanh, "binarise": True}


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.rand(2 * iwae_table.BATCH, 784)  # two steps an epoch


def seeded(call, *args):
    torch.manual_seed(1)
    return call(*args)


@pytest.mark.parametrize("name", ["vae-1-1", "iwae-2-5"])
def test_a_resumed_run_ends_in_the_state_of_an_uninterrupted_one(name, x, tmp_path):
    whole = iwae_table.Run(name, x, tmp_path / "whole.pt")
    for _ in range(3):
        whole.epoch()
    random = torch.get_rng_state()

    broken = iwae_table.Run(name, x, tmp_path / "broken.pt")
    broken.epoch()
    assert (broken.epochs, broken.stage()) == (1, 1)  # the break lies between two learning rates
    torch.rand(3)  # something else happens meanwhile
    resumed = iwae_table.Run(name, x, tmp_path / "broken.pt")
    for _ in range(2):
        resumed.epoch()

    assert torch.equal(torch.get_rng_state(), random)
    assert (resumed.epochs, resumed.loss) == (whole.epochs, whole.loss)
    for key, weights in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], weights), key
    one, two = (run.optimiser.state_dict() for run in (whole, resumed))
    assert one["param_groups"] == two["param_groups"]
    for i, moments in one["state"].items():
        for key, value in moments.items():
            assert torch.equal(two["state"][i][key], value), (i, key)


def test_a_kill_while_saving_leaves_the_last_whole_epoch(x, tmp_path, monkeypatch):
    run = iwae_table.Run("vae-1-1", x, tmp_path / "run.pt")
    run.epoch()

    def killed(state, out):
        out.write(b"half a file")
        raise SystemExit

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(SystemExit):
        run.epoch()
    assert iwae_table.Run("vae-1-1", x, tmp_path / "run.pt").epochs == 1


def test_another_runs_checkpoint_is_refused(x, tmp_path):
    iwae_table.Run("vae-1-1", x, tmp_path / "run.pt").epoch()
    with pytest.raises(SystemExit, match="choose another --folder"):
        iwae_table.Run("vae-1-1", x[1:], tmp_path / "run.pt")


def test_the_schedule_is_the_papers():
    rates, epochs = zip(*iwae_table.STAGES, strict=True)
    assert sum(epochs) == 3280
    assert (rates[0], rates[-1]) == (pytest.approx(1e-3), pytest.approx(1e-4))


@pytest.mark.parametrize("name", ["iwae-1-5", "dreg-1-50", "iwae-2-5"])
def test_first_weights(name, x):
    model = iwae_table.build(name, x.mean(dim=0) * 0)
    # a pixel that is never white has the clipped logit, log(0.001 / 0.999)
    assert model.decoder[-1].bias.tolist() == pytest.approx([math.log(1 / 999)] * 784, rel=1e-5)
    head = (model.q1 if "-2-" in name else model.encoder)[-1].weight
    for half in head.chunk(2):  # uniform within ± √(6 / (n_in + n_out)); 10,000 draws come close
        bound = math.sqrt(6 / sum(half.shape))
        assert bound * 0.99 < half.abs().max() <= bound


def test_one_layer_losses_are_those_of_the_library(x):
    ours = iwae_table.OneLayer("vae", 1)
    library = VAE(784, 50, **SMALL)
    library.load_state_dict(ours.state_dict())
    assert seeded(ours.loss, x).item() == seeded(library.loss, x).item()

    ours.objective, ours.k = "iwae", 5
    library = ImportanceWeightedVAE(784, 50, n_samples=5, **SMALL)
    library.load_state_dict(ours.state_dict())
    # one value, computed by other operations in float32, of sums near 550
    assert seeded(ours.loss, x).item() == pytest.approx(seeded(library.loss, x).item(), rel=1e-5)


def test_two_layers_with_an_idle_upper_one_are_one_layer(x):
    two = iwae_table.TwoLayers("iwae", 5)
    for part in (two.p1, two.q2):  # p(z1|z2), q(z2|z1) and p(z2) are now all N(0, I)
        nn.init.zeros_(part[-1].weight)
        nn.init.zeros_(part[-1].bias)
    one = VAE(784, 100, **SMALL)
    one.encoder.load_state_dict(two.q1.state_dict())
    one.decoder.load_state_dict(two.decoder.state_dict())
    x = binarise(x)
    log_w = seeded(two.log_weights, x, 5)
    q = one.encode(x)
    expected = one.log_weights(x, seeded(q.rsample, (5,)), q)
    torch.testing.assert_close(log_w, expected)
    drawn = seeded(lambda: two.log_weights(binarise(x), 5))  # the loss draws for its x too
    assert seeded(two.loss, x) == -iwae_table.log_mean_exp(drawn).mean()
    two.objective = "vae"
    assert seeded(two.loss, x) == -drawn.mean(dim=0).mean()


def test_two_layer_likelihood_counts_every_sample_once(x):
    model, row = iwae_table.TwoLayers("vae", 1), binarise(x[:1])
    torch.manual_seed(1)
    log_w = torch.cat([model.log_weights(row, 1000), model.log_weights(row, 500)])
    expected = iwae_table.log_mean_exp(log_w)
    torch.testing.assert_close(seeded(model.log_likelihood, row, 1500), expected)


def test_the_bare_loss_is_that_of_the_library(x):
    model, x = VAE(784, 20), binarise(x)
    loss, _ = load("vae_step").bare(copy.deepcopy(model), x)
    # one value, computed by other operations in float32
    assert seeded(loss, x).item() == pytest.approx(seeded(model.loss, x).item(), rel=1e-5)
