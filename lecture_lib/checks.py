"""Set two computations of one quantity side by side; stop if they differ by more than rounding."""

import numpy as np


def same(
    first_name: str,
    first: np.ndarray | float,
    second_name: str,
    second: np.ndarray | float,
    *,
    rtol: float = 1e-9,
) -> None:
    """Print two values that should be equal, and how far apart they are.

    A page calls this after each line of a derivation: the line before it and the line itself,
    evaluated on the same data.

    Parameters
    ----------
    first_name, second_name : str
        What each value is, in words.
    first, second : array or float
        Of one shape. Single numbers are printed; of arrays only the shape.
    rtol : float
        The largest difference allowed, relative to the largest magnitude in ``first``. The default
        leaves room for rounding in float64 sums of some thousand terms, and for nothing else.

    Raises
    ------
    ValueError
        If the shapes differ: two lines of one derivation describe one object. If there is nothing
        to compare.
    AssertionError
        If the values differ by more than ``rtol`` allows, or are not finite.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape:
        raise ValueError(
            f"expected two values of one shape; got {first.shape} for “{first_name}” and "
            f"{second.shape} for “{second_name}”: check the axis of a sum"
        )
    if first.size == 0:
        raise ValueError(
            f"expected at least one number in “{first_name}”; got shape {first.shape}: "
            "check the selection that made it"
        )
    scale = max(np.abs(first).max(), np.finfo(float).tiny)
    difference = np.abs(first - second).max() / scale
    width = max(len(first_name), len(second_name))
    for name, value in ((first_name, first), (second_name, second)):
        print(f"{name:<{width}}  {f'{value:.10g}' if value.ndim == 0 else f'array {value.shape}'}")
    print(f"{'relative difference':<{width}}  {difference:.1e}")
    if not difference <= rtol:  # NaN fails too
        raise AssertionError(f"“{first_name}” and “{second_name}” differ by more than rounding")
