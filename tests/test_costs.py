"""The table of costs: every notebook once, the figures of its execution, and true sums."""

import json
import re

import costs
import execute
import nbformat
import pytest


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two executed notebooks."""
    for folder in ("notebooks", "executed", "book", "_build"):
        (tmp_path / folder).mkdir()
    for number, name in enumerate(("11-4-10-last", "11-4-9-first"), start=1):
        (tmp_path / "notebooks" / f"{name}.md").write_text("# Title\n")
        kept = nbformat.v4.new_notebook()
        kept.metadata["lecture"] = {
            "fingerprint": "f",
            "processor_seconds": 1.4 * number,
            "seconds": 100.0 * number,
            "peak_memory_mb": 500 * number,
        }
        nbformat.write(kept, tmp_path / "executed" / f"{name}.ipynb")
    monkeypatch.setattr(execute, "SOURCES", tmp_path / "notebooks")
    monkeypatch.setattr(execute, "EXECUTED", tmp_path / "executed")
    monkeypatch.setattr(costs, "PAGE", tmp_path / "book" / "costs.md")
    monkeypatch.setattr(costs, "DATA", tmp_path / "_build" / "costs.json")
    costs.main()
    return tmp_path


def test_a_row_for_each_notebook_and_their_sum(project):
    lines = costs.PAGE.read_text().splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")][2:]
    assert table == [
        ["{doc}`../notebooks/11-4-9-first`", "3", "200", "1000"],
        ["{doc}`../notebooks/11-4-10-last`", "1", "100", "500"],
        ["Sum; largest memory", "4", "300", "1000"],
    ]


def test_the_same_for_programs(project):
    data = json.loads(costs.DATA.read_text())
    assert data["pages"][0] == {
        "page": "11-4-9-first",
        "processor_seconds": 2.8,
        "seconds": 200.0,
        "peak_memory_mb": 1000,
    }
    assert data["machine"]["profile"] in ("cpu", "full")
    assert re.match(r"3\.\d+\.\d+", data["machine"]["python"])


def test_one_core_is_no_cores():
    row = {"page": "p", "processor_seconds": 1, "seconds": 1, "peak_memory_mb": 1}
    text = costs.page([row], costs.machine() | {"cores": 1, "device": "NVIDIA H100"})
    assert "1 core," in text
    assert "trained on NVIDIA H100." in text


def test_a_page_for_each_notebook_of_this_book():
    """Made by `make book`."""
    text = costs.PAGE.read_text(encoding="utf-8")
    assert re.findall(r"\{doc\}`../notebooks/(.+?)`", text) == [s.stem for s in execute.sources()]
