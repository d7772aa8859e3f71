"""A figure that stands in a page follows its theme, and keeps to itself."""

import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from figures_inline import COLOURS, themed
from matplotlib.colors import to_hex

from lecture_lib import plotting


@pytest.fixture
def svg():
    with plt.rc_context():
        plotting.use_style()
        fig, ax = plt.subplots()
        ax.plot([0, 1], [0, 1], color=plotting.ORANGE, label="a <b>")
        plotting.plane(ax, [[0, 1], [1, 0]])
        ax.legend()
        text = StringIO()
        fig.savefig(text, format="svg")
        plt.close(fig)
    return text.getvalue()


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
