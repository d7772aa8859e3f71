"""Compare a student's function with the reference; name the mistake.

A mistake is recognised by what the function computes: a wrong function that gives, for every call,
the numbers of a known mistake makes that mistake. How it is written does not matter.
"""

import copy
import difflib
import functools
import html
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lecture_lib.exercises import source
from lecture_lib.exercises.arrays import NotAttempted, Unusable, as_arrays
from lecture_lib.exercises.calling import call, described, known_state, stopped
from lecture_lib.exercises.source import Exercise
from lecture_lib.exercises.symptoms import agrees, symptom
from lecture_lib.exercises.time_limit import TimeUp, time_limit

RIGHT, WRONG = "right", "not yet right"
NOT_ATTEMPTED, NOT_CHECKED = "not yet attempted", "not checked"


@dataclass(frozen=True)
class Verdict:
    """What a check says; a notebook shows it when it is the last value of a cell.

    Attributes
    ----------
    exercise : str
        The name of the exercise.
    status : {"right", "not yet right", "not yet attempted", "not checked"}
    message : str
        Two or three sentences.
    mistake : str or None
        The name of the mistake, when it is a known one.
    """

    exercise: str
    status: str
    message: str
    mistake: str | None = None

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.status == RIGHT

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        return f"{self._mark} {self.exercise}: {self.status}. {self.message}"

    def _repr_html_(self) -> str:
        """For a notebook; it takes the notebook's own text colour, so that it suits every theme."""
        colour = {RIGHT: "#2a9d6e", WRONG: "#d9822b"}.get(self.status, "#808080")
        return (
            f'<div role="status" style="border-left: 5px solid {colour}; padding: 0.3em 0.9em">'
            f"<strong>{self._mark} {html.escape(self.exercise)}: {self.status}.</strong> "
            f"{_code(html.escape(self.message))}</div>"
        )

    @property
    def attempted(self) -> bool:
        """Whether there was an answer of an exercise to judge."""
        return self.exercise != "check" and self.status in (RIGHT, WRONG)

    @property
    def _mark(self) -> str:
        return {RIGHT: "✓", WRONG: "✗"}.get(self.status, "○")


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def judge(function: Callable) -> Verdict:
    """Say whether a student's function is right, and if not, which mistake it makes.

    Parameters
    ----------
    function : callable
        Named like the exercise.
    """
    if not callable(function):
        return Verdict(
            "check",
            WRONG,
            "`check` takes your function itself, without brackets and arguments, as in "
            f"`check(scatter_matrix)`. It was given {described(lambda answer: 0, (function,))}.",
        )
    name = str(getattr(function, "__name__", type(function).__name__))
    exercise = source.find(name)
    if exercise is None:
        known = [known for chapter in source.CHAPTERS for known in source.names(chapter)]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else "Keep the name that the exercise gives."
        if name == "<lambda>":
            hint = "A lambda has no name of its own: write it with `def`."
        return Verdict("check", WRONG, f"No exercise of this book is called `{name}`. {hint}")
    try:
        return compare(exercise, function)
    except (Exception, KeyboardInterrupt) as error:
        # a traceback would show our own lines, and the solution among them
        return Verdict(
            exercise.name,
            NOT_CHECKED,
            f"The check did not come to its end ({type(error).__name__}). If you stopped it, run "
            "it again. If not, restart the kernel and run the cells from the top.",
        )


@known_state()
def compare(exercise: Exercise, function: Callable) -> Verdict:
    """The verdict on a function for one exercise."""
    wrong = functools.partial(Verdict, exercise.name, WRONG)
    calls = list(exercise.calls())
    right = [answer_of(exercise.solve, arguments) for arguments in calls]
    try:
        _refuse_other_arguments(exercise, function, calls[0])
        with time_limit():
            got = [
                call(function, arguments, len(answer))
                for arguments, answer in zip(calls, right, strict=True)
            ]
            again, _ = call(function, calls[0], len(right[0]))
    except TimeUp as error:
        return wrong(str(stopped(error, function)))
    except NotAttempted:
        return Verdict(
            exercise.name, NOT_ATTEMPTED, "Replace the `...` by your own answer, and check again."
        )
    except Unusable as problem:
        return wrong(str(problem))
    answers = [answer for answer, _ in got]
    changed = sorted({name for _, names in got for name in names})
    if all(agrees(exercise, *pair) for pair in zip(answers, right, strict=True)):
        if changed:
            return wrong(
                f"The numbers are right, but your function changes its argument {changed[0]}, and "
                "whoever called it finds other data there afterwards. `a -= b` changes the array "
                "that `a` names; `a = a - b` makes a new one."
            )
        several = f"agrees on all {len(calls)} calls" if len(calls) > 1 else "is what was asked for"
        return Verdict(exercise.name, RIGHT, f"Your answer {several}.")
    if not agrees(exercise, again, answers[0]):
        return wrong(
            "Called twice with the same arguments, your function gives two different answers. All "
            "the randomness it needs is among its arguments; it should draw no numbers of its own."
        )
    for mistake in exercise.mistakes:
        if all(
            agrees(exercise, answer, answer_of(mistake, arguments, len(answer)))
            for answer, arguments in zip(answers, calls, strict=True)
        ):
            return wrong(source.message_of(mistake), mistake=mistake.__name__)
    return wrong(symptom(exercise, calls, answers, right))


def answer_of(
    function: Callable, arguments: tuple, n_values: int | None = None
) -> list[np.ndarray]:
    """What one of our own functions answers, as arrays."""
    value = function(*copy.deepcopy(arguments))
    if n_values is None:
        n_values = len(value) if isinstance(value, tuple) else 1
    return as_arrays(value, n_values)


def _refuse_other_arguments(exercise: Exercise, function: Callable, arguments: tuple) -> None:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        raise Unusable(
            f"`{exercise.name}` is called with {len(arguments)} arguments, "
            f"({', '.join(exercise.parameters)}); yours takes {inspect.signature(function)}. "
            "Keep the first line as it was given."
        ) from None
    except ValueError:  # no signature can be had, as of some built-in functions
        return
