"""Pages are text and notebooks at once: saving one as the other changes what was changed, only."""

import shutil

import execute
import format_notebooks
import nbformat
import pytest
from jupytext import TextFileContentsManager


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
