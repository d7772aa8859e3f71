"""The training loop: it trains, repeats itself, keeps what it has, and says what is wrong."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib import PCA, Autoencoder, LinearAutoencoder, fit
from lecture_lib.toy import gaussian_cloud, noisy_curve
from lecture_lib.training import training_device

SETTINGS = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-2}


def points(n=40):
    return gaussian_cloud(n).astype("float32")


def linear(seed=0):
    torch.manual_seed(seed)
    return LinearAutoencoder(2, 1)


def weights(model):
    return torch.cat([value.detach().flatten() for value in model.parameters()])


class Mean(nn.Module):
    """The model whose best answer is known: one constant, the mean of the data."""

    def __init__(self, d):
        super().__init__()
        self.c = nn.Parameter(torch.zeros(d))

    def loss(self, x):
        return (x - self.c).square().sum(dim=1).mean()


class Scripted(Mean):
    """Counts the steps, and does what a test wants in one of them."""

    def __init__(self, at, what):
        super().__init__(2)
        self.at, self.what, self.steps = at, what, 0

    def loss(self, x):
        self.steps += 1
        return self.what(super().loss(x)) if self.steps == self.at else super().loss(x)


def stop(loss):
    raise KeyboardInterrupt


# ── it trains ─────────────────────────────────────────────────────────────────────────────────────


def test_a_constant_becomes_the_mean():
    x = gaussian_cloud(50)
    model = Mean(2)
    fit(model, x, epochs=600, batch_size=50, learning_rate=0.1)
    # the schedule ends at a step size of 4e-7, so only float32's rounding and Adam's last swings
    # are left: a thousandth of the data's spread is far above both
    np.testing.assert_allclose(model.c.detach(), x.mean(axis=0), atol=1e-3)


def test_every_epoch_uses_every_row_once():
    seen = []

    class Seen(Mean):
        def loss(self, x):
            seen.append(x[:, 0])
            return super().loss(x)

    x = np.stack([np.arange(10.0), np.zeros(10)], axis=1)
    fit(Seen(2), x, epochs=3, batch_size=4, learning_rate=1e-3)
    assert [len(rows) for rows in seen] == [4, 4, 2] * 3
    epochs = [torch.cat(seen[i : i + 3]).tolist() for i in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_history_holds_the_mean_over_rows_also_when_the_last_batch_is_short():
    model = Mean(2)
    x = np.arange(20.0).reshape(10, 2)
    # so small a step changes nothing that float32 can see in the loss
    history = fit(model, x, epochs=1, batch_size=4, learning_rate=1e-12)
    assert history.loss == pytest.approx([np.square(x).sum() / 10])
    assert history.seconds > 0
    assert not history.interrupted


def test_snapshots_are_the_weights_at_those_epochs():
    model = linear()
    start = weights(model)
    history = fit(model, points(), **SETTINGS, snapshots=(0, 2, 3))
    assert list(history.snapshots) == [0, 2, 3]
    other = linear(seed=5)
    for epoch, expected in ((0, start), (3, weights(model))):
        other.load_state_dict(history.snapshots[epoch])
        assert torch.equal(weights(other), expected)
    assert not torch.equal(history.snapshots[2]["decoder.bias"], model.decoder.bias)


def test_the_type_of_the_weights_is_kept():
    model = linear().double()
    fit(model, points(), **SETTINGS)
    assert {value.dtype for value in model.parameters()} == {torch.float64}


def test_one_step_is_a_step():
    model = linear()
    before = weights(model)
    history = fit(model, points(5), epochs=1, batch_size=99, learning_rate=0.1)
    assert len(history.loss) == 1
    # Adam's first step has the length of the step size in each weight. A schedule that is at its
    # end already would move them by a millionth.
    assert ((weights(model) - before).abs() > 0.1 / 25).all()


def test_the_loop_is_adam_with_one_cycle_to_the_bit():
    x = torch.as_tensor(points())
    model, by_hand = linear(), linear()
    fit(model, x, **SETTINGS, seed=4)
    optimiser = torch.optim.Adam(by_hand.parameters(), lr=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1e-2, total_steps=10, cycle_momentum=False
    )
    torch.manual_seed(4)
    for _ in range(3):
        for rows in torch.randperm(40).split(16):
            optimiser.zero_grad()
            by_hand.loss(x[rows]).backward()
            optimiser.step()
            schedule.step()
    assert torch.equal(weights(model), weights(by_hand))


@pytest.mark.parametrize("whole", [np.int64, np.int32])
def test_whole_numbers_of_numpy_are_whole_numbers(whole):
    history = fit(linear(), points(), epochs=whole(2), batch_size=whole(16), learning_rate=1e-2)
    assert len(history.loss) == 2


@pytest.mark.parametrize(
    "x",
    [
        points().tolist(),
        points()[::-1],
        points().astype(">f4"),
        points().astype("float64"),
        np.asfortranarray(points()),
        torch.as_tensor(points(), dtype=torch.float64),
        torch.as_tensor(points()).requires_grad_(),
    ],
    ids=["list", "reversed", "big-endian", "float64", "by column", "double", "with a graph"],
)
def test_numbers_may_come_in_any_form(x):
    model = linear()
    fit(model, x, **SETTINGS)
    assert torch.isfinite(weights(model)).all()
    assert getattr(x, "grad", None) is None


# ── the same seed, the same result ────────────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_weights_to_the_bit():
    def trained(seed):
        torch.manual_seed(0)
        model = Autoencoder(2, 1, hidden=(8,), noise=0.1)
        history = fit(model, noisy_curve(50)[0], **SETTINGS, seed=seed)
        return weights(model), history.loss

    (first, losses), (again, losses_again), (other, _) = trained(1), trained(1), trained(2)
    assert torch.equal(first, again)
    assert losses == losses_again
    assert not torch.equal(first, other)


def test_training_leaves_the_readers_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    fit(Mean(2), points(), **SETTINGS)
    assert torch.equal(torch.rand(4), expected)


# ── it stops well ─────────────────────────────────────────────────────────────────────────────────


def test_an_interrupted_run_keeps_what_it_has(capsys):
    model = Scripted(at=8, what=stop)  # three steps an epoch: in the middle of the third
    history = fit(model, points(), **(SETTINGS | {"epochs": 100}), snapshots=(0, 2))
    assert history.interrupted
    assert len(history.loss) == 2
    assert set(history.snapshots) == {0, 2}
    assert not torch.equal(model.c, torch.zeros(2))
    assert "Stopped after 2 of 100 epochs; the model keeps its weights." in capsys.readouterr().out


def test_a_loss_that_is_no_number_stops_with_place_and_hint():
    model = Scripted(at=5, what=lambda loss: loss * float("nan"))
    with pytest.raises(FloatingPointError, match=r"became nan in epoch 2, step 2:.*0\.01") as e:
        fit(model, points(), **SETTINGS)
    assert "smaller learning_rate" in str(e.value)
    assert torch.isfinite(model.c).all()  # stopped before the step that would have spoilt them


def test_in_the_first_step_the_step_size_cannot_be_to_blame():
    x = 1e20 * points()  # whose square float32 cannot hold
    with pytest.raises(FloatingPointError, match=r"became (inf|nan) in epoch 1, step 1: scale the"):
        fit(linear(), x, **SETTINGS)


def test_a_step_size_that_blows_up_is_named():
    with pytest.raises(FloatingPointError, match=r"than 1e\+30, or scale"):
        fit(linear(), points(), epochs=9, batch_size=16, learning_rate=1e30)


def test_weights_that_the_last_step_spoilt_are_reported():
    model = Scripted(at=9, what=lambda loss: loss + torch.sqrt(0 * loss))  # an infinite slope
    with pytest.raises(FloatingPointError, match="a weight became NaN or infinite in the last"):
        fit(model, points(), **SETTINGS)


def test_an_interrupt_during_the_first_copy_of_the_weights_is_caught(monkeypatch):
    monkeypatch.setattr("lecture_lib.training._weights", stop)
    assert fit(linear(), points(), **SETTINGS, snapshots=[0]).interrupted


def test_progress_is_plain_text_and_can_be_turned_off(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr("lecture_lib.training.PATIENCE", 0)
    fit(Mean(2), points(), **SETTINGS, progress=False)
    assert capsys.readouterr().err == ""
    fit(Mean(2), points(), **SETTINGS)
    shown = capsys.readouterr().err
    assert "9/9" in shown
    assert "loss=" in shown
    assert shown.isascii()


# ── what is refused ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs, a whole number of 1 or more; got 0"),
        ({"epochs": 2.5}, "epochs, a whole number of 1 or more; got 2.5"),
        ({"epochs": True}, "epochs, a whole number of 1 or more; got True"),
        ({"batch_size": -1}, "batch_size, a whole number"),
        ({"learning_rate": 0}, "learning_rate above 0"),
        ({"learning_rate": float("nan")}, "learning_rate above 0"),
        ({"snapshots": (0, 4)}, r"from 0 to 3; got \[4\]"),
        ({"device": "abacus"}, "got 'abacus' from the argument: choose cpu"),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_nothing_changes(change, message):
    model = linear()
    before = weights(model)
    with pytest.raises(ValueError, match=message):
        fit(model, points(), **(SETTINGS | change))
    assert torch.equal(weights(model), before)


NAN = points()
NAN[3, 1] = np.nan
NAN[7] = np.inf


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.arange(10), r"got \(10,\): pass the data, not the labels"),
        (np.zeros((5, 28, 28)), "flatten each image"),
        (np.zeros((0, 2)), r"got \(0, 2\)"),
        (NAN, r"NaN or infinity .* in 2 of 40 rows"),
        ([["a", "b"]], "expected an array of numbers, shape .* got list"),
        (None, r"got \(\): pass the data"),
        (np.zeros((5, 3)), r"expected x of shape \(B, 2\)"),
    ],
)
def test_data_that_cannot_be_used_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        fit(linear(), x, **SETTINGS)


def test_a_model_needs_a_loss_of_one_number():
    with pytest.raises(ValueError, match=r"a method loss\(x\); got Linear"):
        fit(nn.Linear(2, 2), points(), **SETTINGS)
    with pytest.raises(ValueError, match=r"a method loss\(x\); got PCA"):
        fit(PCA(1), points(), **SETTINGS)
    with pytest.raises(ValueError, match=r"a method loss.*; got type"):
        fit(LinearAutoencoder, points(), **SETTINGS)
    frozen = linear().requires_grad_(False)
    with pytest.raises(ValueError, match="weights to train; LinearAutoencoder has none"):
        fit(frozen, points(), **SETTINGS)
    for wrong in (lambda loss: loss.item(), lambda loss: loss.detach(), lambda loss: None):
        with pytest.raises(ValueError, match="one number that depends on its weights"):
            fit(Scripted(at=1, what=wrong), points(), **SETTINGS)
    per_row = Scripted(at=1, what=lambda loss: loss * torch.ones(16))
    with pytest.raises(ValueError, match=re.escape("got shape (16,): take the mean over rows")):
        fit(per_row, points(), **SETTINGS)


# ── where it trains ───────────────────────────────────────────────────────────────────────────────


def test_the_device_comes_from_the_argument_the_environment_or_the_profile(monkeypatch):
    for name in ("LECTURE_DEVICE", "LECTURE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert training_device() == torch.device("cpu")
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    assert training_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    monkeypatch.setenv("LECTURE_DEVICE", "meta")
    assert training_device() == torch.device("meta")
    assert training_device("cpu") == torch.device("cpu")
    monkeypatch.setenv("LECTURE_DEVICE", "abacus")
    with pytest.raises(ValueError, match="got 'abacus' from LECTURE_DEVICE"):
        training_device()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that PyTorch can use")
def test_on_a_gpu_the_model_comes_back_and_the_seed_holds():
    def trained():
        model = linear()
        fit(model, points(), **SETTINGS, device="cuda")
        return weights(model)

    assert trained().device.type == "cpu"
    torch.testing.assert_close(trained(), trained())
