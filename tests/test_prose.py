import math

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lecture_lib.prose import HIDDEN, glue

InteractiveShell.instance()  # what a notebook has already: outputs are captured by it


def glued(value):
    with capture_output(stdout=False, stderr=False) as captured:
        glue("name", value)
    (output,) = captured.outputs
    assert output.metadata["scrapbook"] == {"name": "name", "mime_prefix": HIDDEN}
    return output.data[HIDDEN + "text/plain"]


@pytest.mark.parametrize(
    "value", [1 / 3, np.float64(1 / 3), np.float32(0.25), np.array([[2.5]]), 7, np.int64(7)]
)
def test_numbers_come_back_with_all_their_digits(value):
    assert float(glued(value)) == float(np.asarray(value).item())


def test_words_are_kept():
    assert "smaller" in glued("smaller")


@pytest.mark.parametrize("value", [math.nan, np.inf, -np.inf])
def test_a_sentence_cannot_say_nan(value):
    with pytest.raises(ValueError, match=r"finite number for “name”"):
        glue("name", value)


def test_an_array_is_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\).*choose an entry"):
        glue("name", np.zeros(3))
