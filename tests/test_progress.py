import subprocess
import sys

import numpy as np
import pytest

from lecture_lib.exercises import check, progress, source
from lecture_lib.exercises.progress import read

KL = source.load("11.4", "kl_to_prior")


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "kept" / "progress.jsonl"
    monkeypatch.setenv("LECTURE_PROGRESS", str(path))
    return path


def wrong(mu, log_var):
    return np.zeros(len(mu))


wrong.__name__ = "kl_to_prior"


def test_tries_are_counted_and_what_is_solved_stays_solved(file):
    check(wrong)
    assert read()["kl_to_prior"] == {"tries": 1, "right": False}
    check(KL.solve)
    check(wrong)
    assert read()["kl_to_prior"] == {"tries": 3, "right": True}
    assert list(file.parent.iterdir()) == [file]


def test_what_was_not_attempted_is_no_try():
    def kl_to_prior(mu, log_var): ...

    check(kl_to_prior)
    check(3)
    assert read() == {}


def test_tables_of_the_chapter_and_of_the_book():
    names = source.names("11.4")
    check(wrong)
    assert "✗ tried" in repr(progress("11.4"))
    check(KL.solve)
    chapter, book = progress("11.4"), progress()
    assert f"1 of {len(names)} solved" in chapter.caption
    assert len(chapter.rows) == len(names)
    assert [row[-1].split()[0] for row in book.rows] == ["0", "0", "0", "1"]
    for table in (chapter, book):
        assert table.caption in repr(table)
        assert table._repr_html_().count("<tr>") == len(table.rows) + 1


@pytest.mark.parametrize("text", ["no JSON", "[]", "{", '{"exercise": []}', "\ufeff", "3"])
def test_lines_of_another_kind_stay_and_are_passed_over(text, file):
    check(KL.solve)
    with file.open("a", encoding="utf-8") as kept:
        kept.write(f"\n{text}")
    check(wrong)
    assert read() == {"kl_to_prior": {"tries": 2, "right": True}}
    assert text in file.read_text(encoding="utf-8")


def test_a_line_that_was_cut_off_spoils_no_other(file):
    check(KL.solve)
    file.write_bytes(file.read_bytes()[:-5])
    check(KL.solve)
    assert read() == {"kl_to_prior": {"tries": 1, "right": True}}


def test_two_notebooks_lose_no_try(file):
    command = [
        sys.executable,
        "-c",
        "from lecture_lib.exercises.progress import record\n"
        "for k in range(200): record('kl_to_prior', right=False)",
    ]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert read()["kl_to_prior"]["tries"] == 400


def test_a_folder_in_its_place_is_told(file, capsys):
    file.mkdir(parents=True)
    assert check(KL.solve).right
    assert progress().caption.startswith("The book: 0 of")
    out = capsys.readouterr().out
    assert "could not be kept" in out
    assert "cannot be read" in out


def test_a_place_that_cannot_be_written_costs_no_verdict(monkeypatch, tmp_path, capsys):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("LECTURE_PROGRESS", str(blocked / "progress.jsonl"))
    assert check(KL.solve).right
    assert "could not be kept" in capsys.readouterr().out


def test_another_chapter_is_refused():
    with pytest.raises(ValueError, match=r"11\.1, 11\.2"):
        progress("11.9")
