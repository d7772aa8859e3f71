"""Is `VAE.log_likelihood` right, how fast is it, and how much memory does it take.

Right: a small VAE with two codes, where p(x) = ∫ p(x|z) p(z) dz can be summed up on a fine grid of
z; and a VAE without hidden layers, where x is Gaussian and log p(x) has a closed form. Errors are
counted in standard errors of the estimate, which follow from the effective number of its weights.

Speed: a 784-400-20 VAE on test digits, against a plain loop that draws one code a row and evaluates
it, as often as there are samples. Both run by turns in one process, on one thread, and processor
time is counted. Memory is the most that the process ever held.

    python benchmarks/log_likelihood.py --rows 200
    python benchmarks/log_likelihood.py --checkpoint vae.pt --rows 10000   # of vae_mnist.py
    python benchmarks/log_likelihood.py --chunks 18 19 20 21 22            # log2 of vae.CHUNK

The exit status is 1 if an estimate is wrong, the plain loop is faster, or the process took 2 GB.
"""

import argparse
import math
import resource
import sys
import time

import numpy as np
import torch
from torch.distributions import MultivariateNormal

from lecture_lib import fit, vae
from lecture_lib.datasets import load_digits
from lecture_lib.importance import effective_samples
from lecture_lib.vae import VAE, binarise

LIMIT = 2e9  # bytes
SAMPLES = 5000


@torch.no_grad()
def errors(model, x, exact):
    """Return how far the estimates are from the exact values, in nats and in standard errors."""
    estimate = model.log_likelihood(x, SAMPLES)
    q = model.encode(x)
    worth = effective_samples(model.log_weights(x, q.sample((SAMPLES,)), q))
    # of the mean of S weights the relative variance is (S / worth − 1) / S
    standard = (1 / worth - 1 / SAMPLES).sqrt()
    return estimate - exact, (estimate - exact) / standard


@torch.no_grad()
def quadrature(model, x, reach=8.0, points=401):
    """Return log p(x) of each row of ones and zeros: a sum over a grid of two codes."""
    axis = torch.linspace(-reach, reach, points, dtype=x.dtype)
    z = torch.cartesian_prod(axis, axis)
    step = 2 * reach / (points - 1)
    log_prior = -0.5 * z.square().sum(dim=1) - math.log(2 * math.pi)
    density = model.decode(z)
    terms = [(density.log_prob(row) + log_prior).logsumexp(dim=0) for row in x]
    return torch.stack(terms) + 2 * math.log(step)


def two_codes():
    """Return a trained VAE with two codes, binary data of 12 dimensions, and log p(x)."""
    torch.manual_seed(0)
    model = VAE(12, 2, hidden=(16,)).double()
    centres = torch.rand(6, 12, dtype=torch.float64)
    x = torch.bernoulli(centres[torch.randint(6, (500,))])
    fit(model, x, epochs=30, batch_size=50, learning_rate=1e-2, progress=False)
    return model, x[:100], quadrature(model, x[:100])


def linear_decoder():
    """Return a linear VAE, 100 points that it draws, and log p(x) in closed form.

    x = W z + b + σ ε is Gaussian with the covariance C = W Wᵀ + σ² I. The posterior has the mean
    M⁻¹ Wᵀ (x − b) and the covariance σ² M⁻¹, M = WᵀW + σ² I; q gets this mean, and the variances.
    """
    torch.manual_seed(0)
    model = VAE(10, 3, hidden=(), likelihood="gaussian", scale=0.5).double()
    with torch.no_grad():
        w, b = model.decoder.weight, model.decoder.bias
        w.copy_(torch.randn(10, 3))
        b.copy_(torch.randn(10))
        inverse = torch.linalg.inv(w.T @ w + 0.25 * torch.eye(3))
        to_mean = inverse @ w.T
        model.encoder.weight.copy_(torch.cat([to_mean, torch.zeros(3, 10)]))
        log_sigma = 0.5 * (0.25 * inverse.diagonal()).log()
        model.encoder.bias.copy_(torch.cat([-to_mean @ b, log_sigma]))
        exact = MultivariateNormal(b, w @ w.T + 0.25 * torch.eye(10))
        x = exact.sample((100,))
        return model, x, exact.log_prob(x)


@torch.no_grad()
def plain_loop(model, x, n_samples):
    """Estimate log p(x) with one code a row at a time."""
    q = model.encode(x)
    log_w = [model.log_weights(x, q.sample((1,)), q) for _ in range(n_samples)]
    return torch.cat(log_w).logsumexp(dim=0) - math.log(n_samples)


def seconds(call):
    """Return the seconds of the processor that a call takes, and what it returns."""
    start = time.process_time()
    value = call()
    return time.process_time() - start, value


def speed(model, x, n_samples, rounds):
    """Print the cost of a sample of a row for both, and return how many times faster ours is."""
    times = np.empty((rounds + 1, 2))
    for turn in times:
        turn[0], plain = seconds(lambda: plain_loop(model, x, n_samples))
        turn[1], ours = seconds(lambda: model.log_likelihood(x, n_samples))
    times = 1e6 * times[1:] / (len(x) * n_samples)
    ratio = np.median(times[:, 0] / times[:, 1])
    apart = (plain.mean() - ours.mean()).item()
    print(
        f"{len(x):4} rows × {n_samples} samples, µs a sample: plain loop "
        f"{np.median(times[:, 0]):.2f}, log_likelihood {np.median(times[:, 1]):.2f}; "
        f"{ratio:.2f} times faster; the means differ by {apart:+.3f} nats"
    )
    return ratio


def try_chunks(model, x, powers, rounds):
    """Print the cost of a sample of a row for each size of the arrays, tried by turns."""
    kept, times = vae.CHUNK, {power: [] for power in powers}
    for _ in range(rounds):
        for power in powers:
            vae.CHUNK = 2**power
            times[power].append(seconds(lambda: model.log_likelihood(x, SAMPLES))[0])
    vae.CHUNK = kept
    for power, spent in times.items():
        print(f"CHUNK = 2**{power}: {1e6 * np.median(spent) / (len(x) * SAMPLES):.2f} µs a sample")


def main():
    """Check, race, and measure rows of test digits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200, help="test digits with 5,000 samples")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checkpoint", help="weights from vae_mnist.py; first weights without")
    parser.add_argument("--chunks", type=int, nargs="+", default=[], help="try vae.CHUNK = 2**n")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # so that processor time is the time that a reader waits
    failed = False
    cases = {"quadrature, Q = 2": two_codes, "closed form, linear decoder": linear_decoder}
    for name, make in cases.items():
        nats, standard = errors(*make())
        print(
            f"{name}: {len(nats)} rows × {SAMPLES} samples, error {nats.square().mean().sqrt():.4f}"
            f" nats (rms), {nats.abs().max():.4f} (largest); in standard errors "
            f"{standard.square().mean().sqrt():.2f} (rms), {standard.abs().max():.1f} (largest)"
        )
        failed |= not standard.square().mean().sqrt() < 1.5  # 1 ± 0.07 if errors are normal

    digits = load_digits()
    model = VAE(784, 20)
    if arguments.checkpoint:
        model.load_state_dict(torch.load(arguments.checkpoint, weights_only=True))
    torch.manual_seed(1)
    x = binarise(torch.as_tensor(digits.x_test))
    x = x[torch.randperm(len(x))[: arguments.rows]]
    for rows in (1, 100):
        failed |= not speed(model, x[:rows], 20_000 // rows, arguments.rounds) > 1
    if arguments.chunks:
        try_chunks(model, x[:20], arguments.chunks, arguments.rounds)

    clock = time.perf_counter()
    used, log_p = seconds(lambda: model.log_likelihood(x, SAMPLES))
    clock = time.perf_counter() - clock
    print(
        f"{len(x)} rows × {SAMPLES} samples: {log_p.mean():.2f} nats in {used:.1f} s of the "
        f"processor, {clock:.1f} s on the clock; 10,000 rows would take "
        f"{used / len(x) * 10_000 / 60:.0f} minutes"
    )
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    print(f"the process held {held / 1e9:.2f} GB at most")
    sys.exit(1 if failed or held >= LIMIT else 0)


if __name__ == "__main__":
    main()
