"""A figure that stands in a page follows its theme, and keeps to itself."""

import base64
import re
from io import BytesIO, StringIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figures_inline import COLOURS, PICTURE, themed, with_joined_pictures
from matplotlib.colors import to_hex
from PIL import Image

from lecture_lib import plotting


@pytest.fixture
def svg():
    with plt.rc_context():
        plotting.use_style()
        fig, ax = plt.subplots()
        ax.plot([0, 1], [0, 1], color=plotting.ORANGE, label="a <b>")
        plotting.plane(ax, [[0, 1], [1, 0]])
        ax.legend()
        return drawn(fig)


def test_every_colour_of_the_palette_becomes_a_variable(svg):
    page = themed(svg, "a line")
    assert "var(--fig-orange)" in page
    assert "var(--fig-blue)" in page
    for colour in COLOURS:
        assert colour not in page.lower()


def test_text_has_the_typeface_of_the_page(svg):
    assert "font-family: 'DejaVu Sans', sans-serif" in svg
    page = themed(svg, "a line")
    assert "DejaVu Sans', sans-serif" not in page
    assert "font-family: var(--fig-font)" in page
    assert "<metadata" not in page


def test_names_do_not_meet_those_of_another_figure(svg):
    first, second = themed(svg, "one"), themed(svg.replace("a &lt;b", "c"), "two")
    names = [set(re.findall(r'\bid="([^"]+)"', page)) for page in (first, second)]
    assert names[0]
    assert not names[0] & names[1]
    for page, known in zip((first, second), names, strict=True):
        used = re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', page)
        assert set(used) <= known


def test_it_is_well_formed_and_says_what_is_seen(svg):
    page = themed(svg, 'a "steep" line & its <mark>')
    root = ElementTree.fromstring(page)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'a "steep" line & its <mark>'
    assert not root.findall(".//{http://www.w3.org/2000/svg}style")


def drawn(fig) -> str:
    text = StringIO()
    fig.savefig(text, format="svg")
    plt.close(fig)
    return text.getvalue()


def pixels(data: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("RGBA"))


@pytest.fixture
def grid():
    images = np.random.default_rng(0).uniform(size=(7, 64))
    with plt.rc_context():
        plotting.use_style()
        fig = plotting.image_grid(
            images, (8, 8), columns=3, titles=["one"], row_labels=["a", "b", "c"]
        )
        return drawn(fig)


def test_a_grid_of_pictures_becomes_one_with_the_same_pixels_in_the_same_places(grid):
    parts = list(PICTURE.finditer(grid))
    assert len(parts) == 7
    page = with_joined_pictures(grid)
    assert page.count("<image") == 1
    ElementTree.fromstring(page)
    for label in ("one", "a", "b", "c"):
        assert f">{label}</text>" in page
    whole = re.search(r'base64,([^"]+)" x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)"', page)
    seen = pixels(whole[1])
    left, top, width, height = map(float, whole.groups()[1:])
    pixel = width / seen.shape[1]
    assert height / seen.shape[0] == pytest.approx(pixel)
    for part in parts:
        picture = pixels(part["png"])[::-1]  # what matplotlib writes is turned over when drawn
        x, y = round((float(part["x"]) - left) / pixel), round((-float(part["y"]) - top) / pixel)
        assert np.array_equal(seen[y : y + len(picture), x : x + picture.shape[1]], picture)
        assert left + x * pixel == pytest.approx(float(part["x"]), abs=0.01)
        assert top + y * pixel == pytest.approx(-float(part["y"]), abs=0.01)


def test_pictures_with_a_line_between_them_stay_apart(grid):
    second = list(PICTURE.finditer(grid))[1].start()
    lined = grid[:second] + '<path d="M 0 0 L 9 9"/>' + grid[second:]
    page = with_joined_pictures(lined)
    assert page.count("<image") == 2
    assert page.index("<image") < page.index('d="M 0 0 L 9 9"') < page.rindex("<image")


def test_pictures_off_the_grid_of_the_first_stay_as_they_are(grid):
    last = list(PICTURE.finditer(grid))[-1]["x"]
    moved = grid.replace(f'x="{last}"', f'x="{float(last) + 0.3}"')
    assert with_joined_pictures(moved) == moved


def test_the_style_file_and_the_palette_agree():
    # The colours stand twice, since a style file cannot import.
    palette = {to_hex(getattr(plotting, name)) for name in ("BLUE", "ORANGE", "TEAL", "PURPLE")}
    with plt.rc_context():
        plotting.use_style()
        assert {to_hex(c) for c in plt.rcParams["axes.prop_cycle"].by_key()["color"]} == palette
        assert to_hex(plt.rcParams["text.color"]) == plotting.INK
        assert to_hex(plt.rcParams["axes.edgecolor"]) == plotting.MUTED
        assert to_hex(plt.rcParams["grid.color"]) == plotting.GRID


def test_the_page_defines_each_variable_for_light_and_dark():
    style = (Path(__file__).parent.parent / "book" / "_static" / "book.css").read_text()
    for variable in COLOURS.values():
        name = variable.removeprefix("var(").removesuffix(")")
        assert style.count(f"{name}:") == 2
