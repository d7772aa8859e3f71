"""Write each page as a notebook that runs and reads well by itself: `_build/notebooks`.

The notebooks have no outputs and no mark-up that only the book understands. The first cell with
code installs the package where it is missing, or says how. Numbers in the sentences are those of
the book's own run where that has been made (tools/execute.py), and otherwise their names.

Beside them lie the exercises (tools/write_exercises.py) and a list of all. The folder as it is can
be published as a branch, which is where the links to Colab lead.

usage: python tools/write_notebooks.py
"""

import ast
import html
from contextlib import suppress
from pathlib import Path

import execute
import nbformat
from address import Repository, repository
from equations import ROOT, title_of
from nbformat.v4 import new_code_cell, new_markdown_cell
from notebook_cells import install_cell, notebook_of
from plain_markdown import ROLE, Page, expanded, numbered
from write_exercises import NOTEBOOKS, kind_of, on_page, stem_of

from lecture_lib.exercises.source import CHAPTERS
from lecture_lib.prose import HIDDEN

README = """\
# The notebooks of the book

Each page{of_book} as a notebook without outputs, and the exercises of each chapter. The first cell
installs the package, or says how. They are made from the project's files by `make notebooks`; do
not edit them here.

"""


def glued_by(source: Path, environment: str) -> dict[str, object]:
    """What a page's cells hand to its text, by name; nothing if its present code has not run."""
    values = {}
    if execute.is_current(source, environment):
        for cell in nbformat.read(execute.executed(source), as_version=4).cells:
            for output in cell.get("outputs", []):
                if "scrapbook" in output.get("metadata", {}):
                    text = output.data.get(HIDDEN + "text/plain", "")
                    with suppress(ValueError, SyntaxError):  # a figure has no value to write
                        values[output.metadata.scrapbook.name] = ast.literal_eval(text)
    return values


def page_notebook(
    source: Path, published: Repository | None, glued: dict[str, object]
) -> nbformat.NotebookNode:
    """A page of the book as a notebook."""
    page = Page(source, published.site if published else None, glued)
    cells, installed = [], False
    for cell in execute.read_source(source).cells:
        if cell.cell_type == "markdown":
            cells.append(new_markdown_cell(page.plain(cell.source)))
            continue
        if not installed:
            cells.append(install_cell(published))
            installed = True
        cells.append(code_cell(cell))
        if figure := cell.metadata.get("mystnb", {}).get("figure"):
            cells.append(caption_cell(figure, cell.metadata["mystnb"]["image"]["alt"]))
    title, _, rest = cells[0].source.partition("\n")
    cells[0].source = f"{title}\n\n*{provenance(page)}*\n{rest}"
    if exercises := on_page(source.stem):
        cells.append(new_markdown_cell(exercise_links(page, exercises)))
    for number, cell in enumerate(cells):
        if cell.id != "install":
            cell.id = f"cell-{number}"  # the same in every build
    return notebook_of(cells)


def code_cell(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A code cell, folded where the book folds it."""
    tags = cell.metadata.get("tags", [])
    folded = {"jupyter": {"source_hidden": True}, "tags": tags} if "hide-input" in tags else {}
    return new_code_cell(cell.source, metadata=folded)


def caption_cell(figure: dict, alt: str) -> nbformat.NotebookNode:
    """What stands under a figure: its number and caption, and what is to be seen, in words."""
    number, _ = numbered()[figure["name"]]
    caption = expanded(" ".join(figure["caption"].split()))
    alt = html.escape(" ".join(alt.split()), quote=False)
    return new_markdown_cell(
        f"**Fig. {number}** {caption}\n\n"
        f"<details><summary>The figure in words</summary>{alt}</details>"
    )


def provenance(page: Page) -> str:
    """What this notebook is, and whose numbers its sentences show."""
    book = f"[Autoencoders]({page.site})" if page.site else "Autoencoders"
    is_page = (
        f"This notebook is a page of the book {book}, with the book's numbers of equations and "
        "figures."
    )
    names = [
        role["text"].partition(":")[0]
        for role in ROLE.finditer(page.source.read_text(encoding="utf-8"))
        if role["name"] == "glue:text"
    ]
    if not names:
        return is_page
    if page.glued:
        return (
            f"{is_page} Numbers in its sentences are those of the book's own run; its cells print "
            "yours."
        )
    return (
        f"{is_page} A name in its sentences, such as `{names[0]}`, stands for a number that a cell "
        "computes; the pages of the book show the number."
    )


def exercise_links(page: Page, exercises: list) -> str:
    """The exercises that go with a page."""
    links = []
    for exercise in exercises:
        target = ROOT / "book" / f"{stem_of(exercise.chapter)}.md"
        link = page.link(exercise.title, target, f"exercise-{exercise.anchor}")
        links.append(f"- {link}, {kind_of(exercise)}")
    return "## Exercises with a check\n\n" + "\n".join(links)


def readme(titles: dict[str, str], published: Repository | None) -> str:
    """The list of all notebooks, with the places where each can be run."""
    of_book = f" of [the book]({published.site})" if published else ""
    text = README.format(of_book=of_book)
    if published:
        text += "| notebook | run it on | |\n|---|---|---|\n"
    for stem, title in titles.items():
        link = f"[{title}]({stem}.ipynb)"
        text += (
            f"| {link} | [Binder]({published.binder(stem)}) | [Colab]({published.colab(stem)}) |\n"
            if published
            else f"- {link}\n"
        )
    return text


def main() -> None:
    """Write them all, and the list."""
    published, environment = repository(), execute.environment_fingerprint()
    NOTEBOOKS.mkdir(parents=True, exist_ok=True)
    titles = {}
    for source in execute.sources():
        notebook = page_notebook(source, published, glued_by(source, environment))
        nbformat.write(notebook, NOTEBOOKS / f"{source.stem}.ipynb")
        titles[source.stem] = title_of(source)
    for chapter, title in CHAPTERS.items():
        titles[stem_of(chapter)] = f"{chapter} Exercises: {title}"
    for path in NOTEBOOKS.glob("*.ipynb"):
        if path.stem not in titles:
            path.unlink()  # its source is gone
    (NOTEBOOKS / "README.md").write_text(readme(titles, published), encoding="utf-8")


if __name__ == "__main__":
    main()
