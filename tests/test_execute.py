"""One execution serves tests and book: what counts as stale, and what each notebook cost."""

import execute
import nbformat
import pytest

from lecture_lib.datasets import profile

COLUMNS = 80  # of code, in a page 1,300 pixels wide


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project: one notebook, a package of one module, a pinned set."""
    clone = tmp_path / "exercises"  # a name that a folder of the package has too
    clone.mkdir()
    for folder in ("notebooks", "lecture_lib"):
        (clone / folder).mkdir()
    (clone / "lecture_lib" / "model.py").write_text("Q = 1\n")
    (clone / "environment.yml").write_text("numpy==2.0\n")
    source = clone / "notebooks" / "page.md"
    source.write_text("# Title\n\nProse.\n\n```{code-cell}\n:tags: [a]\nx = 1\n```\n")
    for name in ("LECTURE_PROFILE", "LECTURE_DATA", "LECTURE_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(execute, "ROOT", clone)
    monkeypatch.setattr(execute, "EXECUTED", clone / "executed")
    (clone / "executed").mkdir()
    notebook = execute.read_source(source)
    notebook.metadata["lecture"] = {
        "fingerprint": execute.fingerprint(notebook, execute.environment_fingerprint()),
        "processor_seconds": 0.1,
    }
    nbformat.write(notebook, execute.executed(source))
    assert execute.is_current(source, execute.environment_fingerprint())
    return clone


def current(project):
    return execute.is_current(project / "notebooks" / "page.md", execute.environment_fingerprint())


@pytest.mark.parametrize(
    ("old", "new"), [("Prose.", "Other prose."), ("Title", "Heading"), ("[a]", "[hide-input]")]
)
def test_prose_and_tags_execute_nothing(project, old, new):
    source = project / "notebooks" / "page.md"
    source.write_text(source.read_text().replace(old, new))
    assert current(project)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("notebooks/page.md", "# Title\n\n```{code-cell}\nx = 2\n```\n"),
        ("lecture_lib/model.py", "Q = 2\n"),
        ("lecture_lib/new.py", ""),
        ("lecture_lib/figure.js", "export default {}\n"),
        ("environment.yml", "numpy==2.1\n"),
    ],
)
def test_code_library_and_pins_make_it_stale(project, file, text):
    (project / file).write_text(text)
    assert not current(project)


def test_a_tool_that_only_builds_or_tests_executes_nothing(project):
    """requirements.txt has those too: tests/test_environment.py holds what environment.yml has."""
    (project / "requirements.txt").write_text("pytest==9.0\n")
    assert current(project)


def test_exercises_execute_nothing(project):
    """No page runs them: tests/test_exercise_pages.py holds that."""
    (project / "lecture_lib" / "exercises").mkdir()
    (project / "lecture_lib" / "exercises" / "new.py").write_text("")
    assert current(project)


def test_profile_device_and_data_make_it_stale(project, monkeypatch, tmp_path):
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    assert not current(project)
    monkeypatch.setenv("LECTURE_PROFILE", "cpu")
    assert current(project)
    monkeypatch.setenv("LECTURE_DEVICE", "cuda")
    assert not current(project)
    monkeypatch.delenv("LECTURE_DEVICE")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faces.npz").write_bytes(b"x")
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path / "data"))
    assert not current(project)


def test_another_build_of_pytorch_makes_it_stale(project, monkeypatch):
    monkeypatch.setattr(execute, "version", lambda package: "2.13.0+cu130")
    assert not current(project)


def test_an_execution_without_its_cost_is_stale(project):
    path = execute.executed(project / "notebooks" / "page.md")
    notebook = nbformat.read(path, as_version=4)
    del notebook.metadata["lecture"]["processor_seconds"]
    nbformat.write(notebook, path)
    assert not current(project)


@pytest.mark.parametrize("source", execute.sources(), ids=lambda source: source.stem)
def test_notebook_ran_and_fits_a_small_machine(source):
    assert execute.is_current(source, execute.environment_fingerprint()), "run `make book` first"
    notebook = nbformat.read(execute.executed(source), as_version=4)
    failed = [
        output.ename
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert not failed
    cost = notebook.metadata["lecture"]
    if profile() == "cpu":  # the full profile is for larger machines
        # A kernel has one thread, so this is what an idle machine takes. On a busy one, the clock
        # on the wall shows what else it does.
        assert cost["processor_seconds"] < execute.SECONDS
        assert cost["peak_memory_mb"] < execute.MEGABYTES


@pytest.mark.parametrize("source", execute.sources(), ids=lambda source: source.stem)
def test_code_fits_the_column_of_the_page(source):
    wide = [
        line
        for code in execute.code_of(execute.read_source(source))
        for line in code.splitlines()
        if len(line) > COLUMNS
    ]
    assert not wide


@pytest.mark.parametrize("source", execute.sources(), ids=lambda source: source.stem)
def test_no_warning_reaches_the_reader(source):
    notebook = nbformat.read(execute.executed(source), as_version=4)
    stderr = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert not stderr


@pytest.fixture
def two_pages(tmp_path, monkeypatch):
    """A project of two notebooks, of which one fails."""
    (tmp_path / "notebooks").mkdir()
    page = "# Title\n\n```{code-cell}\nimport time\n\ntime.sleep(5)\n```\n\n"
    page += "```{code-cell}\n---\nmystnb:\n  image:\n    alt: old\n---\n1 + 1\n```\n"
    (tmp_path / "notebooks" / "good.md").write_text(page)
    (tmp_path / "notebooks" / "bad.md").write_text("```{code-cell}\n1 / 0\n```\n")
    (tmp_path / "environment.yml").touch()
    for name, folder in {"ROOT": "", "SOURCES": "notebooks", "EXECUTED": "executed"}.items():
        monkeypatch.setattr(execute, name, tmp_path / folder)
    monkeypatch.setattr(execute, "CACHE", tmp_path / "cache")
    return tmp_path


def test_what_runs_is_kept_and_what_fails_is_not(two_pages):
    with pytest.raises(SystemExit, match="A notebook failed"):
        execute.main()
    assert [path.name for path in execute.EXECUTED.iterdir()] == ["good.ipynb"]
    assert [source.name for source in execute.stale()] == ["bad.md"]
    assert {path.name for path in execute.SOURCES.iterdir()} == {"good.md", "bad.md"}
    (two_pages / "notebooks" / "bad.md").unlink()
    good = two_pages / "notebooks" / "good.md"
    good.write_text(good.read_text().replace("old", "new"))
    assert execute.stale() == []
    execute.fill_cache()  # today's alt text, beside the outputs of the one execution
    kept = nbformat.read(execute.executed(good), as_version=4)
    cost = kept.metadata["lecture"]
    assert cost["seconds"] > 4.9 > cost["processor_seconds"] > 0  # it slept
    assert 20 < cost["peak_memory_mb"] < 1000
    cell = kept.cells[-1]
    assert cell.outputs[0].data["text/plain"] == "2"
    assert cell.metadata.mystnb.image.alt == "new"
    assert execute.stale() == []


def test_a_cost_that_arrived_in_pieces_is_read(two_pages):
    source = execute.SOURCES / "good.md"
    notebook = execute.read_source(source)
    notebook.metadata["lecture"] = {}
    pieces = [nbformat.v4.new_output("stream", name="stdout", text=t) for t in ("2048", " 1.5\n")]
    pieces.append(nbformat.v4.new_output("stream", name="stderr", text="a late warning"))
    notebook.cells.append(nbformat.v4.new_code_cell(execute.COST_PROBE, outputs=pieces))
    assert execute.ran_through(notebook)
    execute.EXECUTED.mkdir()
    execute.keep(notebook, source)
    cost = nbformat.read(execute.executed(source), as_version=4).metadata["lecture"]
    assert cost == {"seconds": 0.0, "processor_seconds": 1.5, "peak_memory_mb": 2}


def test_half_an_execution_is_none(two_pages):
    execute.EXECUTED.mkdir()
    (execute.EXECUTED / "good.ipynb").write_text('{"cells": [')
    assert not execute.is_current(two_pages / "notebooks" / "good.md", "")
