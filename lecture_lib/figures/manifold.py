"""A latent line, the curve that it becomes in the plane, and the density around the curve."""

import numpy as np
import traitlets
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from lecture_lib.figures.base import LiveFigure, finite_array
from lecture_lib.plotting import BLUE, INK, ORANGE, PAPER, TEAL

SHADES = LinearSegmentedColormap.from_list("shades", [PAPER, BLUE])


class ManifoldFigure(LiveFigure):
    """The model p(x) = ∫ N(z | 0, 1) N(x | g(z), σ²I) dz for a curve g in the plane.

    The reader moves z along the latent line and sees g(z) move on the curve, and sets the noise σ
    and sees the marginal density change. The integral is a trapezoidal sum over the nodes; for
    Gaussians no further apart than σ its error is far below what a picture shows.

    Parameters
    ----------
    z_nodes : array, shape (M,)
        Rising values of z that cover at least −3 to 3, at most 400 of them.
    curve_points : array, shape (M, 2)
        g(z) at each node. Neighbours no further apart than ``sigma``.
    sigma : float
        The first standard deviation σ of the noise, in units of x.

    Attributes
    ----------
    z, sigma : float
        The present latent coordinate and the present σ.

    Raises
    ------
    ValueError
        If shapes do not fit, numbers are not finite, nodes do not rise or do not reach −3 and 3, or
        lie too far apart on the curve for ``sigma``.
    """

    node_data = traitlets.Bytes(help="z at each node, as float64").tag(sync=True)
    weight_data = traitlets.Bytes(help="p(z) dz at each node, as float64").tag(sync=True)
    curve_data = traitlets.Bytes(help="g(z) at each node, row by row, as float64").tag(sync=True)
    z_range = traitlets.List(traitlets.Float()).tag(sync=True)
    sigma_range = traitlets.List(traitlets.Float()).tag(sync=True)
    window = traitlets.List(traitlets.Float(), help="centre and half width of the plane").tag(
        sync=True
    )
    peak = traitlets.Float(help="the density that gets the darkest shade").tag(sync=True)
    z = traitlets.Float().tag(sync=True)
    sigma = traitlets.Float().tag(sync=True)

    _size = (7.2, 3.7)
    _heights = ("calc(0.515 * var(--w) + 59px)", "calc(1.632 * var(--w) + 229px)")

    def __init__(self, z_nodes: np.ndarray, curve_points: np.ndarray, sigma: float = 0.15) -> None:
        """Check the curve and weigh its nodes by the prior."""
        nodes = finite_array("z_nodes", z_nodes, 1, "(M,)")
        curve = finite_array("curve_points", curve_points, 2, "(M, 2)")
        if curve.shape != (len(nodes), 2):
            raise ValueError(
                f"expected one point in the plane for each of the {len(nodes)} nodes; "
                f"got shape {curve.shape}"
            )
        if len(nodes) > 400:
            raise ValueError(f"expected at most 400 nodes; got {len(nodes)}: take every other one")
        if not (np.diff(nodes) > 0).all() or nodes[0] > -3 or nodes[-1] < 3:
            raise ValueError(
                "expected z_nodes that rise from −3 or less to 3 or more, where all but 0.3 % of "
                f"the prior lies; got {len(nodes)} from {nodes[0]:g} to {nodes[-1]:g}: "
                "sort or extend them"
            )
        gap = np.linalg.norm(np.diff(curve, axis=0), axis=1).max()
        if not gap <= sigma:
            raise ValueError(
                f"expected neighbours on the curve no further apart than sigma = {sigma:g}; "
                f"got {gap:.3g}, which breaks the density into beads: "
                "pass more nodes or a larger sigma"
            )
        self.nodes, self.curve = nodes, curve
        widths = np.gradient(nodes)
        widths[[0, -1]] /= 2  # the trapezoidal rule
        self.weights = np.exp(-0.5 * nodes**2) / np.sqrt(2 * np.pi) * widths
        # the plane shows the part of the curve that the slider reaches, and the noise around it
        seen = curve[np.abs(nodes) <= 3.0]
        low, high = seen.min(axis=0), seen.max(axis=0)
        half = (high - low).max() / 2 + 3 * sigma
        sigma_low = float(min(np.ceil(100 * gap) / 100, sigma))
        super().__init__(
            node_data=nodes.astype("<f8").tobytes(),
            weight_data=self.weights.astype("<f8").tobytes(),
            curve_data=curve.astype("<f8").tobytes(),
            z_range=[-3.0, 3.0],
            sigma_range=[sigma_low, float(np.round(half / 2, 2))],
            window=[*((low + high) / 2).tolist(), float(half)],
            peak=float(self.density(curve, sigma_low).max()),
            z=-1.0,
            sigma=float(sigma),
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"z": tuple(self.z_range), "sigma": tuple(self.sigma_range)}

    def point(self, z: float) -> np.ndarray:
        """g(z), shape (2,), on the straight pieces between the nodes."""
        return np.array([np.interp(z, self.nodes, self.curve[:, d]) for d in range(2)])

    def density(self, x: np.ndarray, sigma: float) -> np.ndarray:
        """p(x) at points x of shape (..., 2), per unit of area; shape (...)."""
        square = np.square(np.asarray(x)[..., None, :] - self.curve).sum(axis=-1)
        return np.exp(-0.5 * square / sigma**2) @ self.weights / (2 * np.pi * sigma**2)

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        x = self.point(self.z)
        return (
            f"Left, the standard normal prior over z, marked at z = {self.z:.2f}. Right, a curve "
            f"in the plane with the point g(z) = ({x[0]:.2f}, {x[1]:.2f}) and circles of one and "
            f"two standard deviations of the noise, {self.sigma:.2f} each. Shading shows the "
            "marginal density p(x), a band along the curve; "
            f"at g(z) it is {self.density(x, self.sigma):.3g}."
        )

    def _draw(self, figure: Figure) -> None:
        line, plane = figure.subplots(1, 2)
        z = np.linspace(*self.z_range, 121)
        prior = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        height = np.exp(-0.5 * self.z**2) / np.sqrt(2 * np.pi)
        line.plot(z, prior, color=INK, linewidth=1.5)
        line.plot([self.z, self.z], [0, height], "-o", color=TEAL)
        line.set(xlabel="latent z", title="prior p(z)", ylim=(0, 0.42))
        c1, c2, half = self.window
        steps = np.linspace(-half, half, 97)
        middle = (steps[1:] + steps[:-1]) / 2
        grid = np.stack(np.meshgrid(c1 + middle, c2 + middle), axis=-1)
        extent = (c1 - half, c1 + half, c2 - half, c2 + half)
        norm = PowerNorm(0.5, vmin=0, vmax=self.peak)
        shade = self.density(grid, self.sigma)
        plane.imshow(shade, origin="lower", extent=extent, cmap=SHADES, norm=norm)
        plane.plot(*np.transpose([self.point(value) for value in z]), color=INK, linewidth=1.5)
        x = self.point(self.z)
        for k, style in ((1, "-"), (2, "--")):
            ring = Circle(x, k * self.sigma, fill=False, edgecolor=ORANGE, linestyle=style)
            plane.add_patch(ring)
        plane.plot(*x, "o", color=TEAL)
        plane.set(xlabel="$x_1$", ylabel="$x_2$", title="p(x) around the curve", aspect="equal")
