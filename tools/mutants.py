"""Put the well-known bugs of public VAE code into ours, one at a time, and see that a test fails.

Each mutant replaces one piece of text in a copy of the package. The tests of that copy run in it;
they must pass before anything is changed, and fail after. A mutant whose text is no longer in the
source is an error, so that the list cannot rot.

    python tools/mutants.py            all of them
    python tools/mutants.py kl-sign    those named
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["tests/test_vae.py", "tests/test_importance.py"]


class Mutant(NamedTuple):
    """A bug: in which file, what it replaces, with what, and what it does."""

    file: str
    old: str
    new: str
    bug: str


VAE, IMPORTANCE = "lecture_lib/vae.py", "lecture_lib/importance.py"
KL = "0.5 * (q.mean.square() + sigma.square() - 1) - sigma.log()"
BOUND = "return Elbo(reconstruction - kl, reconstruction, kl)"
RECONSTRUCTION = "self.decode(z).log_prob(x).mean(dim=0)"

MUTANTS = {
    "pixel-mean": Mutant(
        VAE,
        RECONSTRUCTION,
        f"{RECONSTRUCTION} / self.data_dim",
        "the reconstruction is averaged over pixels: a β-VAE with β = D",
    ),
    "latent-mean": Mutant(
        VAE,
        "kl = kl_to_prior(q).sum(dim=1)",
        "kl = kl_to_prior(q).mean(dim=1)",
        "the KL is averaged over latent dimensions",
    ),
    "kl-sign": Mutant(
        VAE,
        BOUND,
        "return Elbo(reconstruction + kl, reconstruction, kl)",
        "the KL is rewarded",
    ),
    "missing-half": Mutant(VAE, KL, f"2 * ({KL})", "the KL without its ½: a β-VAE with β = 2"),
    "sigma-for-variance": Mutant(
        VAE,
        KL,
        KL.replace("sigma.square()", "sigma").replace("- sigma.log", "- 0.5 * sigma.log"),
        "σ where σ² belongs in the KL",
    ),
    "dropped-constant": Mutant(
        VAE,
        RECONSTRUCTION,
        f"{RECONSTRUCTION} + (self.likelihood == 'gaussian') "
        "* 0.5 * self.data_dim * math.log(2 * math.pi)",
        "the Gaussian's ½ log 2π for each dimension is dropped: the bound is no bound",
    ),
    "one-noise-a-batch": Mutant(
        VAE,
        "z = q.rsample((n_samples,))",
        "z = q.mean + q.stddev * torch.randn(n_samples, 1, self.latent_dim, dtype=x.dtype)",
        "one ε for the whole batch",
    ),
    "one-noise-in-evaluation": Mutant(
        VAE,
        "z = q.sample((min(at_once, n_samples - start),))",
        "z = q.mean + q.stddev * torch.randn(\n"
        "    min(at_once, n_samples - start), 1, self.latent_dim, dtype=x.dtype)",
        "one ε for all rows when log p(x) is estimated",
    ),
    "saturated-sigmoid": Mutant(
        VAE,
        "Bernoulli(logits=out, validate_args=False)",
        "Bernoulli(probs=out.sigmoid(), validate_args=False)",
        "the probability instead of its logit: it rounds to one, and a sure error costs too little",
    ),
    "no-noise": Mutant(
        VAE,
        "z = q.rsample((n_samples,))",
        "z = q.mean.expand(n_samples, -1, -1)",
        "the bound is evaluated at z = μ",
    ),
    "no-gradient": Mutant(
        VAE,
        "z = q.rsample((n_samples,))",
        "z = q.sample((n_samples,))",
        "no gradient passes the draw",
    ),
    "batch-sum": Mutant(
        VAE, ".elbo.mean()", ".elbo.sum()", "the loss is a sum over rows: another step size"
    ),
    "mean-of-logs": Mutant(
        VAE,
        "parts.append(self.log_weights(rows, z, q).logsumexp(dim=0))",
        "parts.append(self.log_weights(rows, z, q).mean(dim=0) + math.log(len(z)))",
        "log p(x) as a mean of logarithms: the ELBO again",
    ),
    "prior-forgotten": Mutant(
        VAE,
        "+ prior.log_prob(z) - q.log_prob(z)",
        "- q.log_prob(z)",
        "importance weights without the prior",
    ),
    "proposal-forgotten": Mutant(
        VAE,
        "+ prior.log_prob(z) - q.log_prob(z)",
        "+ prior.log_prob(z)",
        "importance weights without q",
    ),
    "samples-not-counted": Mutant(
        VAE,
        "logsumexp(dim=0) - math.log(n_samples))",
        "logsumexp(dim=0) - math.log(at_once))",
        "the sum over all pieces is divided by the size of one",
    ),
    "softmax-sign": Mutant(
        IMPORTANCE,
        "torch.softmax(log_w, dim=0)",
        "torch.softmax(-log_w, dim=0)",
        "importance weights with the wrong sign: the worst code counts most",
    ),
    "softmax-over-rows": Mutant(
        IMPORTANCE,
        "torch.softmax(log_w, dim=0)",
        "torch.softmax(log_w, dim=1)",
        "importance weights shared out over rows, not over codes",
    ),
    "weights-not-squared": Mutant(
        IMPORTANCE,
        "share[..., None] * gradient",
        "gradient",
        "the encoder's gradient without the second factor",
    ),
    "proposal-not-still": Mutant(
        IMPORTANCE,
        "Normal(q.mean.detach(), q.base_dist.stddev.detach(), validate_args=False)",
        "Normal(q.mean, q.base_dist.stddev, validate_args=False)",
        "the score of q is left in the doubly reparameterised gradient",
    ),
}


def noticed_by(name: str) -> str | None:
    """Return the first test that fails with this bug in the code ("" for none); None if all pass.

    Raises
    ------
    ValueError
        If the text that the mutant replaces does not occur exactly once.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("lecture_lib", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if name:
            mutant = MUTANTS[name]
            path = copy / mutant.file
            source = path.read_text(encoding="utf-8")
            if source.count(mutant.old) != 1:
                raise ValueError(
                    f"expected {mutant.old!r} once in {mutant.file}; got it "
                    f"{source.count(mutant.old)} times: bring the mutant {name} up to date"
                )
            path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
        # -m puts the copy first in sys.path, before the installed package
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED ")]
    if run.returncode != (1 if failed else 0):  # the tests did not run, or not as they should
        raise RuntimeError(run.stdout + run.stderr)
    return failed[0].split()[1].partition("::")[2] if failed else None


def main(names: list[str]) -> int:
    """Try the mutants named, or all; return how many the tests did not notice."""
    if noticed_by(""):
        print("The tests fail on the code as it stands: mend that first.")
        return 1
    names = names or list(MUTANTS)
    survivors = 0
    for name in names:
        test = noticed_by(name)
        survivors += test is None
        print(f"{name}: {MUTANTS[name].bug}\n    noticed by {test or 'NO TEST'}", flush=True)
    print(f"{len(names) - survivors} of {len(names)} noticed")
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
