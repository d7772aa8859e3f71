"""What has been solved, kept in one small file so that a restart does not lose it."""

import html
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

from lecture_lib.exercises import source

DONE, TRIED, OPEN = "✓ solved", "✗ tried", "○ open"


def progress_file() -> Path:
    """Where progress is kept: ``LECTURE_PROGRESS``, or a file in the user's data folder."""
    if named := os.environ.get("LECTURE_PROGRESS"):
        return Path(named).expanduser()
    return platformdirs.user_data_path("lecture-lib") / "progress.jsonl"


def record(name: str, *, right: bool) -> None:
    """Add one try to the file.

    A line is added and nothing is rewritten, so that two notebooks may do it at once and no try is
    ever lost.
    """
    path = progress_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"exercise": name, "right": right, "day": f"{datetime.now():%Y-%m-%d}"})
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}")  # on a line of its own, even after one that was cut off


def read() -> dict[str, dict]:
    """For each exercise that was tried: ``tries``, and whether it was ever ``right``.

    Lines that are no record of a try are passed over.
    """
    try:
        lines = progress_file().read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        print(f"Your progress cannot be read: {error}.")
        return {}
    kept: dict[str, dict] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            name, right = entry["exercise"], entry["right"]
        except (ValueError, TypeError, KeyError):
            continue
        before = kept.get(name, {"tries": 0, "right": False})
        kept[name] = {"tries": before["tries"] + 1, "right": before["right"] or right is True}
    return kept


@dataclass(frozen=True)
class Table:
    """Rows of words under a heading; a notebook shows it as a table, a terminal as text."""

    caption: str
    heading: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def __repr__(self) -> str:
        """Columns of equal width."""
        lines = [self.heading, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.heading))]
        text = [
            "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.caption, *text])

    def _repr_html_(self) -> str:
        def row(words: tuple[str, ...], tag: str) -> str:
            cells = "".join(
                f'<{tag} style="text-align: left">{html.escape(w)}</{tag}>' for w in words
            )
            return f"<tr>{cells}</tr>"

        body = "".join(row(words, "td") for words in self.rows)
        return (
            f"<table><caption>{html.escape(self.caption)}</caption>"
            f"<thead>{row(self.heading, 'th')}</thead><tbody>{body}</tbody></table>"
        )


def progress(chapter: str | None = None) -> Table:
    """What is solved: of one chapter, exercise by exercise, or of the book, chapter by chapter.

    Parameters
    ----------
    chapter : str, optional
        Such as ``"11.2"``.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    if chapter is not None and chapter not in source.CHAPTERS:
        raise ValueError(
            f"expected a chapter, one of {', '.join(source.CHAPTERS)}; got {chapter!r}: "
            "or leave it away to see the book"
        )
    kept = read()
    if chapter is None:
        return _of_the_book(kept)
    rows = []
    for number, exercise in enumerate(source.exercises(chapter), start=1):
        entry = kept.get(exercise.name, {})
        state = DONE if entry.get("right") else TRIED if entry else OPEN
        tries = str(entry.get("tries", "–"))
        rows.append(
            (str(number), exercise.title, exercise.level, str(exercise.minutes), state, tries)
        )
    solved = sum(row[4] == DONE for row in rows)
    caption = f"{chapter} {source.CHAPTERS[chapter]}: {solved} of {len(rows)} solved"
    return Table(caption, ("no.", "exercise", "level", "minutes", "state", "tries"), rows)


def _of_the_book(kept: dict[str, dict]) -> Table:
    rows, solved_in_all, in_all = [], 0, 0
    for chapter, title in source.CHAPTERS.items():
        names = source.names(chapter)
        solved = sum(kept.get(name, {}).get("right", False) for name in names)
        rows.append((chapter, title, f"{solved} of {len(names)}"))
        solved_in_all, in_all = solved_in_all + solved, in_all + len(names)
    caption = f"The book: {solved_in_all} of {in_all} solved"
    return Table(caption, ("chapter", "about", "solved"), rows)
