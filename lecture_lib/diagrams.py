"""Diagrams of models: what is a vector, what is a network, what exists once and what N times.

One look for all of them: blue marks a network and its parameters, orange a latent variable, ink
what lies in the space of the data. Each function draws into the axes that it is given and makes
them a canvas with equal scales. Axes of equal size show their diagrams at one size.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from lecture_lib.plotting import BLUE, GRID, INK, MUTED, ORANGE

MIDDLE = 1.5  # height at which networks and vectors stand in a row
CELL = 0.2  # height of one number of a vector
RADIUS = 0.34  # of the circle around a random variable
HEADS = (MIDDLE + 0.8, MIDDLE - 0.5)  # heights of μ and σ
BACK = 0.15  # height at which a gradient flows back
DOT = 0.08  # radius of the dot for parameters

Point = tuple[float, float]


def autoencoder(ax: Axes) -> None:
    """Draw x → encoder → z → decoder → x_hat."""
    _canvas(ax, width=7.4, height=2.9)
    _vector(ax, 0.5, 8, "x", "$D$")
    _arrow(ax, (0.65, MIDDLE), (1.3, MIDDLE))
    _network(ax, 1.3, "encoder\n$f_{\\mathbf{w}}$", heights=(1.8, 0.8))
    _arrow(ax, (2.9, MIDDLE), (3.55, MIDDLE))
    _latent_and_decoder(ax)


def decoder_only(ax: Axes) -> None:
    """Draw z → decoder → x_hat, where z is drawn at random and nothing is encoded."""
    _canvas(ax, width=7.4, height=2.9)
    ax.text(2.1, MIDDLE, "drawn at\nrandom", color=MUTED, ha="center", va="center")
    _arrow(ax, (2.75, MIDDLE), (3.55, MIDDLE))
    _latent_and_decoder(ax)


def variational_autoencoder(ax: Axes, sizes: tuple[int, int, int] = (784, 400, 20)) -> None:
    """Draw x → hidden → (μ, log σ), the draw of z, and z → hidden → logits, with their lengths.

    ``sizes`` are D, the width of the hidden layers and Q. Each blue shape is one affine layer.
    """
    data, hidden, latent = map(str, sizes)
    _canvas(ax, width=9.0, height=3.5)
    places = [0.5, 2.0, 3.5, 5.35, 6.85, 8.35]
    above, below = MIDDLE + 0.95, MIDDLE - 0.55
    _vector(ax, places[0], 8, "x", data)
    _vector(ax, places[1], 5, "h", hidden)
    _vector(ax, places[2], 3, "μ", latent, middle=above)
    _vector(ax, places[2], 3, "log σ", latent, middle=below)
    _vector(ax, places[3], 3, "z", latent, color=ORANGE)
    _vector(ax, places[4], 5, "h", hidden)
    _vector(ax, places[5], 8, "logits", data)
    _layer(ax, places[0], places[1], cells=(8, 5))
    _layer(ax, places[1], places[2], cells=(5, 3), middles=(MIDDLE, above))
    _layer(ax, places[1], places[2], cells=(5, 3), middles=(MIDDLE, below))
    _layer(ax, places[3], places[4], cells=(3, 5))
    _layer(ax, places[4], places[5], cells=(5, 8))
    for middle in (above, below):
        _arrow(ax, (places[2] + 0.15, middle), (places[3] - 0.15, MIDDLE))
    ax.text(4.3, MIDDLE, "draw", color=MUTED, ha="center", va="center")
    ax.text(1.6, 3.35, "encoder: $q(\\mathbf{z}|\\mathbf{x})$", color=BLUE, ha="center", va="top")
    ax.text(6.85, 3.35, "decoder: $p(\\mathbf{x}|\\mathbf{z})$", color=BLUE, ha="center", va="top")


def vanilla_vae(ax: Axes) -> None:
    """Draw a VAE that draws z inside the network: no gradient gets past the draw to the encoder."""
    _encoder_to_likelihood(ax)
    _variable(ax, (4.7, MIDDLE), "$\\mathbf{z}$", face="none", color=ORANGE)
    ax.text(4.7, MIDDLE + 0.45, "random", color=ORANGE, ha="center", va="bottom")
    for middle in HEADS:
        _arrow(ax, (3.25, middle), (4.7, MIDDLE), gaps=(0, RADIUS))
    _arrow(ax, (4.7, MIDDLE), (5.55, MIDDLE), gaps=(RADIUS, 0))
    _gradient(ax, end=4.85)
    for slope in (-1, 1):  # a cross
        ax.plot([4.6, 4.8], [BACK - 0.1 * slope, BACK + 0.1 * slope], color=ORANGE, lw=2)
    ax.text(4.45, BACK, "no way back", color=ORANGE, ha="right", va="center")


def reparameterised_vae(ax: Axes) -> None:
    """Draw a VAE whose z is computed from noise that comes in: the gradient reaches the encoder."""
    _encoder_to_likelihood(ax)
    noise = (4.7, 3.0)
    _variable(ax, noise, "ε", face="none", color=ORANGE)
    ax.text(noise[0] + 0.45, noise[1], "random", color=ORANGE, ha="left", va="center")
    _arrow(ax, noise, (4.7, 2.28), gaps=(RADIUS, 0))
    _vector(ax, 4.7, 3, "z", "$Q$", color=ORANGE)
    ax.text(4.7, 0.62, "z = μ + σ ⊙ ε", color=INK, ha="center", va="center")
    for middle in HEADS:
        _arrow(ax, (3.25, middle), (4.55, MIDDLE))
    _arrow(ax, (4.85, MIDDLE), (5.55, MIDDLE))
    _gradient(ax, end=1.0)


def graph_written_out(ax: Axes) -> None:
    """Draw a latent variable model of three points, with a circle for every variable."""
    _canvas(ax, width=3.6, height=4.4)
    for i in (1, 2, 3):
        _point_given_parameters(ax, i - 0.2, (1.8, 0.4), str(i))
    _parameters(ax, (1.8, 0.4))


def graph_plate(ax: Axes) -> None:
    """Draw the same model in plate notation: what stands on the plate exists N times."""
    _canvas(ax, width=3.6, height=4.4)
    plate = FancyBboxPatch((1.0, 1.4), 1.6, 2.8, boxstyle="round,pad=0,rounding_size=0.15")
    plate.set(fill=False, edgecolor=MUTED)
    ax.add_patch(plate)
    ax.text(2.5, 1.48, "$N$", ha="right", va="bottom")
    _point_given_parameters(ax, 1.8, (1.8, 0.4), "i")
    _parameters(ax, (1.8, 0.4))


def _canvas(ax: Axes, width: float, height: float) -> None:
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")


def _latent_and_decoder(ax: Axes) -> None:
    _vector(ax, 3.7, 3, "z", "$Q$", color=ORANGE)
    _arrow(ax, (3.85, MIDDLE), (4.5, MIDDLE))
    _network(ax, 4.5, "decoder\n$g_{\\mathbf{w}}$", heights=(0.8, 1.8))
    _arrow(ax, (6.1, MIDDLE), (6.75, MIDDLE))
    _vector(ax, 6.9, 8, "x̂", "$D$")


def _vector(
    ax: Axes,
    centre: float,
    cells: int,
    name: str,
    length: str,
    *,
    color: str = INK,
    middle: float = MIDDLE,
) -> None:
    """A column of numbers; a shorter one has fewer."""
    bottom, top = middle - cells * CELL / 2, middle + cells * CELL / 2
    for k in range(cells):
        corner = (centre - 0.15, bottom + k * CELL)
        ax.add_patch(Rectangle(corner, 0.3, CELL, facecolor=GRID, edgecolor=color, lw=0.8))
    ax.text(centre, top + 0.1, name, color=color, weight="bold", ha="center", va="bottom")
    ax.text(centre, bottom - 0.1, length, color=color, ha="center", va="top")


def _encoder_to_likelihood(ax: Axes) -> None:
    """What a VAE's graph has on either side of z."""
    _canvas(ax, width=9.4, height=3.5)
    _vector(ax, 0.4, 8, "x", "$D$")
    _arrow(ax, (0.55, MIDDLE), (0.95, MIDDLE))
    _network(ax, 0.95, "encoder", heights=(1.8, 1.0))
    for name, middle in zip("μσ", HEADS, strict=True):
        _vector(ax, 3.1, 3, name, "$Q$", middle=middle)
        _arrow(ax, (2.55, MIDDLE), (2.95, middle))
    _network(ax, 5.55, "decoder", heights=(0.8, 1.8))
    _arrow(ax, (7.15, MIDDLE), (7.75, MIDDLE))
    ax.text(8.5, MIDDLE, "$\\log p(\\mathbf{x}|\\mathbf{z})$", ha="center", va="center", color=INK)


def _gradient(ax: Axes, end: float) -> None:
    """The way of the gradient, from the likelihood back to ``end``."""
    arrow = {"arrowstyle": "-|>", "color": BLUE, "lw": 1.4, "linestyle": "--"}
    ax.annotate("", xy=(end, BACK), xytext=(8.5, BACK), arrowprops=arrow)
    ax.text(8.5, BACK + 0.12, "gradient", color=BLUE, ha="center", va="bottom")


def _network(ax: Axes, left: float, name: str, *, heights: tuple[float, float]) -> None:
    """A map between vectors; its edges are as high as what comes in and what goes out."""
    right, (a, b) = left + 1.6, np.divide(heights, 2)
    corners = [(left, MIDDLE - a), (left, MIDDLE + a), (right, MIDDLE + b), (right, MIDDLE - b)]
    ax.add_patch(Polygon(corners, fill=False, edgecolor=BLUE, lw=1.8, joinstyle="round"))
    ax.text(left + 0.8, MIDDLE, name, color=BLUE, ha="center", va="center", linespacing=1.5)


def _layer(
    ax: Axes,
    left: float,
    right: float,
    *,
    cells: tuple[int, int],
    middles: tuple[float, float] = (MIDDLE, MIDDLE),
) -> None:
    """An affine layer between two columns: each number on the right sees all on the left."""
    (a, b), (start, end) = np.multiply(cells, CELL / 2), middles
    left, right = left + 0.2, right - 0.2
    corners = [(left, start - a), (left, start + a), (right, end + b), (right, end - b)]
    ax.add_patch(Polygon(corners, fill=False, edgecolor=BLUE, lw=1.4, joinstyle="round"))


def _point_given_parameters(ax: Axes, left: float, parameters: Point, index: str) -> None:
    """A latent variable above the observation that it and the parameters produce."""
    latent, observed = (left, 3.6), (left, 2.25)
    _arrow(ax, latent, observed, gaps=(RADIUS, RADIUS))
    _arrow(ax, parameters, observed, gaps=(DOT, RADIUS))
    _variable(ax, latent, f"$\\mathbf{{z}}_{index}$", face="none", color=ORANGE)
    # by custom the circle of a variable is filled if its value has been observed
    _variable(ax, observed, f"$\\mathbf{{x}}_{index}$", face=GRID, color=INK)


def _variable(ax: Axes, centre: Point, name: str, *, face: str, color: str) -> None:
    ax.add_patch(Circle(centre, RADIUS, facecolor=face, edgecolor=color, lw=1.5))
    ax.text(*centre, name, color=color, ha="center", va="center")


def _parameters(ax: Axes, centre: Point) -> None:
    """The parameters w of the networks: no random variable, so no circle but a dot."""
    ax.add_patch(Circle(centre, DOT, color=BLUE))
    ax.text(centre[0] + 0.2, centre[1], "w", color=BLUE, weight="bold", ha="left", va="center")


def _arrow(ax: Axes, start: Point, end: Point, *, gaps: tuple[float, float] = (0.0, 0.0)) -> None:
    """An arrow; ``gaps`` are the radii of the circles around its start and its end."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    direction = (end - start) / np.linalg.norm(end - start)
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 2, "shrinkB": 2}
    tail, tip = start + gaps[0] * direction, end - gaps[1] * direction
    ax.annotate("", xy=tip, xytext=tail, arrowprops=arrow)
