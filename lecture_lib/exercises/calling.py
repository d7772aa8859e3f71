"""Call a student's function and take what it gives, whatever it does.

Each thing that can go wrong becomes an ``Unusable`` with words for the student.
"""

import _thread
import contextlib
import copy
import dis
import inspect
import linecache
import signal
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch

SECONDS = 1.5  # for all calls of one check


class Unusable(Exception):
    """The function gave nothing that can be compared; the text says what happened."""


class NotAttempted(Exception):
    """The function still holds what the student was given."""


class TimeUp(BaseException):
    """The time is over. Not an Exception, or the student's ``except`` might catch it."""


@contextlib.contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """Raise ``TimeUp`` inside the block when the time is over, again until it is left.

    A Python loop can be interrupted everywhere; one long call into NumPy or PyTorch only at its
    end. Time for imports is not counted: the first optimiser of PyTorch loads for seconds. Signals
    exist in the main thread only, elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    left, ours = threading.Event(), threading.Event()
    end, loaded = time.monotonic() + seconds, len(sys.modules)

    def interrupt() -> None:
        # more than once: a bare `except` may have swallowed it
        while not left.wait(max(end - time.monotonic(), 0.05)):
            ours.set()
            _thread.interrupt_main()  # the one way that Windows has too

    def stop(*_: object) -> None:
        nonlocal end, loaded
        if not ours.is_set():
            raise KeyboardInterrupt  # the student's own
        ours.clear()
        if len(sys.modules) > loaded:
            end, loaded = time.monotonic() + seconds, len(sys.modules)
        elif time.monotonic() >= end and not left.is_set():
            raise TimeUp

    before = signal.signal(signal.SIGINT, stop)
    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        yield
    finally:
        left.set()
        watch.join()
        signal.signal(signal.SIGINT, before)


def call(function: Callable, arguments: tuple, n_values: int) -> tuple[list[np.ndarray], list[str]]:
    """The answer to one call as ``n_values`` arrays, and the names of the arguments it changed.

    Raises
    ------
    NotAttempted, Unusable
        If there is no answer to compare.
    """
    given = copy.deepcopy(arguments)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            value = function(*given)
    except NotImplementedError:
        raise NotAttempted from None
    except TimeUp as error:
        raise Unusable(
            f"Your function was stopped after {SECONDS} seconds{_where(error, function)}. "
            "Is there a loop that never ends? A few numbers need far less time."
        ) from None
    except (Exception, SystemExit) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no more is said"
        raise Unusable(
            f"Your function stops{_where(error, function)}. Python says {type(error).__name__}: "
            f"{reason.rstrip('.')}. It was called with {described(function, arguments)}."
        ) from None
    if value is None and not _is_blank(function):
        raise Unusable(
            "Your function runs to its end and returns nothing. Is the line with `return` missing, "
            "or does a branch end without one?"
        )
    changed = [
        name
        for name, before, after in zip(_names(function), arguments, given, strict=False)
        if not _unchanged(before, after)
    ]
    return as_arrays(value, n_values), changed


def as_arrays(value: object, n_values: int) -> list[np.ndarray]:
    """Numbers, lists, NumPy arrays and tensors as float64 arrays, one for each value.

    Raises
    ------
    NotAttempted
        If a value is None or the ``...`` of the stub.
    Unusable
        If it cannot be read as numbers, or if there are more values or fewer.
    """
    if value is None or value is ...:
        raise NotAttempted
    if n_values == 1:
        return [_as_array(value)]
    if isinstance(value, np.ndarray | torch.Tensor) and value.ndim:
        value = list(value)  # the values stacked in one array
    if not isinstance(value, tuple | list) or len(value) != n_values:
        came = f"{len(value)} values" if isinstance(value, tuple | list) else _kind(value)
        raise Unusable(
            f"This exercise asks for {n_values} values, as in `return a, b`; yours returns {came}. "
            "Read the last lines of the function's description again."
        )
    if any(part is None or part is ... for part in value):
        raise NotAttempted
    return [_as_array(part) for part in value]


def _as_array(value: object) -> np.ndarray:
    value = _without_tensors(value)
    if isinstance(value, str | bytes | dict | set) or callable(value):
        raise Unusable(
            f"Your function returns {_kind(value)}, where numbers belong. A number, a list, a "
            "NumPy array or a tensor will do."
        )
    try:
        array = np.asarray(value)
        if np.iscomplexobj(array):
            if np.abs(array.imag).max(initial=0) > 0:
                raise Unusable(
                    "Your answer holds complex numbers, where real ones belong. For a symmetric "
                    "matrix `np.linalg.eigh` gives real ones; a root of a negative number does not."
                )
            array = array.real
        if array.dtype == object and any(part is None for part in array.ravel()):
            raise TypeError("None is no number")  # NumPy would make it NaN
        return array.astype(float)
    except (TypeError, ValueError, RuntimeError):
        raise Unusable(
            f"Your function returns {_kind(value)} that cannot be read as an array of numbers. Do "
            "its rows differ in length, or is something among them that is no number?"
        ) from None


def _without_tensors(value: object) -> object:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.double() if value.is_floating_point() else value).numpy()
    if isinstance(value, list | tuple):
        return [_without_tensors(part) for part in value]
    return value


def described(function: Callable, arguments: tuple) -> str:
    """``X of shape (7, 3), Q = 2``: what a call was made with."""
    parts = []
    for name, argument in zip(_names(function), arguments, strict=False):
        if isinstance(argument, np.ndarray | torch.Tensor) and argument.ndim > 0:
            parts.append(f"{name} of shape {tuple(argument.shape)}{_extent(argument)}")
        elif isinstance(argument, int | float | np.number):
            parts.append(f"{name} = {argument:.4g}")
        else:
            parts.append(f"{name}, {_kind(argument)}")
    return ", ".join(parts) if parts else "no arguments"


def _extent(array: np.ndarray | torch.Tensor) -> str:
    """What is worth a word about the numbers of an array: that they are large, or all zero."""
    numbers = _as_array(array)
    least, most = numbers.min(initial=0), numbers.max(initial=0)
    if numbers.size and least == most == 0:
        return ", all zero"
    return f" with numbers from {least:.4g} to {most:.4g}" if max(-least, most) >= 100 else ""


def _kind(value: object) -> str:
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return "a function"
    words = {str: "text", dict: "a dictionary", set: "a set", list: "a list", tuple: "a tuple"}
    return words.get(type(value), f"one value of type {type(value).__name__}")


def _names(function: Callable) -> list[str]:
    return list(inspect.signature(function).parameters)


def _is_blank(function: Callable) -> bool:
    """Whether the body does nothing at all."""

    def blank() -> None: ...

    def steps(code: types.CodeType) -> list[str]:
        return [step.opname for step in dis.get_instructions(code)]

    code = getattr(function, "__code__", None)
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
    return True


def _where(error: BaseException, function: Callable) -> str:
    """The last line of the student's own code that an error went through."""
    theirs, own = getattr(function, "__globals__", None), None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals is theirs:
            own = trace
        trace = trace.tb_next
    if own is None:
        return ""
    code = own.tb_frame.f_code
    line = linecache.getline(code.co_filename, own.tb_lineno).strip()
    number = own.tb_lineno - code.co_firstlineno + 1
    where = "its" if code is function.__code__ else f"`{code.co_name}`,"
    return f" at {where} line {number}" + (f", `{line}`" if line else "")
