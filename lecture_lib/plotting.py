"""The look of every figure in the book, and the plots that more than one page draws.

Figures are SVG with real text. The few colours below are the only ones used for marks, so that the
book can swap each for a lighter partner on a dark page: the names are those of the CSS variables
``--fig-blue``, ``--fig-ink`` and so on. Blue, orange, teal and purple differ in lightness as well
as in hue, and no figure tells two things apart by colour alone.
"""

from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

INK, MUTED, GRID, PAPER = "#22262b", "#5f6772", "#d9dde2", "#ffffff"
BLUE, ORANGE, TEAL, PURPLE = "#0b62a4", "#b84a00", "#08745a", "#7d3c98"

CODES = LinearSegmentedColormap.from_list("codes", [BLUE, ORANGE])
"""Colours of a code of one dimension, from its lowest value to its highest, where points of the
plane are coloured by it. `FilmFigure` mixes the same ones in the page."""

SVG_OPTIONS = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and recoloured
    "svg.hashsalt": "lecture",  # the same figure has the same bytes in every build
}


def use_style() -> None:
    """Draw all figures from here on in the book's style (SVG, one palette, one font size)."""
    plt.style.use(files("lecture_lib") / "book.mplstyle")
    plt.rcParams.update(SVG_OPTIONS)
    set_matplotlib_formats("svg", metadata={"Date": None})


def plane(ax: Axes, x: np.ndarray, *, color: str = BLUE, **scatter: object) -> Axes:
    """Scatter the points ``x`` (N, 2) with equal scales on both axes, so that angles are true."""
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(
            f"expected points in the plane, shape (N, 2); got shape {x.shape}: choose two columns"
        )
    ax.scatter(x[:, 0], x[:, 1], color=color, **({"s": 18} | scatter))
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    return ax


def latent_plane(ax: Axes, z: np.ndarray, labels: np.ndarray, *, most: int = 50) -> Axes:
    """Draw codes in the latent plane, each as its own label, and each class's mean as a disc.

    Discs that would overlap are moved apart a little.

    Parameters
    ----------
    ax : Axes
    z : array, shape (N, 2)
    labels : int array, shape (N,)
        0 to 9.
    most : int
        Codes drawn of each class, the first ones; the means are of all.
    """
    classes = np.unique(labels)
    means = np.array([z[labels == label].mean(axis=0) for label in classes])
    places = apart(means, 0.065 * np.ptp(z, axis=0).max())
    for label in classes:
        colour = (BLUE, ORANGE, TEAL, PURPLE)[label % 4]
        points = z[labels == label][:most].T
        ax.scatter(*points, marker=f"${label}$", s=26, linewidth=0, color=colour, alpha=0.75)
    ax.scatter(*places.T, s=300, color=PAPER, edgecolors=INK, zorder=3)
    for label, place in zip(classes, places, strict=True):
        ax.text(*place, str(label), ha="center", va="center_baseline", weight="bold", zorder=4)
    ax.set(xlabel="code $z_1$", ylabel="code $z_2$")
    return ax


def apart(places: np.ndarray, room: float) -> np.ndarray:
    """Return points (K, 2) of which those closer than ``room`` have been moved apart a little."""
    places = places.copy()
    for _ in range(40):
        between = places[:, None] - places
        near = np.linalg.norm(between, axis=2, keepdims=True) < room
        places += 0.1 * (between * near).sum(axis=1)
    return places


def image_grid(
    images: np.ndarray,
    image_shape: tuple[int, int],
    *,
    columns: int,
    titles: list[str] | None = None,
    row_labels: list[str] | None = None,
    signed: bool = False,
    size: float = 0.8,
) -> Figure:
    """Draw flattened images in a grid, row by row.

    Parameters
    ----------
    images : array, shape (n, height * width)
        Grey values in [0, 1]; with ``signed``, any real values.
    image_shape : (height, width)
    columns : int
        Images in a row.
    titles : list of str, optional
        Text above the images: one for each, or one for each image of the first row.
    row_labels : list of str, optional
        Text left of each row.
    signed : bool
        Draw zero as mid-grey and scale each image by its own largest magnitude (for basis
        vectors, whose sign and size carry no meaning of their own).
    size : float
        Width of one image in inches.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the images do not have height * width columns, if there are none, or if their grey
        values are on another scale.
    """
    images = np.asarray(images)
    height, width = image_shape
    if images.ndim != 2 or images.shape[1] != height * width:
        raise ValueError(
            f"expected images of shape (n, {height * width}) for {height} by {width} pixels; "
            f"got {images.shape}: flatten each image into one row"
        )
    if len(images) == 0 or columns < 1:
        raise ValueError(
            f"expected images and columns, at least one of each; got {len(images)} and {columns}"
        )
    if not signed and images.max() > 10:  # reconstructions overshoot 1 by a little
        raise ValueError(
            f"expected grey values from 0 to 1; got values up to {images.max():g}: divide by 255"
        )
    rows = -(-len(images) // columns)
    headed = 0 if titles is None else -(-len(titles) // columns)  # rows that have titles
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(
            size * columns + (1.2 if row_labels else 0),
            (size * height / width + 0.05) * rows + 0.23 * headed,
        ),
        squeeze=False,
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for index, image in enumerate(images):
        ax = axes.flat[index]
        limit = max(np.abs(image).max(), 1e-12) if signed else 1.0
        ax.imshow(image.reshape(image_shape), vmin=-limit if signed else 0.0, vmax=limit)
        if titles and index < len(titles):
            ax.set_title(titles[index], loc="center", fontsize=10)
    for ax, label in zip(axes[:, 0], row_labels or [], strict=False):
        ax.text(-0.12, 0.5, label, transform=ax.transAxes, ha="right", va="center", fontsize=10)
    return fig
