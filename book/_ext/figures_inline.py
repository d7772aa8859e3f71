"""Put the figures that notebooks drew into the page itself, in colours that follow the theme.

A figure that is linked as a picture keeps its dark ink on a dark page. Inside the page its text and
lines can use the page's own colours: each colour of lecture_lib.plotting becomes a CSS variable.

A page that runs no code can borrow a figure from one that does, by the name it has there, with a
caption of its own:

    ```{borrowed-figure} 11-2-3-digits fig-digit-reconstructions
    The caption.
    ```
"""

import base64
import hashlib
import io
import re
from pathlib import Path

import nbformat
import numpy as np
from docutils import nodes
from PIL import Image
from sphinx.util.docutils import SphinxDirective

from lecture_lib import plotting

COLOURS = {
    getattr(plotting, name): f"var(--fig-{name.lower()})"
    for name in ("INK", "MUTED", "GRID", "PAPER", "BLUE", "ORANGE", "TEAL", "PURPLE")
}

# a picture as matplotlib writes it: its rows from the last to the first, and turned over
PICTURE = re.compile(
    r'<g clip-path="url\(#(?P<clip>\w+)\)">\s*'
    r'<image xlink:href="data:image/png;base64,(?P<png>[^"]+)" '
    r'id="\w+" transform="scale\(1 -1\) translate\(0 -[\d.]+\)" x="(?P<x>[^"]+)" y="(?P<y>[^"]+)" '
    r'width="(?P<width>[^"]+)" height="[^"]+"/>\s*</g>'
)
# what could lie over one picture and under the next; text stands beside pictures, as their title
BETWEEN = re.compile(r"<(?:path|use|image)\b")
# The edges of an axes: they cut a picture at most where it was snapped to whole pixels.
EDGES = re.compile(r'<clipPath id="(\w+)">\s*<rect\b')
# where things lie; a transform may hold a scale, which must stay exact
DRAWN = re.compile(r' (?:d|points|x|y|x1|x2|y1|y2)="[^"]*"')
DIGITS = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def rounded(number: re.Match) -> str:
    """A coordinate in points, to two decimals."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def joined(run: list[re.Match]) -> str | None:
    """One upright picture for those of a run, on one grid of pixels; None if there is no such grid.

    Matplotlib gives every axes a picture of its own, and a browser starts a task for each: a
    hundred small digits hold up a phone.
    """
    pictures = [
        # it is written turned over
        Image.open(io.BytesIO(base64.b64decode(match["png"])))
        .convert("RGBA")
        .transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        for match in run
    ]
    corners = np.array([(float(match["x"]), -float(match["y"])) for match in run])
    widths = np.array([float(match["width"]) for match in run])
    sizes = np.array([picture.size for picture in pictures])
    pixel = widths[0] / sizes[0, 0]
    left, top = corners.min(axis=0)
    exact = (corners - (left, top)) / pixel
    places = exact.round().astype(int)
    if np.abs(exact - places).max() > 0.02 or not np.allclose(widths, pixel * sizes[:, 0]):
        return None
    width, height = (places + sizes).max(axis=0).tolist()
    whole = Image.new("RGBA", (width, height))
    for picture, place in zip(pictures, places.tolist(), strict=True):
        whole.alpha_composite(picture, tuple(place))
    file = io.BytesIO()
    whole.save(file, "png")
    data = base64.b64encode(file.getvalue()).decode()
    size = f'width="{width * pixel}" height="{height * pixel}"'
    return f'<image xlink:href="data:image/png;base64,{data}" x="{left}" y="{top}" {size}/>'


def with_joined_pictures(svg: str) -> str:
    """The drawing with its pictures upright, and one for all that have only text between them."""
    runs, end = [], None
    edges = set(EDGES.findall(svg))
    for match in PICTURE.finditer(svg):
        if match["clip"] not in edges:
            continue
        if end is None or BETWEEN.search(svg, end, match.start()):
            runs.append([])
        runs[-1].append(match)
        end = match.end()
    text, start = "", 0
    for run in runs:
        if (whole := joined(run)) is None:
            continue
        for match in run:
            text += svg[start : match.start()] + whole
            whole, start = "", match.end()
    return text + svg[start:]


def themed(svg: str, alt: str) -> str:
    """The text of an SVG file made by matplotlib, fit to stand in a page."""
    svg = with_joined_pictures(svg[svg.index("<svg") :])
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # its style sheet holds rules for `*`, which would now apply to the whole page
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    # a hundredth of a point is finer than any screen, and matplotlib writes six digits
    svg = DRAWN.sub(lambda drawn: DIGITS.sub(rounded, drawn[0]), svg)
    # names are unique within a figure only
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\1{prefix}-", svg)
    for colour, variable in COLOURS.items():
        svg = re.sub(colour, variable, svg, flags=re.IGNORECASE)
    # the page's typeface, at the sizes the figure asks for
    svg = svg.replace("font-family: 'DejaVu Sans', sans-serif", "font-family: var(--fig-font)")
    width = re.search(r'width="([\d.]+)pt"', svg).group(1)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace(
        "<svg",
        f'<svg role="img" aria-label="{label}" class="book-figure" style="width: {width}pt"',
        1,
    )


def inline_figures(app, doctree, docname):
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix == ".svg" and "jupyter_execute" in path.parts and path.exists():
            svg = themed(path.read_text(encoding="utf-8"), image.get("alt", ""))
            image.replace_self(nodes.raw("", svg, format="html"))


class BorrowedFigure(SphinxDirective):
    """A figure drawn by a notebook, for another page."""

    required_arguments = 2
    has_content = True

    def run(self):
        page, name = self.arguments
        path = Path(self.env.srcdir) / "_build" / "executed" / f"{page}.ipynb"
        if not path.exists():
            raise self.error(f"expected the name of a notebook; got {page}")
        for cell in nbformat.read(path, as_version=4).cells:
            drawn = cell.metadata.get("mystnb", {})
            if drawn.get("figure", {}).get("name") == name:
                svgs = [
                    output.data["image/svg+xml"]
                    for output in cell.outputs
                    if "image/svg+xml" in output.get("data", {})
                ]
                if not svgs or "image" not in drawn:
                    raise self.error(f"{name} of {page} is no SVG figure with an alt text")
                image = nodes.image(uri=self.file(svgs[0]), alt=drawn["image"]["alt"])
                figure = nodes.figure("", image)
                caption = nodes.caption()
                children, messages = self.state.inline_text("\n".join(self.content), self.lineno)
                caption += children
                figure += caption
                return [figure, *messages]
        raise self.error(f"{page} draws no figure named {name}")

    def file(self, svg: str) -> str:
        """Where the drawing lies as a file, from the root of the sources: beside the notebooks'."""
        folder = Path(self.env.app.outdir).parent / "jupyter_execute"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(svg.encode()).hexdigest()}.svg"
        path.write_text(svg, encoding="utf-8")
        return "/" + path.relative_to(self.env.srcdir).as_posix()


def setup(app):
    app.add_directive("borrowed-figure", BorrowedFigure)
    app.connect("doctree-resolved", inline_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
