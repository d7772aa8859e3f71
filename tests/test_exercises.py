"""Every exercise keeps its promises: what is right passes, what is wrong is named and caught."""

import ast
import re
import textwrap
from collections.abc import Callable

import numpy as np
import pytest
import torch
from equations import equations
from exercise_mutants import mutants
from students import given_away

from lecture_lib.exercises import source
from lecture_lib.exercises.calling import known_state
from lecture_lib.exercises.judging import agrees, answer_of, compare, judge
from lecture_lib.exercises.source import Exercise, message_of
from lecture_lib.exercises.time_limit import TimeUp, limited, time_limit

ALL = source.all_exercises()
each = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
each_mistake = pytest.mark.parametrize(
    ("exercise", "mistake"),
    [(exercise, mistake) for exercise in ALL for mistake in exercise.mistakes],
    ids=lambda value: value.name if isinstance(value, Exercise) else value.__name__,
)
EQUATIONS = {equation.label: equation.page.stem for equation in equations()}


def written(code: str, name: str) -> Callable:
    """A function from its text, in a notebook that has imported what the student's has."""
    notebook = {"np": np, "torch": torch}
    exec(code, notebook)
    return notebook[name]


def sentences(text: str) -> int:
    return len(re.findall(r"[.?:](?=\s|$)|;", text.replace("i.e.", "").replace("e.g.", "")))


# the book's promise


@pytest.mark.parametrize("chapter", source.CHAPTERS)
def test_a_chapter_goes_from_warm_up_to_project_and_has_work_for_the_pencil(chapter):
    exercises = source.exercises(chapter)
    assert len(exercises) >= 6
    assert {exercise.level for exercise in exercises} == set(source.LEVELS)
    assert any(exercise.by_hand for exercise in exercises)
    assert all(exercise.chapter == chapter for exercise in exercises)


@each
def test_it_belongs_to_an_equation_of_its_page(exercise):
    assert EQUATIONS.get(exercise.equation) == exercise.page
    assert 2 <= exercise.minutes <= 120
    assert exercise.trains.startswith("You ")
    assert exercise.name == exercise.solve.__module__.split(".")[-1]


def test_names_are_unique_in_the_book():
    assert len({exercise.name for exercise in ALL}) == len(ALL)


# right answers


@each
def test_the_reference_passes_as_a_student_would_type_it(exercise):
    typed = written(exercise.solution_code, exercise.name)
    verdict = judge(typed)
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("exercise", "variant"),
    [(exercise, variant) for exercise in ALL for variant in exercise.variants],
    ids=lambda value: value.name if isinstance(value, Exercise) else value.__name__,
)
def test_another_right_way_passes(exercise, variant):
    verdict = compare(exercise, variant)
    assert verdict.right, verdict


CONVERSIONS = {
    "list": np.ndarray.tolist,
    "torch": torch.as_tensor,
    "float32": lambda array: array.astype(np.float32),
    "torch that needs a gradient": lambda array: torch.tensor(array, requires_grad=True),
}


@each
@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_the_type_of_the_answer_does_not_matter(exercise, convert):
    def answer(*arguments):
        parts = [convert(np.array(part)) for part in answer_of(exercise.solve, arguments)]
        return tuple(parts) if len(parts) > 1 else parts[0]

    verdict = compare(exercise, answer)
    assert verdict.right, verdict


def single(argument):
    if isinstance(argument, np.ndarray) and argument.dtype == np.float64:
        return argument.astype(np.float32)
    if isinstance(argument, torch.Tensor) and argument.dtype == torch.float64:
        return argument.float()
    return argument


@each
def test_computing_in_float32_is_right(exercise):
    verdict = compare(exercise, lambda *arguments: exercise.solve(*map(single, arguments)))
    assert verdict.right, verdict


# no answer


@each
def test_the_untouched_stub_is_not_yet_attempted(exercise):
    verdict = judge(written(exercise.stub, exercise.name))
    assert verdict.status == "not yet attempted", verdict


@each
def test_the_stub_is_the_solution_without_its_body(exercise):
    stub, solution = ast.parse(exercise.stub).body[0], ast.parse(exercise.solution_code).body[0]
    assert ast.dump(stub.args) == ast.dump(solution.args)
    assert ast.get_docstring(stub) == ast.get_docstring(solution)
    assert len(stub.body) == 2  # the docstring and a blank


# wrong answers


@each
def test_it_knows_enough_mistakes(exercise):
    assert len(exercise.mistakes) >= (2 if exercise.by_hand else 3)


@each_mistake
def test_a_mistake_gets_its_own_message_and_no_others(exercise, mistake):
    verdict = compare(exercise, mistake)
    assert verdict.mistake == mistake.__name__, verdict
    assert verdict.message == message_of(mistake)
    others = [message_of(other) for other in exercise.mistakes if other is not mistake]
    assert verdict.message not in others


@each_mistake
def test_a_message_is_short(exercise, mistake):
    text = message_of(mistake)
    assert 2 <= sentences(text) <= 4, text  # a semicolon or colon counts as one more
    assert len(text) <= 320, text
    assert not re.search(r"\*\w[^*]*\w\*", text), "only backticks are shown as more than themselves"


@each
def test_nothing_that_a_student_reads_shows_the_solution(exercise):
    messages = [message_of(mistake) for mistake in exercise.mistakes]
    shown = [exercise.stub, exercise.statement, exercise.trains, exercise.afterwards, *messages]
    assert given_away(exercise, "\n".join(shown)) == []


WHATEVER = {
    "0.0": lambda arguments, answer: 0.0,
    "[1, 2]": lambda arguments, answer: [1, 2],
    "text": lambda arguments, answer: "x",
    "NaN": lambda arguments, answer: float("nan"),
    "nothing": lambda arguments, answer: [],
    "a huge number": lambda arguments, answer: 10**400,
    "an argument": lambda arguments, answer: arguments[0] if arguments else None,
    "far too much": lambda arguments, answer: tuple(1e300 * part + 1e300 for part in answer),
}


@each
@pytest.mark.parametrize("whatever", WHATEVER.values(), ids=WHATEVER)
@pytest.mark.filterwarnings("error")
def test_whatever_comes_is_answered(exercise, whatever):
    verdict = compare(exercise, lambda *a: whatever(a, answer_of(exercise.solve, a)))
    assert verdict.status == "not yet right", verdict


def differs(exercise: Exercise, function: Callable) -> bool | None:
    """Whether a function differs from the reference, on other calls than the check makes.

    None if it crashes, or returns what is no answer: any check would see that.
    """
    try:
        with time_limit():
            return not limited(same_on_other_calls, exercise, function)
    except (Exception, TimeUp):
        return None


def same_on_other_calls(exercise: Exercise, function: Callable) -> bool:
    return all(
        agrees(exercise, answer_of(function, arguments, len(right)), right)
        for seed in range(1, 4)
        for arguments in exercise.calls(seed)
        for right in [answer_of(exercise.solve, arguments)]
    )


@each
def test_no_mutant_passes(exercise, record_property):
    caught, missed = 0, []
    for text in mutants(exercise.solution_code):
        module = dict(exercise.solve.__globals__)
        exec(text, module)
        mutant = module[exercise.name]
        with known_state():
            other = differs(exercise, mutant)
        if other is False:
            continue  # the change changes nothing
        if compare(exercise, mutant).right:
            missed.append(text)
        elif other:
            caught += 1
    record_property("mutants caught", caught)
    assert not missed, textwrap.indent("\n\n".join(missed), "  ")
    assert caught >= (1 if exercise.by_hand else 5)


@each
def test_other_calls_are_like_those_of_the_check(exercise):
    """On those the mutants are judged: as many, and each with a right answer in numbers."""
    n_calls = len(list(exercise.calls()))
    for seed in range(1, 4):
        answers = [answer_of(exercise.solve, arguments) for arguments in exercise.calls(seed)]
        assert len(answers) == n_calls
        assert all(np.isfinite(part).all() for answer in answers for part in answer)
