import json

import numpy as np
import pytest

from lecture_lib.exercises import check, progress, source
from lecture_lib.exercises.progress import read, record

KL = source.load("11.4", "kl_to_prior")


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("LECTURE_PROGRESS", str(path))
    return path


def wrong(mu, log_var):
    return np.zeros(len(mu))


wrong.__name__ = "kl_to_prior"


def test_tries_are_counted_and_what_is_solved_stays_solved(file):
    check(wrong)
    assert read()["kl_to_prior"] == {"tries": 1}
    check(KL.solve)
    check(wrong)
    kept = read()["kl_to_prior"]
    assert kept["tries"] == 3
    assert len(kept["solved"]) == len("2026-01-31")
    assert list(file.parent.iterdir()) == [file]  # no half-written file is left


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


def test_a_file_that_cannot_be_read_is_set_aside(file, capsys):
    for text in ("not JSON", "[]", '{"kl_to_prior": 3}'):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        record("kl_to_prior", right=True)
        kept = [path for path in file.parent.iterdir() if path != file]
        assert [path.read_text() for path in kept] == [text]
        assert str(kept[0]) in capsys.readouterr().out
        assert json.loads(file.read_text())["kl_to_prior"]["tries"] == 1
        kept[0].unlink()


def test_a_place_that_cannot_be_written_costs_no_verdict(monkeypatch, tmp_path, capsys):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("LECTURE_PROGRESS", str(blocked / "progress.json"))
    assert check(KL.solve).right
    assert "could not be kept" in capsys.readouterr().out


def test_another_chapter_is_refused():
    with pytest.raises(ValueError, match=r"11\.1, 11\.2"):
        progress("11.9")
