"""What every notebook that leaves the book has: its first cell, and what kind of notebook it is."""

import nbformat
from address import Repository
from nbformat.v4 import new_code_cell, new_notebook

INSTALL = """\
# The cells below use the package lecture_lib. Where it is missing, this installs it, or says how.
import importlib.util

if importlib.util.find_spec("lecture_lib") is None:
    """

NO_ADDRESS = """\
raise ModuleNotFoundError(
        "expected the package lecture_lib, which this notebook uses; it is not installed here: "
        "get the files of the book's project and run `pip install .` in their folder, with the "
        "Python of this notebook, or `make lab` there, which installs all and opens JupyterLab"
    )"""


def install_cell(published: Repository | None) -> nbformat.NotebookNode:
    """The cell that runs first. It is not folded: JupyterLab's keys would pass over it."""
    how = f'%pip install --quiet "{published.requirement}"' if published else NO_ADDRESS
    return new_code_cell(INSTALL + how, id="install")


def notebook_of(cells: list[nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """A Python notebook."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})
    nbformat.validate(notebook)
    return notebook
