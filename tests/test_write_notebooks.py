"""Each page as a notebook: complete, readable in any program, with the book's own numbers."""

import re
from pathlib import Path

import execute
import nbformat
import pytest
import write_notebooks as tool
from address import Repository
from bs4 import BeautifulSoup
from IPython.core.interactiveshell import InteractiveShell
from plain_markdown import Page, macros, numbered, references

from lecture_lib.exercises.source import CHAPTERS

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
PUBLISHED = Repository("OWNER", "NAME", "0123abc")
SITE = "https://owner.github.io/NAME/"
each_page = pytest.mark.parametrize("source", execute.sources(), ids=lambda source: source.stem)


def notebook(source, published=None, glued=None):
    return tool.page_notebook(source, published, glued or {})


def words_of(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def glued_now(source):
    """What the page's present code has found; `make book` runs it."""
    glued = tool.glued_by(source, execute.environment_fingerprint())
    if not glued and "{glue:text}" in source.read_text(encoding="utf-8"):
        pytest.skip("the page has not been run since it changed: `make book`")
    return glued


def article(source):
    path = HTML / "notebooks" / f"{source.stem}.html"
    assert path.exists(), f"{path} is missing: run `make book` first"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")


# ── what is in them ───────────────────────────────────────────────────────────────────────────────


@each_page
def test_the_code_is_that_of_the_page_after_the_cell_that_installs(source):
    made = notebook(source)
    nbformat.validate(made)
    install, *codes = execute.code_of(made)
    assert 'find_spec("lecture_lib")' in install
    assert codes == execute.code_of(execute.read_source(source))
    assert not any(cell.get("outputs") for cell in made.cells)
    assert made == notebook(source), "two builds make the same notebook"


@each_page
@pytest.mark.parametrize("published", [None, PUBLISHED], ids=["no address", "address"])
def test_no_mark_up_of_the_book_is_left(source, published):
    words = words_of(notebook(source, published))
    assert not re.search(r"\{[a-z:-]+\}`|:::|^\([\w-]+\)=|\$\$ \(", words, re.MULTILINE)
    unknown = {rf"\{name}" for name in macros()} & set(re.findall(r"\\[A-Za-z]+", words))
    assert unknown == set()


@each_page
def test_links_lead_to_notebooks_that_exist(source):
    links = re.findall(r"\]\(([^)]+)\)", words_of(notebook(source)))
    local = {link for link in links if not link.startswith("https://")}
    known = {f"{page.stem}.ipynb" for page in execute.sources()}
    known |= {f"{tool.stem_of(chapter)}.ipynb" for chapter in CHAPTERS}
    assert local <= known


@each_page
def test_links_lead_to_the_published_pages_where_there_are_some(source):
    links = re.findall(r"\]\(([^)]+)\)", words_of(notebook(source, PUBLISHED)))
    assert all(link.startswith("https://") for link in links)
    assert HTML.exists(), "run `make book` first"
    for link in links:
        if link.startswith(SITE) and link != SITE:
            path, _, anchor = link.removeprefix(SITE).partition("#")
            assert (HTML / path).exists()
            assert f'id="{anchor}"' in (HTML / path).read_text(encoding="utf-8") or not anchor


@each_page
def test_equations_and_figures_have_the_numbers_of_the_page(source):
    shown, words = article(source), words_of(notebook(source))
    tags = re.findall(r"^\\tag\{(\d+)\}$", words, re.MULTILINE)
    assert tags == [tag.get_text().strip("()#\n") for tag in shown.select(".eqno")]
    captions = re.findall(r"^\*\*(Fig\. \d+)\*\*", words, re.MULTILINE)
    assert captions == [label.get_text().strip() for label in shown.select(".caption-number")]


@each_page
def test_references_have_the_numbers_of_the_page(source):
    shown, words = article(source), words_of(notebook(source))
    text = source.read_text(encoding="utf-8")
    for label in re.findall(r"\{eq\}`([\w-]+)`", text):
        number, _ = numbered()[label]
        assert f"({number})" in words
        assert shown.find("a", string=f"({number})", href=re.compile(f"#equation-{label}$"))


@each_page
def test_sentences_have_the_numbers_of_the_page(source):
    glued, text = glued_now(source), source.read_text(encoding="utf-8")
    page = Page(source, glued=glued)
    pasted = [page.plain(role) for role in re.findall(r"\{glue:text\}`[^`]+`", text)]
    shown = [span.get_text() for span in article(source).select(".pasted-text")]
    assert pasted == [text.replace("’", "'") for text in shown]  # Sphinx curls them


@each_page
def test_without_a_run_the_sentences_have_names(source):
    words = words_of(notebook(source))
    for name in re.findall(r"\{glue:text\}`([^`:]+)", source.read_text(encoding="utf-8")):
        assert f"`{name}`" in words


@each_page
def test_the_opening_says_whose_numbers_these_are(source):
    glued = glued_now(source)
    title, said = notebook(source, glued=glued).cells[0].source.split("\n\n")[:2]
    assert title.startswith("# 11.")
    assert ("the book's own run" in said) == bool(glued)
    _, said = notebook(source, PUBLISHED).cells[0].source.split("\n\n")[:2]
    assert f"[Autoencoders]({SITE})" in said
    assert "such as `" in said or not glued


# ── each piece of mark-up ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        (
            "{doc}`the derivation\n<11-2-1-pca-derived>`",
            "[the derivation](11-2-1-pca-derived.ipynb)",
        ),
        ("{doc}`11-2-1-pca-derived`", "[11.2.1 PCA, derived](11-2-1-pca-derived.ipynb)"),
        ("{doc}`**bold** <11-2-1-pca-derived>`", "[**bold**](11-2-1-pca-derived.ipynb)"),
        ("{doc}`where it slips <../book/errata>`", "“where it slips” (in the book)"),
        (
            "{cite:p}`tipping1999`",
            "([Tipping and Bishop, 1999](https://doi.org/10.1111/1467-9868.00196))",
        ),
        ("{cite:t}`bishop2006`", "Bishop (2006)"),
        ("a {glue:text}`share:.0%`, {glue:text}`low:.1f`", "a 25%, −3.0"),
        ("{glue:text}`unknown:.1f`", "`unknown`"),
        (r"$\x_i \in \R^D$", r"$\mathbf{x}_i \in \mathbb{R}^D$"),
        (
            ":::{note}\nOne line, $a\n= b$.\n\nAnother.\n:::",
            "> **Note**\n>\n> One line, $a = b$.\n>\n> Another.",
        ),
        (":::{admonition} A title\n:class: dropdown\n\nText.\n:::", "> **A title**\n>\n> Text."),
    ],
)
def test_mark_up_becomes_plain(myst, plain):
    page = Page(execute.sources()[5], glued={"share": 0.25, "low": -3})
    assert page.plain(myst) == plain


@pytest.mark.parametrize(
    "unknown", ["{ref}`x`", ":::{tip}\nText.\n:::", "(label)=\n# Title", "$$ (eq-x)"]
)
def test_mark_up_that_is_not_known_is_refused(unknown):
    with pytest.raises(ValueError, match=r"(?s)11-1-1.*expected .* got .* write it in another"):
        Page(execute.sources()[0]).plain(f"Text.\n\n{unknown}")


def test_names_in_the_bibliography():
    assert references()["bourlard1988"].authors == "Bourlard and Kamp"
    assert references()["theis2016"].authors == "Theis et al."
    assert references()["kingma2014"].address == "https://arxiv.org/abs/1312.6114"


# ── where they are run ────────────────────────────────────────────────────────────────────────────


def run(cell, package="lecture_lib"):
    """Run the cell that installs as if it looked for another package."""
    return InteractiveShell().run_cell(cell.source.replace('"lecture_lib"', f'"{package}"'))


def test_the_install_cell_does_nothing_where_the_package_is():
    for published in (None, PUBLISHED):
        run(tool.install_cell(published)).raise_error()


def test_the_install_cell_says_what_to_do_where_it_can_do_nothing():
    with pytest.raises(ModuleNotFoundError, match=r"not installed here: .* `pip install"):
        run(tool.install_cell(None), "no_such_package").raise_error()


def test_the_install_cell_installs_the_published_package(monkeypatch):
    asked = []
    monkeypatch.setattr(
        InteractiveShell, "run_line_magic", lambda self, *args, **_: asked.append(args[:2])
    )
    run(tool.install_cell(PUBLISHED), "no_such_package").raise_error()
    archive = "https://github.com/OWNER/NAME/archive/0123abc.zip"
    assert asked == [("pip", f'install --quiet "lecture-lib @ {archive}"')]


@pytest.mark.parametrize("setting", ["", "https://github.com/OWNER/NAME"])
def test_the_folder_holds_all_and_nothing_of_yesterday(setting, tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.setenv("LECTURE_REPOSITORY", setting)
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
    exercises = [f"{tool.stem_of(chapter)}.ipynb" for chapter in CHAPTERS]
    for name in [*exercises, "11-9-9-gone.ipynb"]:
        (tmp_path / name).touch()
    tool.main()
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {*exercises, *(f"{s.stem}.ipynb" for s in execute.sources()), "README.md"}
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    for name in made - {"README.md"}:
        assert f"]({name})" in readme
        stem = name.removesuffix(".ipynb")
        for link in (
            Repository("OWNER", "NAME").binder(stem),
            Repository("OWNER", "NAME").colab(stem),
        ):
            assert (link in readme) == bool(setting)
