"""A Gaussian cloud that a map pushes into a ring, with the density of the radius on the way."""

import numpy as np
import traitlets
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from lecture_lib.figures.base import LiveFigure, few_enough, finite_array
from lecture_lib.plotting import CODES, INK, MUTED, ORANGE, PAPER, TEAL

BIN = 0.25  # width of a bar in units of ‖z‖, before the map narrows it
REACH = 3.0  # how far from zero the marked point's coordinates go


class PushForwardFigure(LiveFigure):
    """Draws from N(0, I) on their straight ways from z to g(z) = z/10 + z/‖z‖, lecture 11.4's map.

    At time t a point is at x_t = (1 − t) z + t g(z). It stays on its ray, and its radius r = ‖z‖
    has become ρ = a r + t, with a = 1 − 0.9 t. If z is drawn from N(0, I), r has the density
    r exp(−r²/2), Rayleigh's, and ρ that of `density`.

    The bars are a histogram of ρ. Their edges move with the points: a bar keeps what it counts,
    and grows as it narrows.

    Parameters
    ----------
    z : array, shape (N, 2)
        Draws from N(0, I), 1 to 1,000, none of them zero, where g has no value. They are rounded
        to float32.

    Attributes
    ----------
    t : float
        The present time, from 0 to 1.
    z1, z2 : float
        A marked point z, each coordinate from −3 to 3.
    radii : array, shape (N,)
        ‖z‖ of each draw.
    counts : list of int
        Draws in each bar; bar k holds ‖z‖ from 0.25 k to 0.25 (k + 1).

    Raises
    ------
    ValueError
        If z has another shape, is not finite, holds too few or too many points, or a zero.
    """

    point_data = traitlets.Bytes(help="z row by row, as float32").tag(sync=True)
    counts = traitlets.List(traitlets.Int()).tag(sync=True)
    bin_width = traitlets.Float(BIN).tag(sync=True)
    half = traitlets.Float(help="half the width of the plane").tag(sync=True)
    top = traitlets.Float(help="the highest density on the axis").tag(sync=True)
    reach = traitlets.Float(REACH).tag(sync=True)
    t = traitlets.Float(0.0).tag(sync=True)
    z1 = traitlets.Float(0.5).tag(sync=True)
    z2 = traitlets.Float(0.25).tag(sync=True)

    _size = (7.2, 3.8)
    _heights = ("calc(0.515 * var(--w) + 182px)", "calc(2.059 * var(--w) + 232px)")

    def __init__(self, z: np.ndarray) -> None:
        """Count the draws by their radius, and pack them for the page."""
        z = finite_array("z", z, 2, "(N, 2)")
        if z.shape[1] != 2:
            raise ValueError(f"expected z in the plane, shape (N, 2); got {z.shape}: draw Q = 2")
        few_enough("draws of z", len(z), 1000)
        if np.abs(z).max() > 10:
            raise ValueError(
                f"expected draws from N(0, I); got a coordinate of {np.abs(z).max():.3g}: "
                "standardise z"
            )
        rounded = z.astype("<f4")
        self.z = rounded.astype(float)
        self.radii = np.linalg.norm(self.z, axis=1)
        if not self.radii.all():
            raise ValueError(
                f"expected no z that is zero, where z/‖z‖ has no value; got "
                f"{np.count_nonzero(self.radii == 0)}: drop them"
            )
        counts = np.bincount((self.radii / BIN).astype(int), minlength=8)
        highest = max(counts.max() / (len(z) * BIN), np.exp(-0.5))  # of both, at t = 0
        super().__init__(
            point_data=rounded.tobytes(),
            counts=counts.tolist(),
            half=float(1.04 * max(np.abs(self.z).max(), REACH)),
            top=float(1.03 * highest / _narrowing(1.0)),
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"t": (0, 1), "z1": (-REACH, REACH), "z2": (-REACH, REACH)}

    def places(self, t: float) -> np.ndarray:
        """x_t of all draws, shape (N, 2)."""
        return self._moved(self.z, t)

    def place(self, t: float) -> np.ndarray | None:
        """x_t of the marked point, shape (2,); None if that is at zero and there is no g(z)."""
        z = np.array([self.z1, self.z2])
        return self._moved(z, t) if z.any() else None

    @staticmethod
    def _moved(z: np.ndarray, t: float) -> np.ndarray:
        g = z / 10 + z / np.linalg.norm(z, axis=-1, keepdims=True)
        return (1 - t) * z + t * g

    def density(self, rho: np.ndarray, t: float) -> np.ndarray:
        """The density of ρ = ‖x_t‖ for z ~ N(0, I), per unit of length, of the shape of ``rho``."""
        a = _narrowing(t)
        r = np.maximum(np.asarray(rho) - t, 0) / a
        return r * np.exp(-0.5 * r**2) / a

    def bars(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Edges (K + 1,) and heights (K,) of the histogram of ρ, whose area is one."""
        a = _narrowing(t)
        edges = a * BIN * np.arange(len(self.counts) + 1) + t
        return edges, np.array(self.counts) / (len(self.z) * a * BIN)

    def inside(self, t: float) -> tuple[int, float]:
        """How many draws lie inside the unit circle at time t, and how many are expected to."""
        radius = (1 - t) / _narrowing(t)  # the ‖z‖ that has come to ρ = 1
        expected = -len(self.z) * np.expm1(-0.5 * radius**2)
        return int(np.count_nonzero(self.radii < radius)), float(expected)

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        count, expected = self.inside(self.t)
        x = self.place(self.t)
        marked = f"is at ({x[0]:.2f}, {x[1]:.2f})" if x is not None else "has no image"
        return (
            f"Left, {len(self.z)} draws from a round Gaussian at time {self.t:.2f} of their way "
            "into a ring, coloured by their first distance from the centre. Right, a histogram of "
            "their distance ρ from the centre under the curve of its density, whose peak is "
            f"{self.density(self.t + _narrowing(self.t), self.t):.3g}. Inside the unit circle are "
            f"{count}; {expected:.1f} are expected. The marked point z = ({self.z1:.2f}, "
            f"{self.z2:.2f}) {marked}."
        )

    def _draw(self, figure: Figure) -> None:
        plane, chart = figure.subplots(1, 2)
        shares = -np.expm1(-0.5 * self.radii**2)
        plane.scatter(*self.places(self.t).T, c=shares, cmap=CODES, vmin=0, vmax=1, s=5)
        unit = PatchCollection([Circle((0, 0), 1)], facecolor="none", edgecolor=MUTED)
        plane.add_collection(unit).set_linestyle("--")
        x = self.place(self.t)
        if x is not None:
            plane.plot(*np.transpose([(self.z1, self.z2), x]), color=INK, linewidth=1)
            plane.plot(*x, "o", color=TEAL, markeredgecolor=PAPER)
        plane.plot(self.z1, self.z2, "o", color=PAPER, markeredgecolor=TEAL, markersize=8)
        limits = (-self.half, self.half)
        plane.set(xlim=limits, ylim=limits, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        edges, heights = self.bars(self.t)
        chart.stairs(heights, edges, fill=True, color=MUTED, alpha=0.4)
        rho = np.linspace(self.t, edges[-1], 201)
        chart.plot(rho, self.density(rho, self.t), color=ORANGE)
        chart.axvline(1, color=MUTED, linestyle="--", linewidth=0.8)
        end = BIN * len(self.counts)
        chart.set(xlim=(0, end), ylim=(0, self.top), xlabel="radius ρ", title="density of ρ")


def _narrowing(t: float) -> float:
    """Return a: by time t, the distance between two points of a ray is a times what it was."""
    return 1 - 0.9 * t
