"""Each numbered equation of the book has a test, and each test that names an equation means one."""

import re
from pathlib import Path

import equations
import execute
import pytest

KNOWN = equations.equations()
CHECKS = equations.tests()


@pytest.mark.parametrize("equation", KNOWN, ids=lambda equation: equation.label)
def test_equation_has_a_test(equation):
    assert CHECKS.get(equation.label), (
        f"{equation.page.name} labels {equation.label}, and no test checks it: mark one with "
        f'@pytest.mark.equation("{equation.label}"), or take the label away'
    )


@pytest.mark.parametrize("label", sorted(CHECKS))
def test_marked_equation_is_in_the_book(label):
    assert label in {equation.label for equation in KNOWN}, (
        f"{CHECKS[label]} check {label}, which no page labels"
    )


def test_labels_are_used_once():
    labels = [equation.label for equation in KNOWN]
    assert len(labels) == len(set(labels))


def test_no_label_escapes_the_list():
    # A label in a form that the list does not look for would never be asked for its test.
    written = [
        label
        for page in execute.sources()
        for label in re.findall(
            r"^\s*(?:\$\$ ?\(|:label: )(eq-[\w-]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert written == [equation.label for equation in KNOWN]
    assert written, "the book has equations"


def test_a_missing_test_would_be_seen(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tests").mkdir()
    page = "Text.\n\n$$\na = b\n$$ (eq-checked)\n\n$$\nc = d\n$$ (eq-forgotten)\n"
    (tmp_path / "notebooks" / "page.md").write_text(page)
    test = '@pytest.mark.equation("eq-checked")\ndef test_a():\n    pass\n'
    case = 'pytest.param(1, marks=pytest.mark.equation("eq-in-one"))'
    test += f'@pytest.mark.parametrize("a", [{case}])\ndef test_b(a):\n    pass\n'
    (tmp_path / "tests" / "test_page.py").write_text(test)
    monkeypatch.setattr(equations, "ROOT", tmp_path)
    assert [equation.label for equation in equations.equations()] == ["eq-checked", "eq-forgotten"]
    assert equations.tests() == {
        "eq-checked": ["test_page.py::test_a"],
        "eq-in-one": ["test_page.py::test_b"],
    }


def test_pages_come_in_the_order_of_the_book():
    names = [Path("11-3-2-b.md"), Path("11-4-2-a.md"), Path("11-4-10-a.md")]
    assert sorted(names, key=equations.book_order) == names
