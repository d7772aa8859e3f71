"""Call a student's function and take what it gives, whatever it does.

Each thing that can go wrong becomes an ``Unusable`` with words for the student.
"""

import contextlib
import copy
import dis
import inspect
import linecache
import types
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch

from lecture_lib.exercises.arrays import NotAttempted, Unusable, as_array, as_arrays, kind_of
from lecture_lib.exercises.time_limit import SECONDS, TimeUp, limited


@contextlib.contextmanager
def known_state() -> Iterator[None]:
    """Inside, PyTorch and NumPy are set as they are by default; outside, as they were.

    A student may have turned gradients off, in the notebook or inside a function. That must neither
    stop our own solutions nor outlive the call.
    """
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.device("cpu"),
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def call(function: Callable, arguments: tuple, n_values: int) -> tuple[list[np.ndarray], list[str]]:
    """The answer to one call as ``n_values`` arrays, and the names of the arguments it changed.

    Raises
    ------
    NotAttempted, Unusable
        If there is no answer to compare.
    TimeUp
        If it runs inside a ``time_limit`` that ends.
    """
    given = copy.deepcopy(arguments)
    try:
        with known_state():
            value = limited(function, *given)
    except (TimeUp, KeyboardInterrupt):
        raise
    except BaseException as error:
        *_, last = _steps(error)
        own = last.tb_frame.f_code is _code(function)
        if isinstance(error, NotImplementedError) and own:
            raise NotAttempted from None
        raise Unusable(
            f"Your function stops{_where(error, function)}. Python says {type(error).__name__}: "
            f"{_said(error)}. It was called with {described(function, arguments)}."
        ) from None
    if value is None and _is_blank(function):
        raise NotAttempted
    if value is None:
        raise Unusable(
            "Your function runs to its end and returns nothing. Is the line with `return` missing, "
            "or does a branch end without one?"
        )
    changed = [
        name
        for name, before, after in zip(_names(function), arguments, given, strict=False)
        if not _unchanged(before, after)
    ]
    return limited(as_arrays, value, n_values), changed


def described(function: Callable, arguments: tuple) -> str:
    """``X of shape (7, 3), Q = 2``: what a call was made with."""
    parts = []
    for name, argument in zip(_names(function), arguments, strict=False):
        if isinstance(argument, np.ndarray | torch.Tensor) and argument.ndim > 0:
            parts.append(f"{name} of shape {tuple(argument.shape)}{_extent(argument)}")
        elif isinstance(argument, int | float | np.number):
            parts.append(f"{name} = {argument:.4g}")
        else:
            parts.append(f"{name}, {kind_of(argument)}")
    return ", ".join(parts) if parts else "no arguments"


def _extent(array: np.ndarray | torch.Tensor) -> str:
    """What is worth a word about the numbers of an array: that they are large, or all zero."""
    try:
        numbers = as_array(array)
    except Unusable:
        return ""
    least, most = numbers.min(initial=0), numbers.max(initial=0)
    if numbers.size and least == most == 0:
        return ", all zero"
    return f" with numbers from {least:.4g} to {most:.4g}" if max(-least, most) >= 100 else ""


def _names(function: Callable) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # some functions of libraries have none
        return []


def _is_blank(function: Callable) -> bool:
    """Whether the body does nothing at all."""

    def blank() -> None: ...

    def steps(code: types.CodeType) -> list[str]:
        return [step.opname for step in dis.get_instructions(code)]

    code = _code(function)
    return code is not None and steps(code) == steps(blank.__code__)


def _unchanged(before: object, after: object) -> bool:
    if isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=True)
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(
            _unchanged(value, after[key]) for key, value in before.items()
        )
    if isinstance(before, list | tuple):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(_unchanged(*pair) for pair in pairs)
    return not isinstance(before, int | float | str) or before == after


def stopped(error: TimeUp, function: Callable) -> Unusable:
    """What to say when a function has used up its time."""
    return Unusable(
        f"Your function was stopped after {SECONDS} seconds{_where(error, function)}. "
        "Is there a loop that never ends? A few numbers need far less time."
    )


def _steps(error: BaseException) -> Iterator[types.TracebackType]:
    """What an error went through, outermost first."""
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _code(function: Callable) -> types.CodeType | None:
    return getattr(function, "__code__", None)


def _said(error: BaseException) -> str:
    """The first line of an error's text, as far as it can be shown."""
    try:
        text = str(error).strip().splitlines()[0]
    except Exception:  # none, or its own __str__ fails
        return "no more is said"
    return "".join(filter(str.isprintable, text))[:200].rstrip(".")


def _where(error: BaseException, function: Callable) -> str:
    """The last line of the student's own code that an error went through."""
    theirs = getattr(function, "__globals__", None)
    own = None
    for step in _steps(error):
        if step.tb_frame.f_globals is theirs:
            own = step
    if own is None:
        return ""
    code = own.tb_frame.f_code
    line = linecache.getline(code.co_filename, own.tb_lineno).strip()
    number = own.tb_lineno - code.co_firstlineno + 1
    where = "its" if code is _code(function) else f"`{code.co_name}`,"
    return f" at {where} line {number}" + (f", `{line}`" if line else "")
