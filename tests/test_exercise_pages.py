"""Pages, student's notebook and assignment are complete, and silent about the solutions."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import write_exercises as tool
from nbclient import NotebookClient
from plain_markdown import macros
from students import given_away, mistaken

from lecture_lib.exercises import source

ROOT = Path(__file__).parent.parent
each_chapter = pytest.mark.parametrize("chapter", source.CHAPTERS)


def student(chapter):
    return tool.student_notebook(chapter, source.exercises(chapter))


def code_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def squeezed(text):
    return "".join(text.split())


def all_of(notebook):
    """All that can be read in a notebook, what its menus hide too."""
    return "\n".join([*(cell.source for cell in notebook.cells), str(notebook.metadata)])


def given_away_by(notebook, chapter):
    return [p for e in source.exercises(chapter) for p in given_away(e, all_of(notebook))]


def execute(notebook, folder):
    settings = os.environ | {
        "LECTURE_PROGRESS": str(folder / "progress.json"),
        "TQDM_DISABLE": "1",  # a progress bar is no error
    }
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute(env=settings)
    return notebook


def shown_by(cell):
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def fill_in(notebook, exercises, answer):
    """Put an answer in place of each stub."""
    for cell in notebook.cells:
        for exercise in exercises:
            if cell.cell_type == "code" and cell.source.startswith(f"def {exercise.name}("):
                cell.source = answer(exercise)
    return notebook


# ── what is in them ───────────────────────────────────────────────────────────────────────────────


@each_chapter
def test_the_notebook_gives_nothing_away(chapter):
    assert given_away_by(student(chapter), chapter) == []


@each_chapter
def test_the_notebook_holds_the_stubs_and_no_book_only_mark_up(chapter):
    notebook = student(chapter)
    codes = code_of(notebook)
    assert all(e.stub in codes and f"check({e.name})" in codes for e in source.exercises(chapter))
    words = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r"\{[a-z:]+\}`", words)
    unknown = {rf"\{name}" for name in macros()} & set(re.findall(r"\\[A-Za-z]+", words))
    assert unknown == set()


@pytest.mark.parametrize(
    ("tex", "meaning"),
    [
        (r"\x_i \xm \xh \xi", r"\mathbf{x}_i \bar{\mathbf{x}} \hat{\mathbf{x}} \xi"),
        (r"\S\T\V", r"\mathbf{S}^{\top}\mathbf{V}"),
        (r"\KL{q(\z)}{p_{a{b}}}", r"D_{\mathrm{KL}}\left(q(\mathbf{z})\,\|\,p_{a{b}}\right)"),
    ],
)
def test_macros_are_written_out(tex, meaning):
    assert tool.expanded(tex) == meaning


@each_chapter
def test_exercises_and_solutions_are_on_pages_of_their_own(chapter):
    exercises = source.exercises(chapter)
    statements = tool.exercise_page(chapter, exercises)
    solutions = tool.solution_page(chapter, exercises)
    for exercise in exercises:
        assert exercise.stub in statements
        assert exercise.solution_code in solutions
        assert exercise.solution_code not in statements
        assert f"{{eq}}`{exercise.equation}`" in statements
        assert f"about {exercise.minutes} minutes" in statements


def test_a_solution_without_arguments_says_its_value():
    for chapter in source.CHAPTERS:
        exercises = source.exercises(chapter)
        page = tool.solution_page(chapter, exercises)
        for exercise in exercises:
            if not exercise.parameters:
                assert f"It returns `{tool.in_words(exercise.solve())}`." in page


def test_no_page_of_the_book_runs_exercises():
    """Their modules are left out of the fingerprint under which executions are kept."""
    for page in (ROOT / "notebooks").glob("*.md"):
        assert "lecture_lib.exercises" not in page.read_text(encoding="utf-8")


# ── run to their end ──────────────────────────────────────────────────────────────────────────────


@each_chapter
def test_untouched_it_runs_to_its_end_and_nothing_was_attempted(chapter, tmp_path):
    notebook = execute(student(chapter), tmp_path)
    checks = [c for c in notebook.cells if c.cell_type == "code" and c.source.startswith("check(")]
    assert len(checks) == len(source.exercises(chapter))
    assert all("not yet attempted" in shown_by(cell) for cell in checks)
    assert not (tmp_path / "progress.json").exists()


@each_chapter
def test_solved_it_runs_to_its_end_and_all_is_right(chapter, tmp_path):
    exercises = source.exercises(chapter)
    notebook = fill_in(student(chapter), exercises, lambda exercise: exercise.solution_code)
    notebook = execute(notebook, tmp_path)
    checks = [c for c in notebook.cells if c.cell_type == "code" and c.source.startswith("check(")]
    assert all(": right." in shown_by(cell) for cell in checks)
    assert f"{len(exercises)} of {len(exercises)} solved" in shown_by(notebook.cells[-2])
    errors = [o for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert errors == []


# ── copies for students ───────────────────────────────────────────────────────────────────────────


def test_a_copy_that_was_begun_is_never_overwritten(tmp_path, monkeypatch):
    made, copies = tmp_path / "_build", tmp_path / "exercises"
    made.mkdir()
    (made / "exercises-11-1.ipynb").write_text("new")
    (made / "exercises-11-2.ipynb").write_text("new")
    copies.mkdir()
    (copies / "exercises-11-1.ipynb").write_text("a student's work")
    for name, value in (("ROOT", tmp_path), ("NOTEBOOKS", made), ("COPIES", copies)):
        monkeypatch.setattr(tool, name, value)
    tool.give()
    assert (copies / "exercises-11-1.ipynb").read_text() == "a student's work"
    assert (copies / "exercises-11-2.ipynb").read_text() == "new"


# ── for a class ───────────────────────────────────────────────────────────────────────────────────

CHAPTER = "11.2"


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    """One chapter's assignment, as `make assignments` makes it."""
    folder = tmp_path_factory.mktemp("assignments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "ASSIGNMENTS", folder)
        tool.assign(CHAPTER, source.exercises(CHAPTER))
    return folder / tool.stem_of(CHAPTER)


def handed_out(assignment):
    return nbformat.read(assignment / "student" / f"{tool.stem_of(CHAPTER)}.ipynb", as_version=4)


def test_what_is_handed_out_holds_the_stubs_and_nothing_of_the_solutions(assignment):
    notebook = handed_out(assignment)
    assert [e for e in source.exercises(CHAPTER) if e.stub not in code_of(notebook)] == []
    assert given_away_by(notebook, CHAPTER) == []


@pytest.mark.parametrize(
    ("kind", "answer", "share"),
    [
        ("right", lambda exercise: exercise.solution_code, 1),
        ("empty", lambda exercise: exercise.stub, 0),
        ("wrong", lambda exercise: mistaken(exercise)[1], 0),
    ],
)
@pytest.mark.timeout(600)
def test_the_autograder_marks(assignment, tmp_path, kind, answer, share):
    exercises = source.exercises(CHAPTER)
    notebook = fill_in(handed_out(assignment), exercises, answer)
    submission = tmp_path / f"{tool.stem_of(CHAPTER)}.ipynb"
    nbformat.write(notebook, submission)
    grader = next((assignment / "autograder").glob("*.zip"))
    shutil.copy(grader, tmp_path / "autograder.zip")
    command = [sys.executable, "-m", "otter", "run", "-a", "autograder.zip", submission.name]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    results = json.loads((tmp_path / "results.json").read_text())["tests"]
    marks = {result["name"]: result for result in results if "score" in result}
    assert marks.keys() == {exercise.name for exercise in exercises}
    for exercise in exercises:
        mark = marks[exercise.name]
        assert mark["max_score"] == tool.POINTS[exercise.level]
        assert mark["score"] == share * mark["max_score"]
        if kind == "empty":
            assert "Replace the `...`" in mark["output"]
        if kind == "wrong":
            message = source.message_of(mistaken(exercise)[0])
            assert squeezed(message) in squeezed(mark["output"])
