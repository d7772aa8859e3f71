"""Write book/equations.md: each labelled equation of the book, its tests and its exercises.

A label stands after an equation, ``$$ ... $$ (eq-pca-loss)``. A test names the equations it checks
with ``@pytest.mark.equation("eq-pca-loss")``. An equation without a test stops the build.

usage: python tools/equations.py
"""

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from lecture_lib.exercises.source import Exercise, all_exercises

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "equations.md"
LABELLED = re.compile(
    r"^\$\$\n(?P<formula>(?:(?!\$\$).)+?)\n\$\$ \((?P<label>[\w-]+)\)$", re.DOTALL | re.MULTILINE
)

HEAD = """\
# Every equation and its test

Each numbered equation of this book is checked by at least one test, on other data than the
pages use. The build stops if an equation has none. This page is written by the build: it
lists {equations} equations, the {tests} tests that check them, and the exercises that go with
them. Run the tests with `make test`.
"""


@dataclass(frozen=True)
class Equation:
    """A labelled equation: its label, its TeX and the page it stands on."""

    label: str
    formula: str
    page: Path


def book_order(page: Path) -> tuple[list[int], str]:
    """A key that sorts pages as the book has them: 11-4-10 comes after 11-4-9."""
    return [int(number) for number in re.findall(r"\d+", page.stem)], page.stem


def title_of(page: Path) -> str:
    """The title of a page, with its number."""
    return re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE).group(1)


def link_to(exercise: Exercise) -> str:
    """A link of the book to an exercise, under its title."""
    return f"{{ref}}`{exercise.title} <exercise-{exercise.anchor}>`"


def equations() -> list[Equation]:
    """The labelled equations of the notebooks, in the order of the book."""
    found = []
    for page in sorted((ROOT / "notebooks").glob("*.md"), key=book_order):
        for match in LABELLED.finditer(page.read_text(encoding="utf-8")):
            found.append(Equation(match["label"], match["formula"].strip(), page))
    return found


def tests() -> dict[str, list[str]]:
    """For each label that a test names, the tests: ``test_pca.py::test_residual``."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for label in marked(node):
                    found.setdefault(label, []).append(f"{path.name}::{node.name}")
    return found


def marked(function: ast.FunctionDef) -> list[str]:
    """The labels in the ``equation`` marks of a test, or of one of its parameters."""
    return [
        argument.value
        for decorator in function.decorator_list
        for call in ast.walk(decorator)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.equation"
        for argument in call.args
    ]


def in_words(test: str) -> str:
    """``test_pca.py::test_residual_is_small`` as “residual is small (test_pca.py)”."""
    file, name = test.split("::")
    return f"{name.removeprefix('test_').replace('_', ' ')} ({file})"


def main() -> None:
    """Write the page, or say which equation has no test."""
    known, checks = equations(), tests()
    missing = [equation.label for equation in known if equation.label not in checks]
    if missing:
        sys.exit(f"no test checks {', '.join(missing)}: mark one, or take the label away")
    trained: dict[str, list[str]] = {}
    for exercise in all_exercises():
        trained.setdefault(exercise.equation, []).append(link_to(exercise))
    used = {test for equation in known for test in checks[equation.label]}
    text = HEAD.format(equations=len(known), tests=len(used))
    for page in dict.fromkeys(equation.page for equation in known):
        text += f"\n## {title_of(page)}\n\nFrom {{doc}}`../notebooks/{page.stem}`.\n"
        for equation in known:
            if equation.page == page:
                text += f"\nEquation {{eq}}`{equation.label}`\n\n$$\n{equation.formula}\n$$\n\n"
                text += "".join(f"- {in_words(test)}\n" for test in checks[equation.label])
                text += "".join(f"- exercise: {link}\n" for link in trained.get(equation.label, ()))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
