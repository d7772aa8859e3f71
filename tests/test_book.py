"""The built book, as its readers meet it: in a browser, on a phone, in the dark, by keyboard."""

import copy
import functools
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import equations
import execute
import nbformat
import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from live_figures import bring_near

from lecture_lib.datasets import gaussian_cloud
from lecture_lib.exercises.source import exercises
from lecture_lib.figures import DirectionFigure

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [CONTENTS["root"]] + [
    chapter["file"] for part in CONTENTS["parts"] for chapter in part["chapters"]
]
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]


@functools.cache
def soup_of(page):
    path = HTML / f"{page}.html"
    assert path.exists(), f"{path} is missing: run `make book` first"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def live_figures(page):
    """How many live figures the page holds, whether or not a browser draws them."""
    return len(soup_of(page).select('script[type="application/vnd.jupyter.widget-view+json"]'))


@functools.cache
def names_in(path):
    return set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def address(serve):
    assert HTML.exists(), "run `make book` first"
    return serve(HTML)


def settle(page):
    """Wait until live figures are drawn and every section, near or far, is laid out."""
    page.add_style_tag(content="section { content-visibility: visible !important; }")
    bring_near(page)


# ── what can be read off the files ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", PAGES)
def test_every_numbered_equation_is_in_the_list_that_asks_for_tests(page):
    listed = [e for e in equations.equations() if f"notebooks/{e.page.stem}" == page]
    assert len(soup_of(page).select("article .eqno")) == len(listed)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_say_what_is_seen(page):
    article = soup_of(page).find("article")
    for image in article.find_all("img"):
        if image.find_parent("svg", class_="book-figure"):  # the drawing speaks for its parts
            assert image["alt"] == ""
            continue
        alt = image.get("alt", "")
        assert len(alt.split()) >= 5, f"{image.get('src', '')[:80]} has the alt text “{alt}”"
        assert not re.search(r"\.(png|svg|jpe?g)\b|/", alt)
    for drawing in article.find_all("svg", class_="book-figure"):
        assert len(drawing["aria-label"].split()) >= 5, f"alt text “{drawing['aria-label']}”"


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_every_drawn_figure_has_a_caption(page):
    for drawing in soup_of(page).find_all("svg", class_="book-figure"):
        caption = drawing.find_parent("figure").find("figcaption")
        assert len(caption.get_text().split()) >= 8


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_resolve(page):
    here = HTML / f"{page}.html"
    for link in soup_of(page).find_all("a", href=True):
        url = urlsplit(link["href"])
        if url.scheme or url.netloc:
            continue
        target = (here.parent / unquote(url.path)).resolve() if url.path else here
        assert target.exists(), f"{page} links to {link['href']}"
        if url.fragment and target.suffix == ".html":
            assert unquote(url.fragment) in names_in(target), f"{page} links to {link['href']}"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_fetched_from_elsewhere(page):
    soup = soup_of(page)
    fetched = [tag["src"] for tag in soup.find_all(src=True)]
    fetched += [tag["href"] for tag in soup.select("link[href]:not([rel=canonical])")]
    assert [url for url in fetched if urlsplit(url).scheme not in ("", "data")] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_mark_up_is_left_in_the_text(page):
    article = copy.copy(soup_of(page).find("article"))
    for code in article.find_all(["code", "pre", "script"]):
        code.decompose()
    text = article.get_text()
    assert not re.search(r"\{(glue|eq|doc|cite|ref)[:}]|:::|`", text)
    assert not re.search(r"\b(nan|inf)\b", text)


def test_glued_names_are_used_once():
    names = Counter()
    for source in execute.sources():
        notebook = nbformat.read(execute.executed(source), as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "scrapbook" in output.get("metadata", {}):
                    names[output.metadata.scrapbook.name] += 1
    assert names
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_a_page_leads_to_its_exercises(page):
    chapter = ".".join(Path(page).name.split("-")[:2])
    wanted = [e.anchor for e in exercises(chapter) if e.page == Path(page).name]
    links = [link["href"] for link in soup_of(page).find("article").find_all("a", href=True)]
    assert [anchor for anchor in wanted if not any(f"#exercise-{anchor}" in h for h in links)] == []


def test_every_notebook_is_in_the_table_of_contents():
    assert [f"notebooks/{source.stem}" for source in execute.sources()] == NOTEBOOKS


# ── what needs a browser ──────────────────────────────────────────────────────────────────────────


@pytest.mark.browser
@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("page", PAGES)
def test_page_is_whole_and_accessible(address, open_page, accessibility, page, width):
    tab = open_page(f"{address}/{page}.html", width=width)
    settle(tab)
    tab.add_style_tag(content="* { transition: none !important; }")  # colours half-way are no fault
    assert accessibility(tab) == []
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert accessibility(tab, "color-contrast") == [], "in the dark"
    assert tab.evaluate("document.documentElement.scrollWidth") <= width, "scrolls sideways"
    broken = tab.evaluate(
        "[...document.images].filter(i => i.complete && !i.naturalWidth && i.checkVisibility())"
        ".map(i => i.src)"
    )
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_mathematics_is_set_without_scripts(page):
    soup = soup_of(page)
    for formula in soup.select(".math"):
        assert formula.select_one("mjx-container > svg"), formula
        assert formula.select_one("mjx-assistive-mml > math"), formula
    shapes = {path["id"] for path in soup.select(".math-shapes path")}
    assert {use["href"][1:] for use in soup.select("mjx-container use")} == shapes
    assert not soup.select("script[src*='mathjax' i]")
    assert not re.search(r"\\\(|\\\[", soup.find("article").get_text())


@pytest.mark.browser
def test_search_finds_a_word_of_the_book(address, open_page, accessibility):
    tab = open_page(f"{address}/search.html?q=eigenvalue")
    tab.wait_for_selector("#search-results li a")
    found = tab.locator("#search-results li a").all_inner_texts()
    assert any("PCA" in title for title in found)
    assert accessibility(tab) == []


@pytest.mark.browser
@pytest.mark.parametrize("way", ["http", "file"])
def test_live_figure_moves_and_agrees_with_python(address, open_page, way):
    start = address if way == "http" else HTML.as_uri()
    tab = open_page(f"{start}/notebooks/11-2-2-two-views.html")
    settle(tab)
    figure = tab.locator(".live").first
    python = DirectionFigure(gaussian_cloud(n=20, seed=0))

    def agree():
        data = figure.evaluate("element => ({...element.dataset})")
        theta = float(data["theta"])
        # float64 on both sides: only the order of sums differs
        np.testing.assert_allclose(float(data["retained"]), python.retained(theta), rtol=1e-9)
        np.testing.assert_allclose(float(data["error"]), python.error(theta), rtol=1e-9)
        return theta

    before = agree()
    slider = figure.locator("input[type=range]").first
    slider.focus()
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
    assert agree() == before + 5

    handle = figure.locator(".live-handle").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 60, box["y"] + 90, steps=4)
    tab.mouse.up()
    assert agree() != before + 5

    figure.get_by_role("button", name="Best direction").click()
    np.testing.assert_allclose(agree(), python.best_angle, atol=1e-6)


@pytest.mark.browser
@pytest.mark.parametrize("page", NOTEBOOKS)
def test_every_live_figure_is_drawn_and_answers_the_keyboard(address, open_page, page):
    tab = open_page(f"{address}/{page}.html")
    settle(tab)
    assert tab.locator(".live-mount.live, .live-mount .live").count() == live_figures(page)
    for figure in tab.locator(".live").all():
        for slider in figure.locator("input[type=range]").all():
            before = slider.input_value()
            slider.focus()
            key = "ArrowLeft" if before == slider.get_attribute("max") else "ArrowRight"
            tab.keyboard.press(key)
            assert slider.input_value() != before


@pytest.mark.browser
@pytest.mark.parametrize("page", NOTEBOOKS)
def test_without_scripts_a_picture_stands_for_each_live_figure(address, open_page, page):
    tab = open_page(f"{address}/{page}.html", scripts=False)
    pictures = tab.locator(".live-slot img.live-still")
    assert pictures.count() == live_figures(page)
    for picture in pictures.all():
        assert picture.is_visible()
        assert len(picture.get_attribute("alt").split()) >= 5


@pytest.mark.browser
def test_the_theme_button_changes_the_figures_with_the_page(address, open_page):
    tab = open_page(f"{address}/notebooks/11-2-1-pca-derived.html")
    settle(tab)
    ink = "getComputedStyle(document.querySelector('svg.book-figure text')).fill"
    light = tab.evaluate(ink)
    while tab.evaluate("document.documentElement.dataset.theme") == "light":
        tab.locator("button.theme-switch-button:visible").first.click()
    assert tab.evaluate(ink) != light
