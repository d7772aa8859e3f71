"""Numbers for the prose: what a cell computes, a sentence of the page can paste."""

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

# Front ends pass over outputs of a type that they do not know; MyST-NB looks for this prefix.
HIDDEN = "application/papermill.record/"


def glue(name: str, value: object) -> None:
    """Store a value under a name, so that the text can paste it.

    The text pastes a number with a format, ``{glue:text}`name:.2f```, and a figure with the
    ``glue:figure`` directive. This is MyST-NB's ``glue``, for which the environment of a student
    would need the whole of Sphinx; and it takes NumPy's numbers, which that one cannot format.

    Parameters
    ----------
    name : str
        Used once in the whole book.
    value : number, str or figure
        A number of NumPy is stored as Python's own.

    Raises
    ------
    ValueError
        If the value is an array of more than one number, or a number that is not finite: a
        sentence can say neither.
    """
    if isinstance(value, np.ndarray | np.generic):
        if value.size != 1:
            raise ValueError(
                f"expected one number for “{name}”; got an array of shape {value.shape}: "
                "choose an entry, or take its sum or mean"
            )
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        raise ValueError(f"expected a finite number for “{name}”; got {value}")
    data, _ = InteractiveShell.instance().display_formatter.format(value)
    if isinstance(value, float):
        data = {"text/plain": repr(value)}  # all digits, whatever precision a page displays
    display(
        {HIDDEN + mime: content for mime, content in data.items()},
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": HIDDEN}},
    )
