"""Whether numbers agree, and if not, what can be seen of a mistake that has no name."""

from itertools import permutations

import numpy as np

from lecture_lib.exercises.calling import described
from lecture_lib.exercises.source import Exercise

Answer = list[np.ndarray]  # one array for each value that is returned


def agrees(exercise: Exercise, answer: Answer, wanted: Answer) -> bool:
    """Whether two answers are equally good, for this exercise."""
    if [part.shape for part in answer] != [part.shape for part in wanted]:
        return False
    pairs = zip(exercise.equivalent(answer), exercise.equivalent(wanted), strict=True)
    return all(close(*pair, exercise.rtol) for pair in pairs)


def close(first: np.ndarray, second: np.ndarray, rtol: float) -> bool:
    """Whether two arrays of one shape differ by no more than ``rtol`` of the second's size."""
    size = np.abs(second[np.isfinite(second)]).max(initial=0)
    size = size if size > 1e-12 else 1.0  # zero, up to rounding
    return np.allclose(first, second, rtol=0, atol=rtol * size, equal_nan=True)


def symptom(
    exercise: Exercise, calls: list[tuple], answers: list[Answer], right: list[Answer]
) -> str:
    """Two or three sentences on how ``answers`` differ from what is ``right``."""
    for order in permutations(range(len(right[0]))):
        if all(
            agrees(exercise, [answer[place] for place in order], wanted)
            for answer, wanted in zip(answers, right, strict=True)
        ):
            return (
                "Your values are right, and stand in another order than was asked for. The last "
                "lines of the function's description say which comes first."
            )
    seen = _shape_or_nan(exercise, calls, answers, right)
    if not seen and len(right[0]) == 1:
        seen = _one_for_all(exercise, [a[0] for a in answers], [r[0] for r in right])
    if seen:
        return seen
    if len(right[0]) > 1 and (good := _values_that_agree(exercise, answers, right)):
        return (
            f"Of the {len(right[0])} values that you return, only these are right: "
            f"{', '.join(good)}. Take the others one at a time, and hold their lines against the "
            f"equation on page {exercise.page_number}."
        )
    agree = [agrees(exercise, *pair) for pair in zip(answers, right, strict=True)]
    if any(agree):
        odd = agree.index(2 * sum(agree) < len(agree))  # the first of the smaller part
        made = described(exercise.solve, calls[odd])
        return (
            f"Right for {sum(agree)} of {len(agree)} calls. When called with {made} it is "
            f"{'right' if agree[odd] else 'wrong'}: what is special there? Do a case as small as "
            "you can by hand."
        )
    if not exercise.parameters:
        return (
            "This is not right, and it is none of the mistakes that this check knows by name. Work "
            f"it again from the equation on page {exercise.page_number}, a line at a time."
        )
    return (
        "The shape is right, the numbers are not, and it is none of the mistakes that this check "
        f"knows by name. Hold your lines against the equation on page {exercise.page_number}, and "
        "do the smallest case by hand."
    )


def _values_that_agree(exercise: Exercise, answers: list[Answer], right: list[Answer]) -> list[str]:
    """``["the first"]``: which of several values are right in every call."""
    alike = [
        [
            close(*pair, exercise.rtol)
            for pair in zip(exercise.equivalent(answer), exercise.equivalent(wanted), strict=True)
        ]
        for answer, wanted in zip(answers, right, strict=True)
    ]
    places = ("the first", "the second", "the third", "the fourth")
    return [
        place
        for place, good in zip(places, map(all, zip(*alike, strict=True)), strict=False)
        if good
    ]


def _shape_or_nan(
    exercise: Exercise, calls: list[tuple], answers: list[Answer], right: list[Answer]
) -> str | None:
    layout = "It holds as many numbers as it should: which axis comes first, and is one too many?"
    number = "Which axis is summed over, and is one too many kept or lost?"
    for arguments, answer, wanted in zip(calls, answers, right, strict=True):
        for place, (part, aim) in enumerate(zip(answer, wanted, strict=True), start=1):
            which = "Your answer" if len(wanted) == 1 else f"Value {place} of your answer"
            made = described(exercise.solve, arguments)
            if part.shape != aim.shape:
                expected = aim.shape or "a single number"
                return (
                    f"{which} has shape {part.shape}, where {expected} belongs, when called with "
                    f"{made}. {layout if part.size == aim.size else number}"
                )
            if np.isfinite(aim).all() and not np.isfinite(part).all():
                return (
                    f"{which} holds NaN or infinite numbers when called with {made}. Look for a "
                    "division by zero, the logarithm of zero, or an exponential that is too large."
                )
    return None


def _one_for_all(exercise: Exercise, answers: Answer, right: Answer) -> str | None:
    """One change that would make all numbers right: a sign, a factor, an amount, a transpose."""
    yours = np.concatenate([part.ravel() for part in answers])
    ours = np.concatenate([part.ravel() for part in right])
    if close(-yours, ours, exercise.rtol):
        return (
            "Every number has the right size and the wrong sign. Is a loss asked for where you "
            "return a score, or a difference taken the wrong way round?"
        )
    if all(part.ndim == 2 and part.shape == part.T.shape for part in answers) and close(
        np.concatenate([part.T.ravel() for part in answers]), ours, exercise.rtol
    ):
        return (
            "Your answer is the transpose of the right one. Which index belongs to the rows? "
            "Read the function's description again."
        )
    if len(ours) == 1:
        return None
    hint = f"hold your lines against the equation on page {exercise.page_number}"
    factor = (ours @ yours) / (ours @ ours)
    if factor and close(yours, factor * ours, exercise.rtol):
        return (
            f"Every number is {factor:.4g} times what it should be. So the form is right and a "
            f"constant factor is not; {hint}."
        )
    if close(yours - np.mean(yours - ours), ours, exercise.rtol):
        return (
            "Every number is off by one and the same amount. So a constant is missing or there "
            f"is one too many; {hint}."
        )
    return None
