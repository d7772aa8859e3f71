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


@pytest.mark.parametrize("thing", ['<path d="M 0 0"/>', '<use xlink:href="#m"/>', "<image/>"])
def test_pictures_with_anything_but_text_between_them_stay_apart(grid, thing):
    third = list(PICTURE.finditer(grid))[2].start()
    page = with_joined_pictures(grid[:third] + thing + grid[third:])
    first, last = (page.index("base64,"), page.rindex("base64,"))
    assert first < page.index(thing) < last
    assert page.count("base64,") == 2


def changed(grid: str, number: int, what: str, by: float) -> str:
    """The drawing with one measure of one picture changed."""
    start, end = list(PICTURE.finditer(grid))[number].span(what)
    return grid[:start] + str(float(grid[start:end]) + by) + grid[end:]


@pytest.mark.parametrize("what", ["x", "y", "width"])
def test_pictures_that_share_no_grid_of_pixels_stay_as_they_are(grid, what):
    pixel = 0.72  # points; a tenth of it is a tenth of a pixel
    assert with_joined_pictures(changed(grid, 4, what, 1e-5 * pixel)).count("<image") == 1
    moved = changed(grid, 4, what, 0.1 * pixel)
    assert with_joined_pictures(moved) == moved


def test_where_pictures_overlap_the_later_shows_through_as_it_did(grid):
    parts = list(PICTURE.finditer(grid))
    below = pixels(parts[0]["png"])[::-1]
    above = below.copy()
    above[..., 3] = 128
    file = BytesIO()
    Image.fromarray(above[::-1]).save(file, "png")
    half = base64.b64encode(file.getvalue()).decode()
    one = parts[0][0].replace(parts[0]["png"], half)
    page = with_joined_pictures(grid[: parts[0].end()] + one + grid[parts[0].end() :])
    assert page.count("<image") == 1
    seen = pixels(re.search('base64,([^"]+)', page)[1])[: len(below), : below.shape[1]]
    # a picture under half of itself looks as it did
    assert np.abs(seen.astype(int) - below).max() <= 1


def test_a_picture_cut_to_another_shape_than_its_axes_stays_as_it_is(grid):
    clip = list(PICTURE.finditer(grid))[3]["clip"]
    rect = re.search(rf'<clipPath id="{clip}">\s*(<rect [^>]+/>)', grid)[1]
    page = with_joined_pictures(grid.replace(rect, '<circle r="9"/>'))
    assert page.count("<image") == 3  # those before it, itself, those after it
    assert f"url(#{clip})" in page


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
