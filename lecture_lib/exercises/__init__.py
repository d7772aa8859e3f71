"""Exercises whose check says which mistake was made.

A student's notebook calls ``check(function)`` and ``progress()``; all else is for those who write
exercises.
"""

from collections.abc import Callable

from lecture_lib.exercises.judging import Verdict, judge
from lecture_lib.exercises.progress import progress, record

__all__ = ["check", "judge", "progress"]


def check(function: Callable) -> Verdict:
    """Say whether your function is right, and if not, which mistake it makes.

    Parameters
    ----------
    function : callable
        The function that you completed, named as the exercise names it.

    Returns
    -------
    Verdict
        Shown when it is the last line of a cell. Your progress is kept.
    """
    verdict = judge(function)
    if verdict.attempted:
        try:
            record(verdict.exercise, right=verdict.right)
        except OSError as error:
            print(f"Your progress could not be kept ({error}). The verdict holds all the same.")
    return verdict
