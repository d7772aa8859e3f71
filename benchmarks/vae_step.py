"""What a training step of `lecture_lib.VAE` costs, beside a bare PyTorch loop, pythae and Pyro.

All train a 784-400-20 network with ReLU on the same binarised digits, from the same weights, with
the same batches of 128 in the same order, the KL in closed form and one code a row. lecture_lib
trains with `fit`. The bare loop is the least that PyTorch allows: linear layers, cross-entropy,
Adam, and no check, no schedule and no record. Each peer runs twice: in its own training loop
(pythae's trainer; of Pyro, SVI), and as its model alone in the bare loop. Before the race the
losses at the first weights must agree, in nats.

Contenders run in one process by turns, a step each, so that a busy machine slows all alike. On one
thread processor time is counted, on two time on the clock. The figures are medians over the steps;
the ratios too, each of two steps of one round. The exit status is 1 if `fit` costs more than 1.10
times the bare loop, or more than a peer's own loop.

    pip install --editable '.[bench]'          # the peers; without them the bare loop is the rival
    python benchmarks/vae_step.py --steps 250
"""

import argparse
import contextlib
import copy
import importlib.util
import io
import logging
import sys
import tempfile
import time
from threading import Semaphore, Thread

import numpy as np
import torch
import torch.nn.functional as F

from lecture_lib import fit
from lecture_lib.datasets import load_digits
from lecture_lib.vae import VAE, binarise

LIMIT = 1.10
WARM_UP = 10  # steps that are not counted
BATCH, LEARNING_RATE = 128, 1e-3
NEEDED = {"pythae": "pythae", "Pyro": "pyro"}  # peer: its module


def adam(parameters):
    """Return the optimiser that `fit` has."""
    return torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)


def bare_loop(loss, parameters, x, pause):
    """Train for an epoch with as little as PyTorch allows."""
    optimiser = adam(parameters)
    torch.manual_seed(0)
    for rows in torch.randperm(len(x)).split(BATCH):
        pause()
        value = loss(x[rows])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()


def lecture_lib(model, x):
    """Return the loss of a batch; and what trains for an epoch, with a pause in each step."""

    def train(pause):
        model.encoder.register_forward_pre_hook(lambda *_: pause())
        settings = {"batch_size": BATCH, "learning_rate": LEARNING_RATE, "progress": False}
        fit(model, x, epochs=1, **settings)

    return model.loss, train


def bare(model, x):
    """Return the same for a loss written out, with nothing but tensors."""
    encoder, decoder = model.encoder, model.decoder

    def loss(x):
        mean, log_sigma = encoder(x).chunk(2, dim=1)
        sigma = log_sigma.exp()
        logits = decoder(mean + sigma * torch.randn_like(mean))
        nll = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * (mean.square() + sigma.square() - 1 - 2 * log_sigma).sum()
        return (nll + kl) / len(x)

    return loss, lambda pause: bare_loop(loss, model.parameters(), x, pause)


def pythae(model, x, own):
    """Return the same for pythae's VAE; its own loop is one epoch of its trainer after another."""
    from pythae.data.datasets import BaseDataset, collate_dataset_output
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self, network):
            BaseEncoder.__init__(self)
            self.network = network

        def forward(self, x):
            mean, log_sigma = self.network(x).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=2 * log_sigma)

    class Decoder(BaseDecoder):
        def __init__(self, network):
            BaseDecoder.__init__(self)
            self.network = network

        def forward(self, z):
            return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))

    logging.disable(logging.WARNING)
    sizes = VAEConfig(input_dim=(784,), latent_dim=20, reconstruction_loss="bce")
    peer = PythaeVAE(sizes, Encoder(model.encoder), Decoder(model.decoder))

    def loss(x):
        return peer({"data": x}).loss

    def train(pause):
        data = BaseDataset(x, torch.zeros(len(x)))
        with tempfile.TemporaryDirectory() as folder:
            settings = BaseTrainerConfig(
                output_dir=folder,
                optimizer_cls="Adam",
                optimizer_params={"fused": True},
                learning_rate=LEARNING_RATE,
                per_device_train_batch_size=BATCH,
                no_cuda=True,
            )
            trainer = BaseTrainer(peer, data, training_config=settings)
            trainer.prepare_training()
            torch.manual_seed(0)
            batches = list(torch.randperm(len(x)).split(BATCH))
            trainer.train_loader = torch.utils.data.DataLoader(
                data, batch_sampler=batches, collate_fn=collate_dataset_output
            )
            model.encoder.register_forward_pre_hook(lambda *_: pause())
            trainer.train_step(1)

    return loss, train if own else lambda pause: bare_loop(loss, peer.parameters(), x, pause)


def pyro(model, x, own):
    """Return the same for a model and a guide in Pyro; its own loop is SVI."""
    import pyro as p
    import pyro.distributions as dist

    p.enable_validation(False)
    encoder, decoder = model.encoder, model.decoder

    def generate(x):
        p.module(f"decoder {own}", decoder)  # two contenders, one store of parameters
        with p.plate("rows", len(x)):
            z = p.sample("z", dist.Normal(x.new_zeros(len(x), 20), 1.0).to_event(1))
            p.sample("x", dist.Bernoulli(logits=decoder(z)).to_event(1), obs=x)

    def guide(x):
        p.module(f"encoder {own}", encoder)
        mean, log_sigma = encoder(x).chunk(2, dim=1)
        with p.plate("rows", len(x)):
            p.sample("z", dist.Normal(mean, log_sigma.exp()).to_event(1))

    bound = p.infer.TraceMeanField_ELBO()  # with the KL in closed form; Trace_ELBO samples it

    def loss(x):
        return bound.differentiable_loss(generate, guide, x) / len(x)

    def train(pause):
        optimiser = p.optim.Adam({"lr": LEARNING_RATE, "fused": True})
        svi = p.infer.SVI(generate, guide, optimiser, bound)
        torch.manual_seed(0)
        for rows in torch.randperm(len(x)).split(BATCH):
            pause()
            svi.step(x[rows])

    return loss, train if own else lambda pause: bare_loop(loss, model.parameters(), x, pause)


def contenders():
    """Return what takes part: name to a function of a model and the data, of (loss, train)."""
    found = {"bare loop": bare, "lecture_lib": lecture_lib}
    for peer, make in (("pythae", pythae), ("Pyro", pyro)):
        if importlib.util.find_spec(NEEDED[peer]):
            found[peer] = lambda model, x, make=make: make(model, x, own=True)
            found[f"{peer}, bare loop"] = lambda model, x, make=make: make(model, x, own=False)
        else:
            print(f"{peer} is not installed, and takes no part: see the docstring")
    return found


def check_losses(model, x, found):
    """Say how far the losses at the first weights are apart: with a seed each, all draw alike."""
    losses = {}
    for name, make in found.items():
        loss, _ = make(copy.deepcopy(model), x)
        torch.manual_seed(0)
        losses[name] = loss(x[:BATCH]).item()
    if "Pyro" in found:
        importlib.import_module("pyro").clear_param_store()  # it holds the weights just used
    print(f"loss at the first weights: {losses['bare loop']:.4f} nats in the bare loop", end="")
    apart = max(abs(value - losses["bare loop"]) for value in losses.values())
    print(f"; the others differ by {apart:.1e} at most")
    if apart > 1e-2:  # float32 keeps about seven digits, of sums near 550
        sys.exit(f"the losses differ: {losses}")


def race(model, x, found, threads, clock):
    """Let all train for an epoch by turns: milliseconds a step, shape (steps, contenders).

    Each trains in a thread of its own, of which one at a time runs, from one pause to the next.
    """
    done, errors, order = Semaphore(0), [], np.random.default_rng(0)
    turns, times = [Semaphore(0) for _ in found], [[] for _ in found]
    left = set(range(len(found)))

    def run(i, make):
        def pause():
            done.release()
            turns[i].acquire()

        turns[i].acquire()
        try:
            torch.set_num_threads(threads)
            _, train = make(copy.deepcopy(model), x)
            train(pause)
        except Exception as error:
            errors.append(error)
        left.discard(i)
        done.release()

    for i, make in enumerate(found.values()):
        Thread(target=run, args=(i, make), daemon=True).start()
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars go to nowhere
        while left:
            for i in order.permutation(sorted(left)):
                start = clock()
                turns[i].release()
                done.acquire()
                times[i].append(1e3 * (clock() - start))
    if errors:
        raise errors[0]
    return np.array([each[WARM_UP:-1] for each in times]).T  # the last turn is no whole step


def main():
    """Race on one thread and on two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=250, help="that each contender trains")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    digits = load_digits()
    torch.manual_seed(0)
    rows = np.arange(arguments.steps * BATCH) % 4000  # one epoch, in one order for all
    x = binarise(torch.as_tensor(digits.x_train[rows]))
    model = VAE(784, 20)
    found = contenders()
    names = list(found)
    check_losses(model, x, found)
    failed = False
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        clock = time.process_time if threads == 1 else time.perf_counter
        times = race(model, x, found, threads, clock)
        what = "processor" if threads == 1 else "clock"
        print(f"\n{threads} thread(s), {what} time, {len(times)} steps, torch ", end="")
        print(torch.__version__)
        print(f"{'':22}{'ms a step':>10}{'over bare':>11}{'lecture_lib over it':>21}")
        for i, name in enumerate(names):
            over_bare = np.median(times[:, i] / times[:, names.index("bare loop")])
            ours_over = np.median(times[:, names.index("lecture_lib")] / times[:, i])
            print(f"{name:22}{np.median(times[:, i]):10.3f}{over_bare:11.3f}{ours_over:21.3f}")
            failed |= name == "bare loop" and ours_over > LIMIT
            failed |= name in NEEDED and ours_over > 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
