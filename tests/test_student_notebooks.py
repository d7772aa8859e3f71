"""All exercises, done in JupyterLab by keyboard: first wrong, then right, then after a restart."""

import nbformat
import pytest
import write_exercises as tool
from jupyter_lab import Notebook, jupyter_lab
from students import mistaken

from lecture_lib.exercises import source


@pytest.fixture
def address(tmp_path):
    """A JupyterLab of its own for each test: one that is shared opens yesterday's notebooks too."""
    with jupyter_lab(tmp_path, LECTURE_PROGRESS=str(tmp_path / "progress.jsonl")) as address:
        yield address


@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize("chapter", source.CHAPTERS)
def test_every_exercise_is_wrong_with_a_reason_and_then_right(
    chapter, tmp_path, address, open_page
):
    exercises = source.exercises(chapter)
    name = f"{tool.stem_of(chapter)}.ipynb"
    written = tool.student_notebook(chapter, exercises)
    nbformat.write(written, tmp_path / name)
    cells = [cell.source for cell in written.cells]
    page = open_page("about:blank")
    notebook = Notebook(page, address, name)
    assert notebook.run(cells.index(tool.SET_UP)) == ""
    for exercise in exercises:
        answer = cells.index(exercise.stub)
        notebook.run(answer)
        assert "not yet attempted" in notebook.run(answer + 1)
        mistake, code = mistaken(exercise)
        notebook.type_into(answer, code)
        notebook.run(answer)
        message = source.message_of(mistake).replace("`", "")
        assert message in notebook.run(answer + 1).replace("`", "")
        notebook.type_into(answer, exercise.solution_code)
        notebook.run(answer)
        assert f"{exercise.name}: right." in notebook.run(answer + 1)
    notebook.restart()
    notebook.run(cells.index(tool.SET_UP))
    table = notebook.run(len(cells) - 2)
    assert f"{len(exercises)} of {len(exercises)} solved" in table
    assert f"{len(exercises)} of {len(exercises)}" in notebook.run(len(cells) - 1)
    page.problems[:] = [p for p in page.problems if not harmless(p)]


def harmless(problem):
    """JupyterLab asks for things that a fresh folder does not have; that is its own business."""
    return problem.startswith(("404:", "console: Failed to load resource"))
