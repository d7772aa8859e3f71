"""Two estimates of one gradient, from the same draws: score function and pathwise."""

import numpy as np
import traitlets
from matplotlib.figure import Figure

from lecture_lib.figures.base import LiveFigure
from lecture_lib.plotting import BLUE, GRID, INK, MUTED, ORANGE, TEAL

SETS, DRAWS = 12, 400
RANKS = [20, 92, 164, 236, 308, 380]  # the draws shown one by one, evenly through their order
Z_REACHES = (3, 4, 6, 8, 10, 12)
REACHES = (4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250)


def score_function(mu: float, sigma: float, epsilon: np.ndarray) -> np.ndarray:
    """Return f(z) (z − μ)/σ² for f(z) = z² and z = μ + σ ε: one estimate for each ε."""
    z = mu + sigma * epsilon
    return z * z * epsilon / sigma  # (z − μ)/σ² = ε/σ


def pathwise(mu: float, sigma: float, epsilon: np.ndarray) -> np.ndarray:
    """Return f'(z) ∂z/∂μ = 2 z for f(z) = z² and z = μ + σ ε: one estimate for each ε."""
    return 2 * (mu + sigma * epsilon)


def exact_variances(mu: float, sigma: float) -> tuple[float, float]:
    """Return the variances of one `score_function` and of one `pathwise` estimate."""
    return mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2, 4 * sigma**2


class GradientFigure(LiveFigure):
    """The slope 2μ of E[z²], z from N(μ, σ²), estimated from single draws in two ways.

    Each draw z = μ + σ ε gives two estimates. The score function multiplies the value z² by the
    slope of log q, (z − μ)/σ²; the pathwise one is the slope 2 z of the function at z. Six draws
    are shown one by one, 400 as dots. The reader sets μ and σ, and asks for another of 12 sets of
    ε, which the page carries as float32.

    Parameters
    ----------
    mu, sigma : float
        The first mean, from −3 to 3, and the first standard deviation, from 0.1 to 2.

    Attributes
    ----------
    mu, sigma : float
        The present ones.
    draw : int
        Which set of ε is shown, 0 to 11.
    epsilon : array, shape (12, 400)
        All ε. Of a set six, evenly through their order, are shown one by one.
    """

    epsilon_data = traitlets.Bytes(help="ε, set by set, as float32").tag(sync=True)
    z_reaches = traitlets.List(traitlets.Int(), help="half widths of the axis of z").tag(sync=True)
    reaches = traitlets.List(traitlets.Int(), help="half widths of the other axis").tag(sync=True)
    ranks = traitlets.List(traitlets.Int(), help="which draws are shown one by one").tag(sync=True)
    mu = traitlets.Float(1.5).tag(sync=True)
    sigma = traitlets.Float(0.5).tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)

    _size = (7.2, 3.9)
    _heights = ("calc(0.515 * var(--w) + 230px)", "calc(2.058 * var(--w) + 441px)")

    def __init__(self, mu: float = 1.5, sigma: float = 0.5) -> None:
        """Draw the ε."""
        normal = np.random.default_rng(0).standard_normal((SETS, DRAWS)).astype("<f4")
        self.epsilon = normal.astype(float)
        super().__init__(
            epsilon_data=normal.tobytes(),
            z_reaches=list(Z_REACHES),
            reaches=list(REACHES),
            ranks=RANKS,
            mu=float(mu),
            sigma=float(sigma),
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"mu": (-3, 3), "sigma": (0.1, 2), "draw": (0, SETS - 1)}

    def few(self) -> np.ndarray:
        """Return the six ε that are shown one by one, in rising order."""
        return np.sort(self.epsilon[self.draw])[RANKS]

    def estimates(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the score-function and the pathwise estimates of all 400 draws."""
        state = (self.mu, self.sigma, self.epsilon[self.draw])
        return score_function(*state), pathwise(*state)

    def windows(self) -> tuple[int, int]:
        """Return the half width of the axis of z and of that of the estimates.

        Steps of round numbers, so that the axes stay while little changes. The six draws always
        fit; estimates beyond the second axis are counted.
        """
        few, spread = self.few(), np.sqrt(exact_variances(self.mu, self.sigma)[0])
        z = np.abs(self.mu + self.sigma * few).max()
        score = np.abs(score_function(self.mu, self.sigma, few)).max()
        furthest = max(z, abs(self.mu) + 2 * self.sigma)
        widest = max(score, 2 * z, 2 * abs(self.mu) + 2.5 * spread)
        return (
            next(reach for reach in Z_REACHES if reach >= furthest),
            next(reach for reach in REACHES if reach >= widest),
        )

    def wrong_signs(self) -> tuple[int, int]:
        """Return how many of each kind of estimate have the sign opposite to that of 2μ."""
        score, path = (int((self.mu * values < 0).sum()) for values in self.estimates())
        return score, path

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        score, path = exact_variances(self.mu, self.sigma)
        wrong_score, wrong_path = self.wrong_signs()
        signs = f" Of the wrong sign are {wrong_score} and {wrong_path}." if self.mu else ""
        return (
            f"Left, the parabola z² with six draws from a Gaussian of mean {self.mu:.2f} and "
            f"standard deviation {self.sigma:.2f}: a stem to the height at each, and the tangent. "
            f"Right, two estimates of the slope {2 * self.mu:.2f} from each draw, as arrows, and "
            f"those of {DRAWS} draws as dots. The score-function estimates are spread widely, "
            f"with variance {score:.3g}; the pathwise ones have variance {path:.3g}.{signs}"
        )

    def _draw(self, figure: Figure) -> None:
        reach, wide = self.windows()
        left, right = figure.subplots(1, 2)
        few = self.few()
        places, line = self.mu + self.sigma * few, np.linspace(-reach, reach, 121)
        floor = -0.3 * reach**2  # q stands below the parabola
        bell = np.exp(-0.5 * ((line - self.mu) / self.sigma) ** 2)
        left.fill_between(line, floor, floor * (1 - 0.8 * bell), color=GRID)
        left.plot(line, floor * (1 - 0.8 * bell), color=TEAL, linewidth=1.2)
        left.plot(line, line**2, color=INK, linewidth=1.5)
        left.vlines(places, 0, places**2, color=ORANGE)
        across = 0.14 * reach / np.hypot(1, 2 * places / (1.3 * reach))
        for z, half in zip(places, across, strict=True):
            left.plot([z - half, z + half], z**2 + 2 * z * half * np.array([-1, 1]), color=BLUE)
        left.plot(places, np.full(len(places), floor), "o", color=TEAL, markersize=4, clip_on=False)
        left.set(xlim=(-reach, reach), ylim=(floor, reach**2), xlabel="z", title="f(z) = z²")
        left.set_yticks([tick for tick in left.get_yticks() if 0 <= tick <= reach**2])
        right.axvline(2 * self.mu, color=INK, linestyle="--", linewidth=1.2)
        right.axvline(0, color=MUTED, linewidth=0.8)
        score, path = (how(self.mu, self.sigma, few) for how in (score_function, pathwise))
        for row, pair in enumerate(zip(score, path, strict=True)):
            for value, shift, colour in zip(pair, (-0.15, 0.15), (ORANGE, BLUE), strict=True):
                right.annotate(
                    "",
                    xy=(value, row + shift),
                    xytext=(0, row + shift),
                    arrowprops={"arrowstyle": "->", "color": colour, "shrinkA": 0, "shrinkB": 0},
                )
        shifts = np.arange(DRAWS) * 0.618034 % 1
        for values, base, colour in zip(self.estimates(), (6.2, 8), (ORANGE, BLUE), strict=True):
            right.plot(values, base + 1.4 * shifts, ".", color=colour, markersize=2.5)
        right.set(xlim=(-wide, wide), ylim=(9.7, -0.7), xlabel="estimate of the slope")
        right.set_yticks([2.5, 6.9, 8.7], ["six\ndraws", "score\nfunction", "pathwise"])
        right.set_title("score function (orange), pathwise (blue)", fontsize=10)
