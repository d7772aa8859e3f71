"""Read numbers out of whatever a function returned."""

import types
from collections.abc import Iterator

import numpy as np
import torch


class Unusable(Exception):
    """There is nothing that can be compared; the text says what happened, to the student."""


class NotAttempted(Exception):
    """The function still holds what the student was given."""


def as_arrays(value: object, n_values: int) -> list[np.ndarray]:
    """Numbers, lists, NumPy arrays and tensors as float64 arrays, one for each value.

    Raises
    ------
    NotAttempted
        If the value, or one of them, is the ``...`` of the stub.
    Unusable
        If it cannot be read as numbers, or if there are more values or fewer.
    """
    if value is ...:
        raise NotAttempted
    if n_values == 1:
        return [as_array(value)]
    if isinstance(value, np.ndarray | torch.Tensor) and value.ndim:
        value = list(value)  # the values stacked in one array
    if not isinstance(value, tuple | list) or len(value) != n_values:
        came = f"{len(value)} values" if isinstance(value, tuple | list) else kind_of(value)
        raise Unusable(
            f"This exercise asks for {n_values} values, as in `return a, b`; yours returns {came}. "
            "Read the last lines of the function's description again."
        )
    if any(part is ... for part in value):
        raise NotAttempted
    return [as_array(part) for part in value]


def as_array(value: object) -> np.ndarray:
    """One value as a float64 array.

    Raises
    ------
    Unusable
        If it cannot be read as real numbers.
    """
    if isinstance(value, Iterator):
        raise Unusable(
            f"Your function returns {kind_of(value)}, which still has to be run through. Put "
            "`list(...)` around it, or say `return` where there is a `yield`."
        )
    if value is None or isinstance(value, str | bytes | dict | set) or callable(value):
        raise Unusable(
            f"Your function returns {kind_of(value)}, where numbers belong. A number, a list, a "
            "NumPy array or a tensor will do."
        )
    try:
        array = _numpy(value)
        imaginary = np.abs(array.imag).max(initial=0) if np.iscomplexobj(array) else 0
        if not imaginary > 1e-9 * np.abs(array.real).max(initial=1):
            return array.real.astype(float)
    except Exception:  # there is no end to what an object may do when it is read
        raise Unusable(
            f"Your function returns {kind_of(value)} that cannot be read as an array of numbers. "
            "Do its rows differ in length, or is something among them that is no number?"
        ) from None
    raise Unusable(
        "Your answer holds complex numbers, where real ones belong. For a symmetric matrix "
        "`np.linalg.eigh` gives real ones; the root of a negative number is complex."
    )


def _numpy(value: object) -> np.ndarray:
    value = _without_tensors(value)
    if isinstance(value, np.ma.MaskedArray):
        value = value.astype(float).filled(np.nan)
    array = np.asarray(value)
    if array.dtype == object:
        if any(part is None for part in array.ravel()):
            raise TypeError("None is no number")  # NumPy would make it NaN
        array = array.astype(float)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{array.dtype} holds no numbers")  # NumPy would read "0.5"
    return array


def _without_tensors(value: object) -> object:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg()
        return (value.double() if value.is_floating_point() else value).numpy()
    if isinstance(value, list | tuple):
        return [_without_tensors(part) for part in value]
    return value


def kind_of(value: object) -> str:
    """A value's type in words."""
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return "a function"
    words = {str: "text", dict: "a dictionary", set: "a set", list: "a list", tuple: "a tuple"}
    words |= {types.NoneType: "None", types.GeneratorType: "a generator"}
    return words.get(type(value), f"one value of type {type(value).__name__}")
