"""Live figures: drawings that a reader moves, in the plain HTML page as in Jupyter.

A live figure is one Python class and one JavaScript file of the same name beside it:
``direction.py`` and ``direction.js``. The class holds the data and the state as synchronised traits
and computes every number that the figure shows, so that a test can set the two side by side. The
JavaScript draws. ``base.js`` and ``live.css`` hold what all figures share, ``networks.js`` what
those share that run a network in the page.

In Jupyter the figure is an ordinary widget. In the book its state lies in the page, and
``book/_static/live.js`` draws it with no kernel. Where scripts are off, and in print, the picture
made by `LiveFigure.still` stands in its place.
"""

import base64
import html
import inspect
import io
from collections.abc import Sequence
from pathlib import Path

import anywidget
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from IPython.display import HTML, display
from matplotlib.figure import Figure
from PIL import Image

HERE = Path(__file__).parent
STYLE = HERE.parent / "book.mplstyle"


class LiveFigure(anywidget.AnyWidget):
    """A figure that the reader moves.

    A subclass lies in a module with a JavaScript file of the same name beside it, declares its
    state as traits tagged ``sync=True``, and defines `alt`, `_draw`, `_size`, `_heights` and
    `_ranges`.
    """

    _size = (7.0, 3.6)
    """Width and height of the still picture in inches."""

    _heights = ("0px", "0px")
    """CSS heights, in two columns and in one, with ``var(--w)`` for the figure's width. The page
    keeps this room until the figure is drawn, so that the text below it does not jump."""

    _shared = ("base.js",)
    """The JavaScript files that come before the figure's own, from this folder."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Join the shared and the figure's own JavaScript into one module."""
        if not hasattr(cls, "_esm"):  # traitlets subclasses a figure again when it is made
            own = Path(inspect.getfile(cls)).with_suffix(".js")
            paths = [*(HERE / name for name in cls._shared), own]
            cls._esm = "\n".join(path.read_text(encoding="utf-8") for path in paths)
            cls._css = (HERE / "live.css").read_text(encoding="utf-8")
        super().__init_subclass__(**kwargs)

    @property
    def alt(self) -> str:
        """What the figure shows in its present state, for those who do not see it."""
        raise NotImplementedError

    def _draw(self, figure: Figure) -> None:
        """Draw the present state on an empty matplotlib figure."""
        raise NotImplementedError

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        """The lowest and the highest value of each trait that the reader moves."""
        raise NotImplementedError

    @traitlets.validate(
        "draw",
        "frame",
        "index",
        "mu",
        "q",
        "reading",
        "shown",
        "sigma",
        "t",
        "tau",
        "theta",
        "z",
        "z1",
        "z2",
    )
    def _in_range(self, proposal: traitlets.Bunch) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = self._ranges[name]
        if not low <= value <= high:  # NaN is not either
            raise traitlets.TraitError(f"expected {name} from {low:g} to {high:g}; got {value:g}")
        return value

    def still(self) -> Figure:
        """The present state, drawn by matplotlib."""
        with plt.style.context(STYLE):
            figure = Figure(figsize=self._size, layout="constrained")
            self._draw(figure)
        return figure

    def slot(self) -> str:
        """The HTML that stands before the widget: its place in the page and its still picture."""
        raw, small = io.BytesIO(), io.BytesIO()
        self.still().savefig(raw, format="png", dpi=110, facecolor="white")
        picture = Image.open(raw).convert("RGB").quantize(256)  # half the bytes, no visible loss
        picture.save(small, format="png", optimize=True)
        width, height = picture.size
        wide, narrow = self._heights
        return (
            f'<div class="live-slot" data-live="{self.model_id}">'
            f'<div class="live-mount" style="--wide: {wide}; --narrow: {narrow}"></div>'
            f'<noscript><img class="live-still" alt="{html.escape(self.alt)}" '
            f'width="{width}" height="{height}" style="max-width: 100%; height: auto" '
            f'src="data:image/png;base64,{base64.b64encode(small.getvalue()).decode()}"></noscript>'
            "</div>"
        )

    def _ipython_display_(self) -> None:
        # Two outputs, because a page renders only the best form of each: first the slot, which
        # shows nothing in Jupyter, then the widget.
        display(HTML(self.slot()))
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)


def finite_array(name: str, value: object, ndim: int, shape: str) -> np.ndarray:
    """Return ``value`` as float64, or say what is wrong with it.

    Raises
    ------
    ValueError
        If the array does not have ``ndim`` axes (``shape`` names them), or holds NaN or infinity.
    """
    array = np.asarray(value, dtype=float)
    if array.ndim != ndim:
        raise ValueError(f"expected {name} of shape {shape}; got shape {array.shape}: reshape it")
    if not np.isfinite(array).all():
        count = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"expected finite numbers in {name}; got {count} that are NaN or infinite: "
            "drop or replace them first"
        )
    return array


def plane_points(x: object) -> np.ndarray:
    """Return ``x`` as points in the plane, float64 of shape (N, 2), or say what is wrong with it.

    Raises
    ------
    ValueError
        If x has another shape, is not finite, or does not hold from 2 to 300 points that differ.
    """
    x = finite_array("points x", x, 2, "(N, 2)")
    if x.shape[1] != 2:
        raise ValueError(
            f"expected points in the plane, shape (N, 2); got {x.shape}: choose two columns"
        )
    if not 2 <= len(x) <= 300:
        raise ValueError(
            f"expected 2 to 300 points, each of which is drawn; got {len(x)}: pass a sample"
        )
    if np.square(x - x.mean(axis=0)).sum() <= 1e-24 * np.square(x).sum():
        raise ValueError(
            "expected points that differ; got one point repeated: there is no direction to find"
        )
    return x


def few_enough(name: str, count: int, most: int) -> None:
    """Refuse none, and more than a page can carry.

    Raises
    ------
    ValueError
        If ``count`` is not from 1 to ``most``.
    """
    if not 1 <= count <= most:
        raise ValueError(
            f"expected 1 to {most} {name}, because the page carries them all; got {count}: "
            "choose fewer, or add one"
        )


def image_labels(labels: Sequence[str] | None, count: int) -> list[str]:
    """Return one label for each image, "image 1" and so on by default.

    Raises
    ------
    ValueError
        If there are more or fewer labels than images.
    """
    if labels is None:
        return [f"image {i + 1}" for i in range(count)]
    if len(labels) != count:
        raise ValueError(f"expected one label for each of the {count} images; got {len(labels)}")
    return [str(label) for label in labels]
