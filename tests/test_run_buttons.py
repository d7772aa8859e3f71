"""Above a page that runs code stand links to run it and its notebook; elsewhere no such thing."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import run_buttons
from address import Repository, repository
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError
from test_book import HTML, PAGES

ROOT = Path(__file__).parent.parent
RUNS = [p for p in PAGES if p.startswith(("notebooks/", "book/exercises-"))]
EXAMPLE = "https://github.com/OWNER/NAME"
CONFIG = f"""\
import sys
sys.path[:0] = [{str(ROOT / "book" / "_ext")!r}, {str(ROOT / "tools")!r}]
extensions = ["run_buttons"]
html_theme = "sphinx_book_theme"
html_static_path = [{str(ROOT / "book" / "_static" / "book.css")!r}]
html_css_files = ["book.css"]
html_context = {{"default_mode": "auto"}}
html_theme_options = {{"extra_footer": "<p>A line that is there anyway.</p>"}}
"""


# ── the built book ────────────────────────────────────────────────────────────────────────────────


def header(path):
    assert path.exists(), f"{path} is missing: run `make book` first"
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return soup.select_one(".article-header-buttons")


@pytest.mark.parametrize("page", RUNS)
def test_a_page_that_runs_code_offers_its_notebook(page):
    buttons = header(HTML / f"{page}.html")
    (link,) = buttons.select("a.btn-download-notebook-button")
    assert link["href"] == f"{Path(page).name}.ipynb"
    offered = HTML / f"{page}.ipynb"
    nbformat.validate(nbformat.read(offered, as_version=4))
    assert offered.read_bytes() == (run_buttons.NOTEBOOKS / offered.name).read_bytes()
    assert not buttons.select("a.btn-download-source-button")


@pytest.mark.parametrize("page", PAGES)
def test_links_to_services_are_where_they_lead_somewhere(page):
    links = [link["href"] for link in header(HTML / f"{page}.html").select("a.btn-run-on-service")]
    published, stem = repository(), Path(page).name
    if published and page in RUNS:
        assert links == [published.binder(stem), published.colab(stem)]
    else:
        assert links == []


@pytest.mark.parametrize("page", sorted(set(PAGES) - set(RUNS)))
def test_prose_is_no_notebook(page):
    assert not header(HTML / f"{page}.html").select("a.btn-download-notebook-button")
    assert not (HTML / f"{page}.ipynb").exists()


# ── a page of its own, with an address ────────────────────────────────────────────────────────────


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Return a function that renders pages as the book does, and returns their folder."""

    def build(*pages, address=EXAMPLE):
        monkeypatch.setenv("LECTURE_REPOSITORY", address)
        monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
        source, html = tmp_path / "source", tmp_path / "html"
        for page in pages:
            path = source / f"{page}.rst"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("A title\n=======\n\nText.\n", encoding="utf-8")
        contents = "\n   ".join(pages)
        (source / "index.rst").write_text(f"A book\n======\n\n.. toctree::\n\n   {contents}\n")
        (source / "conf.py").write_text(CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "sphinx", "-q", str(source), str(html)]
        made = subprocess.run(command, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        return html

    return build


@pytest.mark.browser
def test_the_links_with_an_address(build, open_page, accessibility):
    html = build("notebooks/11-2-3-digits", "book/exercises-11-2", "book/notation")
    for page in ("notebooks/11-2-3-digits", "book/exercises-11-2"):
        links = header(html / f"{page}.html").select("a.btn-run-on-service")
        published = Repository("OWNER", "NAME")
        stem = Path(page).name
        assert [link["href"] for link in links] == [published.binder(stem), published.colab(stem)]
        assert [" ".join(link.text.split()) for link in links] == ["Run on Binder", "Run on Colab"]
    prose = html / "book" / "notation.html"
    assert not header(prose).select("a.btn-run-on-service")
    assert f'<a href="{EXAMPLE}">' in prose.read_text(encoding="utf-8")
    for theme in ("light", "dark"):
        for width in (1300, 360):
            address = (html / "notebooks" / "11-2-3-digits.html").as_uri()
            page = open_page(address, width=width, theme=theme)
            assert [p for p in accessibility(page) if "btn-run-on-service" in p] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            for name in ("Run on Binder", "Run on Colab"):
                link = page.get_by_role("link", name=name)
                box = link.bounding_box()
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
                assert box["height"] >= 24
                link.focus()
                assert link.evaluate("e => e.matches(':focus-visible')")


def test_without_an_address_nothing_leads_nowhere(build):
    html = build("notebooks/11-2-3-digits", address="")
    page = html / "notebooks" / "11-2-3-digits.html"
    assert not header(page).select("a.btn-run-on-service")
    assert header(page).select("a.btn-download-notebook-button")
    assert "on GitHub" not in page.read_text(encoding="utf-8")


def test_a_page_without_its_notebook_stops_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(run_buttons, "NOTEBOOKS", tmp_path)
    with pytest.raises(ExtensionError, match="run `make book`"):
        run_buttons.add_buttons(None, "notebooks/11-2-3-digits", "page.html", {}, None)
