"""Write what students and instructors see of the exercises, from the modules that hold them.

usage: python tools/write_exercises.py           the pages of the book, and the students' notebooks
       python tools/write_exercises.py --give    also copies of the notebooks to work in: exercises/
       python tools/write_exercises.py --assign  also an otter-grader assignment of each chapter
"""

import argparse
import math
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from address import ON_BINDER, repository
from equations import equations, link_to, title_of
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from notebook_cells import install_cell, notebook_of
from plain_markdown import expanded, numbered

from lecture_lib.exercises.source import (
    CHAPTERS,
    Exercise,
    all_exercises,
    exercises,
    message_of,
)

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
NOTEBOOKS = ROOT / ON_BINDER
ASSIGNMENTS = ROOT / "_build" / "assignments"
COPIES = ROOT / "exercises"
EQUATIONS = {equation.label: equation for equation in equations()}
POINTS = {"warm-up": 1, "core": 2, "project": 4}

IMPORTS = """\
import numpy as np
import torch"""

SET_UP = f"""\
{IMPORTS}

from lecture_lib.exercises import check, judge, progress"""

EXERCISES = """\
# {chapter} Exercises

Each exercise is a function to complete. Its check says whether it is right and, if not, which
mistake it is, or what can be seen of it. Do them in a notebook,
{{download}}`{stem}.ipynb <../_build/notebooks/{stem}.ipynb>`; {{doc}}`how-to-use` says how to open
it. {{doc}}`Worked solutions <solutions-{number}>` have a page of their own. Together these {count}
take about {hours} hours.
"""

SOLUTIONS = """\
# {chapter} Solutions

One good solution of each of the {{doc}}`exercises <exercises-{number}>`, why it is right, and what
the check says to those who went wrong. Look here after you have tried: an answer that was only read
is soon forgotten.
"""

STUDENT = """\
# {chapter} Exercises: {title}

Run the code cells above exercise 1 first. Then, for each exercise: write your code in place of the
`...`, run the cell, and run the check below it. It says whether your answer is right and, if not,
which mistake it makes, or what can be seen of it. Keep the names of the functions and of their
arguments. You may add cells as you like."""


def stem_of(chapter: str) -> str:
    """The file name of a chapter's exercises, without its ending."""
    return f"exercises-{chapter.replace('.', '-')}"


def kind_of(exercise: Exercise) -> str:
    """``core, pencil and paper, about 15 minutes``."""
    by_hand = ", pencil and paper" if exercise.by_hand else ""
    return f"{exercise.level}{by_hand}, about {exercise.minutes} minutes"


def on_page(stem: str) -> list[Exercise]:
    """The exercises that go with a page, by the name of its file."""
    return [exercise for exercise in all_exercises() if exercise.page == stem]


# pages of the book


def exercise_page(chapter: str, of_chapter: list[Exercise]) -> str:
    """The statements."""
    text = EXERCISES.format(
        chapter=chapter,
        number=chapter.replace(".", "-"),
        stem=stem_of(chapter),
        count=len(of_chapter),
        hours=math.ceil(sum(exercise.minutes for exercise in of_chapter) / 60),
    )
    text += "\n| exercise | level | minutes |\n|---|---|---|\n"
    for exercise in of_chapter:
        text += f"| {link_to(exercise)} | {exercise.level} | {exercise.minutes} |\n"
    for number, exercise in enumerate(of_chapter, start=1):
        page = EQUATIONS[exercise.equation].page
        text += (
            f"\n(exercise-{exercise.anchor})=\n## {number}. {exercise.title}\n\n"
            f"*{kind_of(exercise)}; equation {{eq}}`{exercise.equation}` of "
            f"{{doc}}`{title_of(page)} <../notebooks/{exercise.page}>`*\n\n"
            f"**What it trains.** {exercise.trains}\n\n"
            f"{exercise.statement.strip()}\n\n```python\n{exercise.stub}\n```\n\n"
        )
        if exercise.afterwards:
            text += (
                f"When it is right, run this:\n\n```python\n{exercise.afterwards.strip()}\n```\n\n"
            )
        text += f"{{ref}}`Solution {number} <solution-{exercise.anchor}>`\n"
    return text


def solution_page(chapter: str, of_chapter: list[Exercise]) -> str:
    """The solutions, and the mistakes that the checks know."""
    text = SOLUTIONS.format(chapter=chapter, number=chapter.replace(".", "-"))
    for number, exercise in enumerate(of_chapter, start=1):
        text += (
            f"\n(solution-{exercise.anchor})=\n## {number}. {exercise.title}\n\n"
            f"{{ref}}`Exercise {number} <exercise-{exercise.anchor}>`\n\n"
            f"```python\n{exercise.solution_code}\n```\n\n"
        )
        if not exercise.parameters:
            text += f"It returns `{in_words(exercise.solve())}`.\n\n"
        text += f"{exercise.solution.strip()}\n\n"
        text += f":::{{dropdown}} {len(exercise.mistakes)} mistakes that the check knows\n"
        text += "".join(f"- {message_of(mistake)}\n" for mistake in exercise.mistakes) + ":::\n"
    return text


def in_words(value: object) -> str:
    """A number, or several, with as many digits as a student may be asked for."""
    if isinstance(value, tuple):
        return ", ".join(in_words(part) for part in value)
    return f"{value:.6g}"


# the student's notebook


def statement_cell(number: int, exercise: Exercise) -> nbformat.NotebookNode:
    """What is asked, with its equation, readable in any notebook."""
    equation = EQUATIONS[exercise.equation]
    text = (
        f"## {number}. {exercise.title}\n\n*{kind_of(exercise)}*\n\n"
        f"**What it trains.** {exercise.trains}\n\n"
        f"{exercise.statement.strip()}\n\n"
        f"It goes with equation ({numbered()[equation.label][0]}) of {title_of(equation.page)}:"
        f"\n\n$$\n{equation.formula}\n$$"
    )
    return new_markdown_cell(expanded(text), id=f"{exercise.anchor}-text")


def student_notebook(chapter: str, of_chapter: list[Exercise]) -> nbformat.NotebookNode:
    """The exercises of a chapter, with nothing in them of the solutions."""
    opening = STUDENT.format(chapter=chapter, title=CHAPTERS[chapter])
    cells = [
        new_markdown_cell(opening, id="opening"),
        install_cell(repository()),
        new_code_cell(SET_UP, id="set-up"),
    ]
    for number, exercise in enumerate(of_chapter, start=1):
        cells += [
            statement_cell(number, exercise),
            new_code_cell(exercise.stub, id=f"{exercise.anchor}-answer"),
            new_code_cell(f"check({exercise.name})", id=f"{exercise.anchor}-check"),
        ]
        if exercise.afterwards:
            code = "\n".join(
                f"    {line}".rstrip() for line in exercise.afterwards.strip().split("\n")
            )
            code = f"if judge({exercise.name}).right:\n{code}"
            cells += [
                new_markdown_cell("When it is right, play with it:", id=f"{exercise.anchor}-then"),
                new_code_cell(code, id=f"{exercise.anchor}-afterwards"),
            ]
    cells += [
        new_markdown_cell("## Your progress", id="progress"),
        new_code_cell(f'progress("{chapter}")', id="progress-chapter"),
        new_code_cell("progress()", id="progress-book"),
    ]
    return notebook_of(cells)


def give() -> None:
    """Copy the students' notebooks to where they are worked on; what is there already stays."""
    COPIES.mkdir(exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("exercises-*.ipynb")):
        copy = COPIES / path.name
        if copy.exists():
            print(f"{copy.relative_to(ROOT)} is there already and stays as it is")
        else:
            shutil.copyfile(path, copy)
            print(f"{copy.relative_to(ROOT)}")


# the assignment


def master_notebook(chapter: str, of_chapter: list[Exercise]) -> nbformat.NotebookNode:
    """What `otter assign` turns into a student's version and an autograder."""
    config = (
        f"# ASSIGNMENT CONFIG\nname: {stem_of(chapter)}\ninit_cell: true\nexport_cell: false\n"
        "check_all_cell: true\ngenerate: true\ntests:\n    ok_format: false\n"
    )
    cells = [
        new_raw_cell(config),
        new_markdown_cell(STUDENT.format(chapter=chapter, title=CHAPTERS[chapter])),
        new_code_cell(IMPORTS),
    ]
    for number, exercise in enumerate(of_chapter, start=1):
        points = POINTS[exercise.level]
        test = (
            f'""" # BEGIN TEST CONFIG\npoints: {points}\n""" # END TEST CONFIG\n'
            f"def test_{exercise.name}({exercise.name}):\n"
            "    from lecture_lib.exercises import judge\n\n"
            f"    verdict = judge({exercise.name})\n"
            "    assert verdict.right, verdict.message"
        )
        cells += [
            new_raw_cell(f"# BEGIN QUESTION\nname: {exercise.name}\npoints: {points}"),
            statement_cell(number, exercise),
            new_raw_cell("# BEGIN SOLUTION"),
            new_code_cell(solution_to_strip(exercise)),
            new_raw_cell("# END SOLUTION"),
            new_raw_cell("# BEGIN TESTS"),
            new_code_cell(test),
            new_raw_cell("# END TESTS"),
            new_raw_cell("# END QUESTION"),
        ]
    return notebook_of(cells)


def solution_to_strip(exercise: Exercise) -> str:
    """The solution with otter's marks, which leave of it exactly the stub."""
    *head, blank = exercise.stub.splitlines()
    body = exercise.solution_code.splitlines()[len(head) :]
    return "\n".join(
        [
            *head,
            "    # BEGIN SOLUTION NO PROMPT",
            *body,
            "    # END SOLUTION",
            '    """ # BEGIN PROMPT',
            blank,
            '    """; # END PROMPT',
        ]
    )


def assign(chapter: str, of_chapter: list[Exercise]) -> None:
    """Make a chapter's assignment: `student/` to hand out, `autograder/` to mark with."""
    folder = ASSIGNMENTS / stem_of(chapter)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    master = folder / f"{stem_of(chapter)}.ipynb"
    nbformat.write(master_notebook(chapter, of_chapter), master)
    command = [sys.executable, "-m", "otter", "assign", master.name, "."]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"otter could not make {master.name}:\n{made.stdout}{made.stderr}")
    print(f"{folder}: student/ to hand out, autograder/ to mark with")


def main() -> None:
    """Write it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--give", action="store_true", help="copies for a student to work in")
    parser.add_argument("--assign", action="store_true", help="assignments for otter-grader")
    wanted = parser.parse_args()
    NOTEBOOKS.mkdir(parents=True, exist_ok=True)
    for chapter in CHAPTERS:
        of_chapter = exercises(chapter)
        number = chapter.replace(".", "-")
        (BOOK / f"exercises-{number}.md").write_text(
            exercise_page(chapter, of_chapter), encoding="utf-8"
        )
        (BOOK / f"solutions-{number}.md").write_text(
            solution_page(chapter, of_chapter), encoding="utf-8"
        )
        nbformat.write(
            student_notebook(chapter, of_chapter), NOTEBOOKS / f"{stem_of(chapter)}.ipynb"
        )
        if wanted.assign:
            assign(chapter, of_chapter)
    if wanted.give:
        give()


if __name__ == "__main__":
    main()
