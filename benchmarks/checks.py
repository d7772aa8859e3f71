"""How long does the check of each exercise take, for a right answer and for a wrong one?

The wrong answer is none of the known mistakes, so that all of them are tried. A student should not
wait: the exit status is 1 if any check takes 2 seconds or more.

usage: python benchmarks/checks.py
"""

import statistics
import sys
import time

import numpy as np

from lecture_lib.exercises import source
from lecture_lib.exercises.judging import compare

LIMIT = 2.0  # seconds


def seconds(exercise, function, repeats=3) -> float:
    """The median time of one check."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        compare(exercise, function)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def nobodys_mistake(exercise):
    """A function whose answer has the right shape, and other numbers than any named mistake."""

    def function(*arguments):
        value = exercise.solve(*arguments)
        parts = value if isinstance(value, tuple) else (value,)
        wrong = tuple(np.asarray(part, dtype=float) ** 2 + 0.123 for part in parts)
        return wrong if len(wrong) > 1 else wrong[0]

    return function


def main() -> None:
    """Print a table, slowest last."""
    rows = []
    for exercise in source.all_exercises():
        wrong = seconds(exercise, nobodys_mistake(exercise))
        rows.append((wrong, seconds(exercise, exercise.solve), exercise.name))
    print(f"{'exercise':<32}{'right, ms':>10}{'wrong, ms':>10}")
    for wrong, right, name in sorted(rows):
        print(f"{name:<32}{1000 * right:>10.1f}{1000 * wrong:>10.1f}")
    sys.exit(int(max(max(wrong, right) for wrong, right, _ in rows) >= LIMIT))


if __name__ == "__main__":
    main()
