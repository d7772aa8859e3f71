"""Pages are text and notebooks at once: saving one as the other changes what was changed, only."""

import difflib
import re
import shutil

import execute
import format_notebooks
import nbformat
import pytest
from jupyter_lab import START, Notebook, jupyter_lab
from jupytext import TextFileContentsManager
from test_student_notebooks import harmless


@pytest.fixture
def folder(tmp_path):
    """A folder of notebooks with the project's settings, and nothing in it yet."""
    shutil.copy(execute.SOURCES / "jupytext.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("source", execute.sources(), ids=lambda source: source.stem)
def test_a_page_that_was_run_and_saved_is_the_same(folder, source):
    shutil.copy(source, folder)
    manager = TextFileContentsManager(root_dir=str(folder))
    model = manager.get(source.name, type="notebook")
    # what JupyterLab adds when a kernel starts and cells run
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    language = {"name": "python", "version": "3.11.7", "file_extension": ".py"}
    model["content"].metadata |= {"kernelspec": kernel, "language_info": language}
    for cell in model["content"].cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
            cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
            cell.outputs = [nbformat.v4.new_output("stream", text="out")]
    manager.save(model, source.name)
    before, after = source.read_text(), (folder / source.name).read_text()
    heading = before.split("\n# ")[0]
    assert after.startswith(heading), "the heading is not written anew"
    assert format_notebooks.as_before(after, before) == before
    kept = nbformat.read(folder / f"{source.stem}.ipynb", as_version=4)
    assert "out" in str(kept.cells), "outputs are kept beside the page"


def test_lines_of_ones_own_choice_stay():
    """Only what Jupytext broke anew is put back."""
    cell = "```{code-cell}\n---\nmystnb:\n  figure:\n    caption: >-\n      One\n      two.\n---\n"
    own = cell.replace("One\n      two.", "One two.")
    assert format_notebooks.as_before(own, cell) == own
    by_jupytext = cell.replace(">-\n      One\n      two.", "One two.")
    assert format_notebooks.as_before(by_jupytext, cell) == cell
    other = by_jupytext.replace("two", "three")
    assert format_notebooks.as_before(other, cell) == other
    assert format_notebooks.as_before(by_jupytext, "") == by_jupytext


def test_a_page_without_a_commit_has_nothing_to_be_put_back(tmp_path):
    assert format_notebooks.committed(tmp_path / "new.md") == ""


class Page(Notebook):
    """A page of the book, opened as contributing.md says: from the list of files."""

    def open(self, address, name):
        self.page.goto(f"{address}/lab")
        file = self.page.locator(".jp-DirListing-item", has_text=name)
        file.wait_for(timeout=START * 1000)
        # or the menu is that of the moment, without what Jupytext adds
        self.page.locator(".jp-Launcher").wait_for(timeout=START * 1000)
        file.click(button="right")
        self.choose("Open With", "Notebook")

    def choose(self, *path):
        """Choose an item of an open menu, and so on in the menus that it opens."""
        for name in path:
            labels = self.page.locator(".lm-Menu-itemLabel")
            labels.filter(has_text=re.compile(f"^{name}$")).click()


def changed(before, after):
    """The lines that went and those that came."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("---", "+++")]


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_an_edit_in_jupyterlab_is_in_the_text_and_the_other_way_round(folder, open_page):
    source = execute.SOURCES / "11-1-2-latent-variables.md"
    before = source.read_text()
    text = folder / source.name
    shutil.copy(source, text)
    cells = execute.read_source(source).cells
    at = next(i for i, cell in enumerate(cells) if cell.source.startswith("by_hand = "))
    with jupyter_lab(folder) as address:
        page = open_page("about:blank")
        page.set_default_timeout(START * 1000)
        notebook = Page(page, address, source.name)
        notebook.type_into(at, "by_hand = 3")
        page.keyboard.press("Control+S")
        page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")
        after = format_notebooks.as_before(text.read_text(), before)
        former = [f"-{line}" for line in cells[at].source.splitlines()]
        assert changed(before, after) == [*former, "+by_hand = 3"]
        assert text.with_suffix(".ipynb").exists(), "outputs are kept beside the page"
        text.write_text(after.replace("by_hand = 3", "by_hand = 4"))
        page.get_by_role("menuitem", name="File", exact=True).click()
        notebook.choose("Reload Markdown File from Disk")
        page.locator(".jp-Notebook .jp-Cell", has_text="by_hand = 4").wait_for()
        page.close()  # or it misses its server
    page.problems[:] = [problem for problem in page.problems if not harmless(problem)]
