"""The zip of the book, unpacked and opened by double-click, with no network."""

import re
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import offline
import pytest

pytestmark = pytest.mark.browser
FIGURE = "notebooks/11-2-2-two-views.html"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The unpacked book, in a folder with spaces and other letters in its name."""
    folder = tmp_path_factory.mktemp("zip")
    offline.pack(offline.HTML, folder / "book.zip")
    home = folder / "Été à la plage, 東京"
    with ZipFile(folder / "book.zip") as archive:
        archive.extractall(home)
    assert [path.name for path in home.iterdir()] == ["autoencoders"]
    return home / "autoencoders"


@pytest.fixture
def opened(book, open_page):
    """Return a function that opens a file of the book, and check what was asked for."""
    addresses = []

    def opened(name, **options):
        page = open_page("about:blank", **options)
        page.on("request", lambda request: addresses.append(request.url))
        page.goto((book / name).as_uri())
        return page

    yield opened
    assert addresses
    home = book.as_uri()
    elsewhere = [url for url in addresses if not url.startswith((home, "blob:", "data:"))]
    assert elsewhere == []


def test_the_same_pages_give_the_same_bytes(tmp_path):
    for name in "ab":
        offline.pack(offline.HTML, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_without_pages_it_says_what_to_do(tmp_path):
    with pytest.raises(SystemExit, match="make book"):
        offline.pack(tmp_path, tmp_path / "book.zip")


def test_all_that_a_page_names_is_there(book):
    for page in book.rglob("*.html"):
        for address in re.findall(r'<[^>]* (?:href|src)="([^"]*)"', page.read_text("utf-8")):
            url = urlsplit(address)
            if url.scheme in ("http", "https", "data", "mailto") or not url.path:
                continue
            assert not url.path.startswith("/"), f"{page.name} names {address}"
            assert (page.parent / unquote(url.path)).exists(), f"{page.name} names {address}"


def test_what_a_style_sheet_names_is_there(book):
    for sheet in book.rglob("*.css"):
        for address in re.findall(r"url\(['\"]?([^'\")]+)", sheet.read_text("utf-8")):
            if not address.startswith(("data:", "#")) and not address.endswith(".ttf"):
                path = unquote(urlsplit(address).path)
                assert (sheet.parent / path).exists(), f"{sheet.name} names {address}"


def test_the_first_page_opens_and_leads_on(opened, book):
    page = opened("index.html")
    page.wait_for_url("**/book/index.html")
    page.locator("article a", has_text="11.2.1 PCA, derived").click()
    page.wait_for_url("**/11-2-1-pca-derived.html")
    page.locator(".right-next").click()
    page.wait_for_url("**/11-2-2-two-views.html")


def test_mathematics_is_set_down_to_the_end_of_the_page(opened):
    page = opened("notebooks/11-4-2-elbo.html")
    page.wait_for_function(
        """() => {
            const formulas = [...document.querySelectorAll("article .math")];
            const set = (f) => f.querySelector("mjx-container, svg")?.getBoundingClientRect().width;
            return formulas.length > 100 && formulas.every(set);
        }"""
    )
    assert r"\(" not in page.locator("article").inner_text()


def test_search_finds_pages_and_ends(opened):
    page = opened("book/index.html")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input[name=q]").fill("eigenvalue")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=eigenvalue*")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    page.wait_for_function("!/Searching|Preparing/.test(document.querySelector('main').innerText)")
    assert results.count() >= 5
    results.first.click()
    page.wait_for_url("**/autoencoders/*/*.html*")
    assert "eigenvalue" in page.locator("article").inner_text().lower()


def test_a_live_figure_moves_by_keyboard(opened):
    page = opened(FIGURE)
    figure = page.locator(".live").first
    figure.wait_for()
    before = figure.evaluate("element => JSON.stringify({...element.dataset})")
    figure.locator("[role=slider], input[type=range]").first.press("ArrowRight")
    page.wait_for_function(
        "before => JSON.stringify({...document.querySelector('.live').dataset}) !== before",
        arg=before,
    )


def test_dark_stays_dark(opened, book):
    page = opened("book/index.html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for _ in range(3):  # light, dark, as the system has it
        if page.evaluate("document.documentElement.dataset.mode") != "dark":
            page.locator(".theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto((book / FIGURE).as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(background) != light


def test_an_exercise_leads_to_its_solution_and_its_notebook(opened):
    page = opened("book/exercises-11-1.html")
    page.locator("article a.download").first.click()
    page.wait_for_url(
        "**/exercises-11-1.ipynb"
    )  # Chromium shows a file where it would save a page's
    assert '"nbformat"' in page.locator("body").inner_text()
    page.go_back()
    page.locator("article a", has_text="Solution 2").click()
    page.wait_for_url("**/solutions-11-1.html#*")
    target = unquote(urlsplit(page.url).fragment)
    assert page.locator(f"[id='{target}']").count() == 1
