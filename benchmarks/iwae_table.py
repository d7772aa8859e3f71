"""Table 1 of "Importance Weighted Autoencoders" (Burda et al., 2016) on MNIST, run again.

Each row of the table is one network, one objective and one number of codes k. A row trains for
3,280 epochs: hours on a GPU, days on a processor if k = 50. So a run can be broken off at any time,
and the same command goes on from the last whole epoch, to the same weights as without the break.

    export LECTURE_PROFILE=full LECTURE_DATA=...       # all of MNIST: see the README
    python benchmarks/iwae_table.py vae-1-1 iwae-1-5 --folder runs
    python benchmarks/iwae_table.py iwae-2-50 --folder runs --device cuda
    python benchmarks/iwae_table.py vae-1-1 --folder runs --stages 4 --minutes 30 --rows 1000
    python benchmarks/iwae_table.py --folder runs      # print the table of what there is so far

Rows are named objective-layers-k. From the paper: the two networks, tanh, batches of 20, Adam with
β1 = 0.9, β2 = 0.999 and ε = 1e-4, 3^i epochs with a learning rate of 0.001 · 10^(−i/7) for
i = 0, ..., 7, first weights after Glorot and Bengio, digits binarised anew each time they are seen,
and the test figure −L_5000. From its authors' code: the first output biases are the logits of the
mean training digit, clipped to [0.001, 0.999]. That code has β1 = 0.99, starts Adam's second moment
from one and leaves the last 400 training digits out; here the paper is followed, and all 60,000
are trained on. Choices of ours: a VAE of one layer has the KL in closed form, not from samples; the
test digits are binarised once, and if only some are measured they are drawn at random.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Normal

from lecture_lib.autoencoders import network
from lecture_lib.datasets import load_digits
from lecture_lib.importance import ImportanceWeightedVAE, log_mean_exp
from lecture_lib.training import training_device
from lecture_lib.vae import VAE, binarise

# The published test figure, −L_5000 in nats. "dreg" is from a public reproduction (GitHub:
# nbip/IWAE), which also quotes the others from the paper.
PUBLISHED = {
    "vae-1-1": 86.76,
    "vae-1-5": 86.47,
    "vae-1-50": 86.35,
    "iwae-1-5": 85.54,
    "iwae-1-50": 84.78,
    "dreg-1-50": 84.32,
    "vae-2-1": 85.33,
    "vae-2-5": 85.01,
    "vae-2-50": 84.78,
    "iwae-2-5": 83.89,
    "iwae-2-50": 82.90,
}
STAGES = [(1e-3 * 10 ** (-i / 7), 3**i) for i in range(8)]  # learning rate, epochs
BATCH = 20


class OneLayer(VAE):
    """The VAE of the book with 50 codes, trained on the ELBO or on L_K from k samples."""

    def __init__(self, objective, k):
        """Build 784-200-200-50 and its mirror image."""
        super().__init__(784, 50, hidden=(200, 200), activation=nn.Tanh, binarise=True)
        self.objective, self.k = objective, k

    def loss(self, x):
        """Return minus the bound, averaged over rows."""
        x = binarise(x)
        if self.objective == "vae":
            return -self.elbo(x, self.k).elbo.mean()
        q = self.encode(x)
        return -log_mean_exp(self.log_weights(x, q.rsample((self.k,)), q)).mean()


class TwoLayers(nn.Module):
    """Two layers of codes: z2 of 50 from the prior, z1 of 100 from p(z1|z2), x from p(x|z1)."""

    def __init__(self, objective, k):
        """Build q(z1|x), q(z2|z1), p(z1|z2) and p(x|z1), each with two hidden layers."""
        super().__init__()
        self.objective, self.k = objective, k
        self.q1 = network([784, 200, 200, 2 * 100], nn.Tanh)
        self.q2 = network([100, 100, 100, 2 * 50], nn.Tanh)
        self.p1 = network([50, 100, 100, 2 * 100], nn.Tanh)
        self.decoder = network([100, 200, 200, 784], nn.Tanh)

    def log_weights(self, x: Tensor, k: int) -> Tensor:
        """Draw k pairs of codes for each row and return log p(x, z1, z2) / q(z1, z2|x): (k, B)."""
        q1 = gaussian(self.q1(x))
        z1 = q1.rsample((k,))
        q2 = gaussian(self.q2(z1))
        z2 = q2.rsample()
        prior = Independent(Normal(torch.zeros_like(z2), 1.0, validate_args=False), 1)
        p_x = Independent(Bernoulli(logits=self.decoder(z1), validate_args=False), 1)
        joint = p_x.log_prob(x) + gaussian(self.p1(z2)).log_prob(z1) + prior.log_prob(z2)
        return joint - q1.log_prob(z1) - q2.log_prob(z2)

    def loss(self, x):
        """Return minus the bound, averaged over rows."""
        log_w = self.log_weights(binarise(x), self.k)
        return -(log_w.mean(dim=0) if self.objective == "vae" else log_mean_exp(log_w)).mean()

    @torch.no_grad()
    def log_likelihood(self, x, n_samples=5000):
        """Estimate log p(x) as `VAE.log_likelihood` does: (B, D) to (B,), in nats."""
        estimates = []
        for row in x.split(1):  # about a thousand codes at once stay in a processor's cache
            parts = [
                self.log_weights(row, min(1000, n_samples - start)).logsumexp(dim=0)
                for start in range(0, n_samples, 1000)
            ]
            estimates.append(torch.stack(parts).logsumexp(dim=0) - math.log(n_samples))
        return torch.cat(estimates)


def gaussian(out: Tensor) -> Independent:
    """Return the diagonal Gaussian whose mean and log σ a network gave side by side."""
    mean, log_sigma = out.chunk(2, dim=-1)
    return Independent(Normal(mean, log_sigma.exp(), validate_args=False), 1)


def build(name, mean_digit):
    """Return the network of a row of the table, with its first weights."""
    objective, layers, k = name.split("-")
    if objective == "dreg":
        sizes = {"hidden": (200, 200), "activation": nn.Tanh, "binarise": True}
        model = ImportanceWeightedVAE(784, 50, n_samples=int(k), **sizes)
    else:
        model = {"1": OneLayer, "2": TwoLayers}[layers](objective, int(k))
    gaussians = [model.encoder] if layers == "1" else [model.q1, model.q2, model.p1]
    heads = {id(part[-1]) for part in gaussians}  # mean and log σ: two layers side by side
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            for part in layer.weight.chunk(2 if id(layer) in heads else 1):
                nn.init.xavier_uniform_(part)
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        model.decoder[-1].bias.copy_(mean_digit.clamp(1e-3, 1 - 1e-3).logit())
    return model


class Run:
    """The training of one row: its network, its optimiser and how far they got."""

    def __init__(self, name, x, file, device="cpu", seed=0):
        """Take up the run that ``file`` holds, or begin one."""
        torch.manual_seed(seed)
        self.name, self.file = name, Path(file)
        self.settings = {"name": name, "seed": seed, "rows": len(x)}
        self.x = x.to(device)
        self.model = build(name, x.mean(dim=0)).to(device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), eps=1e-4, fused=True)
        self.epochs, self.seconds, self.loss = 0, 0.0, math.nan
        if self.file.exists():
            self._load()

    def stage(self):
        """Return i, the stage that the next epoch belongs to; 8 if all are done."""
        done = [sum(epochs for _, epochs in STAGES[: i + 1]) for i in range(len(STAGES))]
        return sum(self.epochs >= end for end in done)

    def epoch(self):
        """Train once on every row, then save."""
        start = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = STAGES[self.stage()][0]
        total = torch.zeros((), device=self.x.device)  # a GPU need not wait for each loss
        for chosen in torch.randperm(len(self.x)).to(self.x.device).split(BATCH):
            loss = self.model.loss(self.x[chosen])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += loss.detach() * len(chosen)
        self.loss = total.item() / len(self.x)
        self.epochs += 1
        self.seconds += time.perf_counter() - start
        self._save()
        if not math.isfinite(self.loss):
            raise FloatingPointError(f"the loss of {self.name} became {self.loss}")

    def _save(self):
        state = {
            "settings": self.settings,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "progress": (self.epochs, self.seconds, self.loss),
        }
        fresh = self.file.with_suffix(".new")
        with open(fresh, "wb") as out:
            torch.save(state, out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, self.file)  # at once: a kill leaves the old file or the new one, whole

    def _load(self):
        state = torch.load(self.file, map_location="cpu", weights_only=True)
        if state["settings"] != self.settings:
            sys.exit(
                f"expected {self.file} from a run with {self.settings}; it holds "
                f"{state['settings']}: choose another --folder, or the same data and seed"
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available() and len(state["random_gpu"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["random_gpu"])
        self.epochs, self.seconds, self.loss = state["progress"]


def train(run, stages, until):
    """Go through the first ``stages`` stages, or stop after the epoch in which time is up."""
    target = sum(epochs for _, epochs in STAGES[:stages])
    told = time.monotonic()
    while run.epochs < target and time.monotonic() < until:
        run.epoch()
        ends = run.epochs in (sum(e for _, e in STAGES[:i]) for i in range(len(STAGES) + 1))
        if ends or time.monotonic() - told > 60:
            told = time.monotonic()
            print(
                f"{run.name}: {run.epochs} of {target} epochs, loss {run.loss:.2f} nats, "
                f"{run.seconds / run.epochs:.1f} s an epoch",
                flush=True,
            )


def measure(run, x_test, rows, samples):
    """Write −L_samples on ``rows`` test digits, its standard error and the circumstances."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        x = binarise(x_test)[torch.randperm(len(x_test))[:rows]]
        bounds = run.model.log_likelihood(x.to(run.x.device), samples).double().cpu()
    result = {
        "epochs": run.epochs,
        "trained on": len(run.x),
        "nll": -bounds.mean().item(),
        "error": bounds.std().item() / math.sqrt(len(x)),
        "rows": len(x),
        "samples": samples,
        "hours": run.seconds / 3600,
        "device": run.x.device.type,
    }
    run.file.with_suffix(".json").write_text(json.dumps(result, indent=1))


def table(folder, seed):
    """Print every row: what was published, and what has been measured here."""
    total = sum(epochs for _, epochs in STAGES)
    print(f"\n{'':12}{'published':>10}{'here':>10}{'± s.e.':>8}{'epochs':>14}  measured on")
    for name, published in PUBLISHED.items():
        file = folder / f"{name}-seed{seed}.json"
        line = f"{name:12}{published:10.2f}"
        if file.exists():
            r = json.loads(file.read_text())
            line += f"{r['nll']:10.2f}{r['error']:8.2f}{r['epochs']:6} of {total}"
            line += f"  {r['rows']} test digits × {r['samples']} codes; trained on "
            line += f"{r['trained on']} for {r['hours']:.2f} h, {r['device']}"
        print(line)
    print("−L_5000 in nats. Published: Burda et al. (2016), Table 1; dreg: a public reproduction.")


def main():
    """Train and measure the rows that are asked for, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="row", help=f"of {', '.join(PUBLISHED)}")
    parser.add_argument("--folder", type=Path, required=True, help="for checkpoints and results")
    parser.add_argument("--stages", type=int, default=8, help="of 8: 4 are 40 epochs, 8 are 3,280")
    parser.add_argument("--minutes", type=float, default=math.inf, help="to train, for all rows")
    parser.add_argument("--rows", type=int, default=10_000, help="test digits to measure on")
    parser.add_argument("--samples", type=int, default=5000, help="codes for each")
    parser.add_argument("--device", help="cpu, cuda, ...")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(PUBLISHED)
    if unknown:
        parser.error(f"expected rows of {list(PUBLISHED)}; got {sorted(unknown)}")
    if not 0 <= arguments.stages <= len(STAGES):
        parser.error(f"expected --stages from 0 to {len(STAGES)}; got {arguments.stages}")
    until = time.monotonic() + 60 * arguments.minutes
    torch.set_num_threads(arguments.threads)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.names:
        digits = load_digits()
        print(digits.source)
    for name in arguments.names:
        file = arguments.folder / f"{name}-seed{arguments.seed}.pt"
        x = torch.as_tensor(digits.x_train)
        run = Run(name, x, file, training_device(arguments.device), arguments.seed)
        try:
            train(run, arguments.stages, until)
        except KeyboardInterrupt:
            sys.exit(f"\nStopped. {run.file} holds the last whole epoch; run again to go on.")
        if run.epochs:
            measure(run, torch.as_tensor(digits.x_test), arguments.rows, arguments.samples)
    table(arguments.folder, arguments.seed)


if __name__ == "__main__":
    main()
