import numpy as np
import pytest

from lecture_lib.checks import same


def test_equal_values_are_printed_with_their_names(capsys):
    same("left", 2.0, "right side", 2.0)
    printed = capsys.readouterr().out
    assert "left        2\n" in printed
    assert "relative difference  0.0e+00" in printed


@pytest.mark.parametrize("wrong", [2.001, -2.0, np.nan, np.inf])
def test_a_difference_stops_the_page(wrong):
    with pytest.raises(AssertionError, match="“a” and “b” differ"):
        same("a", 2.0, "b", wrong)


def test_one_wrong_entry_of_an_array_is_enough():
    values = np.arange(6.0).reshape(2, 3)
    other = values.copy()
    other[1, 0] += 1e-6
    same("a", values, "b", values.copy())
    with pytest.raises(AssertionError):
        same("a", values, "b", other)


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\).*axis"):
        same("a", np.zeros(3), "b", np.zeros(2))


def test_the_difference_is_relative_for_small_values_too():
    with pytest.raises(AssertionError):
        same("a", 1e-12, "b", 2e-12)


def test_nothing_cannot_be_compared():
    with pytest.raises(ValueError, match="at least one number"):
        same("a", [], "b", [])
