"""A page as the browser prints it."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from test_book import HTML, settle

pytestmark = pytest.mark.browser
PAPER = {"width": 660, "height": 990}  # A4 within its margins, in CSS pixels


@pytest.fixture(scope="module")
def address(serve):
    assert HTML.exists(), "run `make book` first"
    return serve(HTML)


@pytest.fixture
def printed(address, open_page):
    """Return a function that opens a page as it is laid out for paper."""

    def printed(name, **options):
        page = open_page(f"{address}/{name}.html", **PAPER, **options)
        settle(page)
        page.emulate_media(media="print")
        return page

    return printed


def seen(page, selector):
    return page.locator(f"{selector} >> visible=true").count()


def colours(page, locator):
    """The distinct colours, as rows of red, green and blue, and how many pixels have each."""
    picture = np.array(Image.open(BytesIO(locator.screenshot())).convert("RGB"))
    return np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["book/index", "book/exercises-11-2", "notebooks/11-4-2-elbo"])
def test_only_the_text_is_printed(printed, name, theme):
    page = printed(name, theme=theme)
    assert (
        seen(page, "button, input, nav, footer, dialog, summary, .headerlink, .prev-next-area") == 0
    )
    assert seen(page, "#pst-primary-sidebar, #pst-secondary-sidebar, #jb-print-docs-body") == 0
    assert seen(page, "article h1") == 1
    left = page.locator("article").bounding_box()
    assert (left["x"], left["width"]) == (0, PAPER["width"])


@pytest.mark.parametrize("name", ["notebooks/11-4-2-elbo", "book/solutions-11-1", "book/notation"])
def test_paper_is_white_and_ink_dark(printed, name):
    page = printed(name, theme="dark")
    page.add_style_tag(content="article img { visibility: hidden; }")  # a still is what it is
    values, counts = colours(page, page.locator("body"))
    brightness = values.mean(axis=1)
    assert tuple(values[counts.argmax()]) == (255, 255, 255)
    assert counts[brightness > 200].sum() > 0.85 * counts.sum()
    text = page.locator("article").evaluate(
        """article => [...article.querySelectorAll("p, li, h1, h2, pre, pre span, td, dt, a")]
            .map(element => getComputedStyle(element).color)"""
    )
    assert len(text) > 20
    channels = [[int(n) for n in re.findall(r"\d+", colour)[:3]] for colour in set(text)]
    assert max(map(max, channels)) < 140


def test_pictures_that_wait_for_the_reader_are_on_paper(address, open_page):
    page = open_page(f"{address}/notebooks/11-4-10-manifolds-and-samples.html", **PAPER)
    page.pdf()  # from its top: nobody has come near the pictures
    loaded = page.evaluate(
        """[...document.querySelectorAll("svg.book-figure img")]
            .map(picture => picture.complete && picture.naturalWidth > 0)"""
    )
    assert len(loaded) > 3
    assert all(loaded)


def test_a_table_ends_where_the_paper_does(printed):
    page = printed("book/notation")
    cells = page.locator("#notation td").evaluate_all(
        "cells => cells.map(cell => cell.getBoundingClientRect().right)"
    )
    assert max(cells) <= PAPER["width"]


def test_figures_have_the_colours_of_paper(printed):
    name = "notebooks/11-1-1-learning-problems"
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--fig-ink')"
    dark, light = printed(name, theme="dark"), printed(name)
    assert dark.evaluate(ink) == light.evaluate(ink)
    assert dark.locator("svg.book-figure").first.screenshot() == (
        light.locator("svg.book-figure").first.screenshot()
    )


def test_live_figures_are_printed_as_pictures(printed):
    page = printed("notebooks/11-3-3-training-films", theme="dark")
    figures = page.locator(".live-slot").count()
    assert figures == 4
    assert seen(page, ".live-mount") == 0
    assert seen(page, ".live-print") == figures
    values, counts = colours(page, page.locator(".live-print").first)
    assert tuple(values[counts.argmax()]) == (255, 255, 255)


def test_what_is_closed_stays_closed_and_what_is_open_is_printed(printed):
    page = printed("notebooks/11-4-2-elbo")
    assert seen(page, "details pre") == 0
    page.evaluate("document.querySelector('article details').open = true")
    assert seen(page, "details pre") == 1
    assert seen(page, "summary") == 0
    page = printed("book/solutions-11-1")
    assert page.locator("article details").count() > 0
    assert seen(page, "details") == 0


def test_exercises_are_printed_without_ways_to_their_solutions(printed):
    page = printed("book/exercises-11-1")
    assert page.locator("a[href*='#solution-']").count() == 9
    assert seen(page, "a[href*='#solution-']") == 0


@pytest.mark.parametrize(
    "name", ["notebooks/11-4-8-importance-weights", "notebooks/11-2-1-pca-derived", "book/notation"]
)
def test_nothing_sticks_out_or_is_cut_off(printed, name):
    page = printed(name)
    too_wide = page.locator("article").evaluate(
        """(article, width) => {
            const out = (e) => e.getBoundingClientRect().right > width + 1;
            const scrolls = (e) => getComputedStyle(e).overflowX !== "visible";
            const cut = (e) => e.clientWidth && scrolls(e) && e.scrollWidth > e.clientWidth + 1;
            const all = "pre, .math, mjx-container, svg, img, table, .eqno, figure, p, code";
            return [...article.querySelectorAll(all)]
                .filter(e => e.checkVisibility() && !e.closest("mjx-assistive-mml, defs"))
                .filter(e => out(e) || cut(e))
                .map(e => `${e.tagName}: ${e.textContent.slice(0, 60)}`);
        }""",
        PAPER["width"],
    )
    assert too_wide == []


def test_mathematics_is_there_to_the_last_page(printed):
    page = printed("notebooks/11-4-2-elbo")
    widths = page.locator("article .math").evaluate_all(
        """formulas => formulas.map(f =>
            f.querySelector("mjx-container, svg")?.getBoundingClientRect().width ?? 0)"""
    )
    assert len(widths) > 100
    assert min(widths) > 3


def test_a_page_can_be_printed(printed):
    page = printed("book/exercises-11-1", theme="dark")
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))
    assert 4 <= sheets <= 9
