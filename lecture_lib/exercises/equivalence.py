"""When are two answers equally right? Each function maps an answer to what all of them share.

An answer is a list of arrays, one for each value that is returned.
"""

import numpy as np


def exact(answer: list[np.ndarray]) -> list[np.ndarray]:
    """There is one right answer."""
    return answer


def up_to_signs(answer: list[np.ndarray]) -> list[np.ndarray]:
    """The columns of the first array may each be negated, as eigenvectors may.

    Later arrays stay as they are.
    """
    first, *rest = answer
    if first.ndim != 2 or first.size == 0:
        return answer
    largest = first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])]
    return [first * np.where(largest < 0, -1, 1), *rest]


def up_to_rotation(answer: list[np.ndarray]) -> list[np.ndarray]:
    """The first array, V, may be any V R with R orthogonal: all of them share V Vᵀ.

    Later arrays stay as they are.
    """
    first, *rest = answer
    return [first @ first.T, *rest] if first.ndim == 2 else answer
