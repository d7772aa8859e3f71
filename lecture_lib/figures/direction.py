"""Retained variance and reconstruction error of a direction in the plane."""

import numpy as np
import traitlets
from matplotlib.figure import Figure

from lecture_lib.figures.base import LiveFigure, plane_points
from lecture_lib.plotting import BLUE, INK, MUTED, ORANGE


class DirectionFigure(LiveFigure):
    """A direction through the mean of points in the plane, turned by the reader.

    Projected on the line of direction v, the points keep Σ z² = vᵀSv of trace S, their total
    squared distance from the mean, and lose Σ ‖x̂ − x‖². The two add up to trace S for every v
    (Pearson 1901, "On lines and planes of closest fit to systems of points in space"), so the
    direction that keeps most is the one that loses least.

    Parameters
    ----------
    x : array, shape (N, 2)
        From 2 to 300 points that are not all equal: each one is drawn.
    theta : float
        The first angle of v, in degrees from the first axis, 0 to 180.

    Attributes
    ----------
    theta : float
        The present angle in degrees.
    S : array, shape (2, 2)
        The scatter matrix Σ (x − x̄)(x − x̄)ᵀ.

    Raises
    ------
    ValueError
        If x has another shape, is not finite, has too few or too many points or only equal ones,
        or if theta is out of range.
    """

    points = traitlets.Bytes(help="x, row by row, as float64").tag(sync=True)
    theta = traitlets.Float().tag(sync=True)

    _size = (7.2, 3.7)
    _heights = ("calc(0.515 * var(--w) + 121px)", "calc(2.059 * var(--w) + 215px)")

    def __init__(self, x: np.ndarray, theta: float = 100.0) -> None:
        """Check the points and sum up their scatter matrix."""
        x = plane_points(x)
        if not 0 <= theta <= 180:
            raise ValueError(
                f"expected an angle from 0 to 180 degrees; got {theta}: take it modulo 180"
            )
        self.x = x
        self.x_mean = x.mean(axis=0)
        centred = x - self.x_mean
        self.S = centred.T @ centred
        super().__init__(points=x.astype("<f8").tobytes(), theta=float(theta))

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"theta": (0, 180)}

    def retained(self, theta: float) -> float:
        """Σ z² = vᵀSv for v at ``theta`` degrees, in squared units of x."""
        v = np.array([np.cos(np.radians(theta)), np.sin(np.radians(theta))])
        return float(v @ self.S @ v)

    def error(self, theta: float) -> float:
        """Σ ‖x̂ − x‖² for the projections x̂ on the line at ``theta`` degrees."""
        x_hat = self._project(theta)
        return float(np.square(x_hat - self.x).sum())

    @property
    def best_angle(self) -> float:
        """The angle of the first eigenvector of S, in degrees from 0 to 180."""
        v = np.linalg.eigh(self.S).eigenvectors[:, -1]
        return float(np.degrees(np.arctan2(v[1], v[0])) % 180)

    def _project(self, theta: float) -> np.ndarray:
        v = np.array([np.cos(np.radians(theta)), np.sin(np.radians(theta))])
        return self.x_mean + np.outer((self.x - self.x_mean) @ v, v)

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        return (
            f"{len(self.x)} points in the plane and a line through their mean at {self.theta:.0f} "
            f"degrees. Projected on the line the points keep {self.retained(self.theta):.3g} of "
            f"their total scatter {np.trace(self.S):.3g} and lose {self.error(self.theta):.3g}. "
            f"A curve shows the retained part at every angle; it is largest at "
            f"{self.best_angle:.0f} degrees."
        )

    def _draw(self, figure: Figure) -> None:
        plane, curve = figure.subplots(1, 2)
        x_hat = self._project(self.theta)
        half = 1.15 * np.linalg.norm(self.x - self.x_mean, axis=1).max()
        v = np.array([np.cos(np.radians(self.theta)), np.sin(np.radians(self.theta))])
        plane.plot(*(self.x_mean + half * np.outer([-1, 1], v)).T, color=MUTED, linewidth=1)
        for pair in zip(self.x, x_hat, strict=True):
            plane.plot(*np.transpose(pair), color=ORANGE, linewidth=1.2, linestyle="--")
        plane.plot(*self.x.T, "o", color=INK)
        plane.plot(*x_hat.T, "o", color=BLUE, markersize=4)
        plane.set(
            xlim=self.x_mean[0] + half * np.array([-1, 1]),
            ylim=self.x_mean[1] + half * np.array([-1, 1]),
            xlabel="$x_1$",
            ylabel="$x_2$",
            aspect="equal",
        )
        angles = np.linspace(0, 180, 181)
        kept, total = self.retained(self.theta), np.trace(self.S)
        curve.plot(angles, [self.retained(angle) for angle in angles], color=INK, linewidth=1.5)
        curve.plot([self.theta] * 2, [0, kept], color=BLUE, linewidth=4)
        curve.plot([self.theta] * 2, [kept, total], color=ORANGE, linestyle="--")
        curve.set(
            xlim=(0, 180),
            ylim=(0, total),
            xticks=[0, 45, 90, 135, 180],
            xlabel="angle of v in degrees",
            title=f"retained {kept:.3g} + error {total - kept:.3g} = {total:.3g}",
        )
