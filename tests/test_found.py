"""What search engines and previews are told of a page is what stands on it."""

import html
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import found
import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from mathematics import Typesetter
from PIL import Image
from test_book import HTML, PAGES

ROOT = Path(__file__).resolve().parent.parent
TITLE = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]


def opening(*children):
    document = nodes.section()
    document += nodes.paragraph("", "", *children)
    return document


@pytest.fixture
def app(tmp_path):
    return SimpleNamespace(typesetter=Typesetter({}, tmp_path / "formulas.json"))


def test_a_description_is_whole_sentences_with_formulas_as_read(app):
    text = opening(
        nodes.Text("How large is "),
        nodes.math("", r"\log p(x)"),
        nodes.Text("? It is\nhard. "),
        nodes.Text("word " * 40 + "end."),
    )
    assert found.description(text, app) == "How large is log p(x)? It is hard."


def test_a_long_first_sentence_is_kept_whole(app):
    sentence = "word " * 60 + "end."
    assert found.description(opening(nodes.Text(sentence)), app) == sentence


@pytest.mark.parametrize("page", PAGES)
def test_the_description_stands_on_the_page(page):
    soup = BeautifulSoup((HTML / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    about = soup.select_one("meta[name=description]")["content"]
    assert 20 <= len(about) <= 300
    paragraph = soup.select_one("article p")
    for drawing in paragraph.select("svg"):
        drawing.decompose()
    bare = re.compile(r"[\s\u2061\u2212-]")  # numbers are pasted with a true minus sign
    assert bare.sub("", html.unescape(about)) in bare.sub("", paragraph.get_text())
    assert soup.select_one("meta[property='og:title']")["content"] in soup.title.get_text()
    assert soup.select_one("meta[property='og:site_name']")["content"] == TITLE
    assert soup.select_one("link[rel=icon]")


def test_the_page_of_results_says_what_it_is():
    soup = BeautifulSoup((HTML / "search.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.select_one("meta[name=description]")["content"] == f"Search the pages of {TITLE}."


def finish(tmp_path, monkeypatch, site):
    monkeypatch.setattr(found.address, "site", lambda: site)
    (tmp_path / "_static").mkdir()
    app = SimpleNamespace(
        outdir=tmp_path,
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(found_docs={"book/b", "a"}),
        config=SimpleNamespace(html_title="A & B", root_doc="book/b"),
        front='<meta name="description" content="What it is.">',
    )
    found.finish(app, None)


def test_with_an_address_every_page_is_listed_and_a_card_is_drawn(tmp_path, monkeypatch):
    finish(tmp_path, monkeypatch, "https://owner.github.io/name/")
    places = [
        place.text
        for place in ElementTree.parse(tmp_path / "sitemap.xml").iter()
        if place.tag.endswith("loc")
    ]
    assert places == [f"https://owner.github.io/name/{p}.html" for p in ("a", "book/b")]
    with Image.open(tmp_path / found.CARD) as card:
        assert card.size == (1200, 630)


def test_crawlers_are_told_where_they_look(tmp_path, monkeypatch):
    monkeypatch.setattr(found, "draw_card", lambda path: None)
    finish(tmp_path, monkeypatch, "https://owner.github.io/")
    assert "https://owner.github.io/sitemap.xml" in (tmp_path / "robots.txt").read_text()


def test_without_an_address_nothing_points_to_one(tmp_path, monkeypatch):
    finish(tmp_path, monkeypatch, None)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["index.html"]


def test_the_way_in_leads_on_and_says_what_it_is(tmp_path, monkeypatch):
    finish(tmp_path, monkeypatch, None)
    soup = BeautifulSoup((tmp_path / "index.html").read_text(), "html.parser")
    assert soup.title.get_text() == "A & B"
    assert soup.find("meta", {"http-equiv": "refresh"})["content"] == "0; url=book/b.html"
    assert soup.a["href"] == "book/b.html"
    assert soup.find("meta", {"name": "description"})["content"] == "What it is."


@pytest.mark.parametrize("site", [None, "https://owner.github.io/name/"])
def test_a_page_names_its_address_only_where_it_is_known(app, monkeypatch, site):
    monkeypatch.setattr(found.address, "site", lambda: site)
    app.config = SimpleNamespace(html_title="The book", root_doc="notebooks/one")
    context = {"title": "A &amp; <em>B</em>"}
    found.describe(app, "notebooks/one", "page.html", context, opening(nodes.Text("One & two.")))
    tags = context["metatags"]
    assert app.front == tags
    assert 'content="One &amp; two."' in tags
    assert 'content="A &amp; B"' in tags
    assert ("canonical" in tags) == ("og:image" in tags) == (site is not None)
    if site:
        assert f'<link rel="canonical" href="{site}notebooks/one.html" />' in tags
