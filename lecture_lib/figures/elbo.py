"""One observation, its posterior over a single z, a Gaussian q(z), and the bound that q gives."""

from collections.abc import Sequence

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import logsumexp
from scipy.stats import norm

from lecture_lib.figures.base import LiveFigure, few_enough, finite_array
from lecture_lib.plotting import BLUE, INK, MUTED, ORANGE, TEAL

MU, SIGMA = (-3.0, 3.0), (0.1, 1.5)
REACH = 12.0  # six of the largest σ beyond the largest μ, so that all of q lies on the grid
STEP = 0.05  # half the smallest σ, where the sum over the grid is the integral to rounding
ROOM = 7.0  # nats below the lowest log p(x) that the axis has room for


class ElboFigure(LiveFigure):
    """The identity log p(x) = ELBO + KL(q, p(z|x)) for a Gaussian q that the reader moves.

    The prior is N(0, 1). All integrals over z are sums over the grid, in Python as in the page.

    Parameters
    ----------
    z : array, shape (n,)
        A uniform grid of at most 1,000 nodes, from −12 or less to 12 or more in steps of 0.05 or
        less.
    log_joint : array, shape (K, n)
        log p(z) + log p(x_k | z) in nats at each node, for 1 to 6 observations x_k.
    labels : sequence of str
        A name for each observation.
    mu, sigma : float
        The first mean and standard deviation of q.

    Attributes
    ----------
    index : int
        The present observation.
    mu, sigma : float
        The present q, with μ from −3 to 3 and σ from 0.1 to 1.5.
    reading : int
        How the bars split the bound: 0 for log p(x) = ELBO + KL(q, p(z|x)), 1 for
        ELBO = reconstruction − KL(q, p(z)).
    posteriors : array, shape (K, n)
        p(z | x_k) at each node.

    Raises
    ------
    ValueError
        If shapes do not fit, numbers are not finite, the grid is too short, too coarse or not
        uniform, or a posterior is too narrow for it or reaches beyond it.
    """

    grid_data = traitlets.Bytes(help="z at each node, as float64").tag(sync=True)
    joint_data = traitlets.Bytes(help="log p(z, x_k), row by row, as float64").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    mu_range = traitlets.List(traitlets.Float()).tag(sync=True)
    sigma_range = traitlets.List(traitlets.Float()).tag(sync=True)
    window = traitlets.List(traitlets.Float(), help="lowest and highest nats drawn").tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    mu = traitlets.Float().tag(sync=True)
    sigma = traitlets.Float().tag(sync=True)
    reading = traitlets.Int(0).tag(sync=True)

    _size = (7.2, 3.6)
    _heights = ("calc(0.353 * var(--w) + 330px)", "calc(2.088 * var(--w) + 373px)")

    def __init__(
        self,
        z: np.ndarray,
        log_joint: np.ndarray,
        labels: Sequence[str],
        *,
        mu: float = 0.0,
        sigma: float = 1.0,
    ) -> None:
        """Check the grid and find log p(x) and the posterior of each observation."""
        z = finite_array("grid z", z, 1, "(n,)")
        log_joint = finite_array("log_joint", log_joint, 2, "(K, n)")
        few_enough("observations", len(log_joint), 6)
        few_enough("nodes of the grid", len(z), 1000)
        if log_joint.shape[1] != len(z):
            raise ValueError(
                f"expected log_joint at each of the {len(z)} nodes of z; got shape "
                f"{log_joint.shape}: one row for each observation"
            )
        if len(labels) != len(log_joint):
            raise ValueError(
                f"expected one label for each of the {len(log_joint)} observations; "
                f"got {len(labels)}"
            )
        steps = np.diff(z) if len(z) > 1 else np.array([np.inf])
        if not (np.ptp(steps) <= 1e-9 and 0 < steps.mean() <= STEP + 1e-9):
            raise ValueError(
                f"expected nodes that rise by equal steps of at most {STEP}, which resolve the "
                f"narrowest q; got steps from {steps.min():.8g} to {steps.max():.8g}: "
                "use np.linspace(-12, 12, 481)"
            )
        if z[0] > -REACH or z[-1] < REACH:
            raise ValueError(
                f"expected a grid from −{REACH:g} or less to {REACH:g} or more, where all of q "
                f"lies; got {z[0]:g} to {z[-1]:g}: extend it"
            )
        self.z, self.log_joint, self.step = z, log_joint, float(steps.mean())
        self._log_p = logsumexp(log_joint, axis=1) + np.log(self.step)
        self.posteriors = np.exp(log_joint - self._log_p[:, None])
        edge = self.posteriors[:, [0, -1]].max()
        if edge > 1e-9:
            raise ValueError(
                f"expected posteriors that lie on the grid; one is {edge:.2g} at its edge: "
                "extend the grid, and check that log_joint holds the prior N(0, 1)"
            )
        # an integral that the grid resolves does not change if every other node is left out
        half = 2 * self.step * self.posteriors[:, ::2].sum(axis=1)
        off = np.abs(half - 1).max()
        if off > 1e-6:
            raise ValueError(
                "expected posteriors that the grid resolves; with half of the nodes the area of "
                f"one changes by {off:.1g}: pass a finer grid, or observations with more noise"
            )
        highest = (log_joint - norm.logpdf(z)).max()
        super().__init__(
            grid_data=z.astype("<f8").tobytes(),
            joint_data=log_joint.astype("<f8").tobytes(),
            labels=[str(label) for label in labels],
            mu_range=list(MU),
            sigma_range=list(SIGMA),
            window=[min(float(self._log_p.min() - ROOM), 0.0), float(max(highest, 0.0) + 0.5)],
            mu=float(mu),
            sigma=float(sigma),
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {
            "index": (0, len(self.log_joint) - 1),
            "mu": MU,
            "sigma": SIGMA,
            "reading": (0, 1),
        }

    def _mean(self, values: np.ndarray) -> float:
        """E_q of a function of z that is given at the nodes."""
        return float(self.step * (norm.pdf(self.z, self.mu, self.sigma) * values).sum())

    @property
    def log_evidence(self) -> float:
        """Log p(x) of the present observation, in nats."""
        return float(self._log_p[self.index])

    @property
    def elbo(self) -> float:
        """E_q [log p(z, x) − log q(z)], in nats."""
        return self._mean(self.log_joint[self.index] - norm.logpdf(self.z, self.mu, self.sigma))

    @property
    def kl(self) -> float:
        """KL(q, p(z|x)) = E_q [log q(z) − log p(z|x)], in nats."""
        log_posterior = self.log_joint[self.index] - self.log_evidence
        return self._mean(norm.logpdf(self.z, self.mu, self.sigma) - log_posterior)

    @property
    def reconstruction(self) -> float:
        """E_q log p(x|z), in nats."""
        return self._mean(self.log_joint[self.index] - norm.logpdf(self.z))

    @property
    def kl_to_prior(self) -> float:
        """KL(q, p(z)) in nats, in closed form."""
        return float((self.mu**2 + self.sigma**2 - 1) / 2 - np.log(self.sigma))

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        if self.reading == 0:
            bars = (
                f"log p(x) = {self.log_evidence:.3f}, which is the ELBO, {self.elbo:.3f}, plus "
                f"KL(q, p(z|x)), {self.kl:.3f}; this third bar reaches from the ELBO up to a "
                "line at log p(x)"
            )
        else:
            bars = (
                f"the ELBO, {self.elbo:.3f}, which is the reconstruction, "
                f"{self.reconstruction:.3f}, less KL(q, p(z)), {self.kl_to_prior:.3f}; a line "
                f"marks log p(x) = {self.log_evidence:.3f}"
            )
        return (
            f"Left, over z, the posterior for {self.labels[self.index]}, the prior, and a Gaussian "
            f"q with mean {self.mu:.2f} and standard deviation {self.sigma:.2f}. Right, three bars "
            f"in nats: {bars}."
        )

    def _draw(self, figure: Figure) -> None:
        densities, bars = figure.subplots(1, 2, width_ratios=[1.3, 1])
        seen = np.abs(self.z) <= 3.5
        z, posterior = self.z[seen], self.posteriors[self.index][seen]
        densities.fill_between(z, posterior, color=BLUE, alpha=0.25, linewidth=0)
        densities.plot(z, posterior, color=BLUE, label="p(z|x)")
        densities.plot(z, norm.pdf(z), "--", color=MUTED, linewidth=1, label="p(z)")
        densities.plot(z, norm.pdf(z, self.mu, self.sigma), color=ORANGE, label="q(z)")
        densities.set(xlabel="z", ylim=(0, 1.5 * posterior.max()), xlim=(-3.5, 3.5))
        densities.set_title(self.labels[self.index], fontsize=10)
        densities.legend(loc="upper left", fontsize=9)
        self._draw_bars(bars)

    def _draw_bars(self, ax: Axes) -> None:
        low, high = self.window
        p, elbo = self.log_evidence, self.elbo
        if self.reading == 0:
            parts = [(0, p, INK), (0, elbo, TEAL), (elbo, p, ORANGE)]
            names = [f"log p(x)\n{p:.3f}", f"= ELBO\n{elbo:.3f}", f"+ KL\n{self.kl:.3f}"]
        else:
            kept = self.reconstruction
            parts = [(0, elbo, TEAL), (0, kept, BLUE), (elbo, kept, ORANGE)]
            names = [f"ELBO\n{elbo:.3f}", f"= rec.\n{kept:.3f}", f"− KL\n{self.kl_to_prior:.3f}"]
        for k, (start, end, colour) in enumerate(parts):
            start, end = np.clip([start, end], low, high)
            ax.bar(k, end - start, bottom=start, color=colour, width=0.6)
        ax.axhline(p, color=INK, linestyle="--", linewidth=1.2)
        ax.axhline(0, color=MUTED, linewidth=0.8)
        ax.set(ylim=(low, high), xticks=range(3), title="nats")
        ax.set_xticklabels(names, fontsize=9)
