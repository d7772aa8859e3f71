"""What tests take from a page: the functions that it defines, and the values that it found."""

import ast

import execute
import nbformat
import pytest

from lecture_lib.prose import HIDDEN


def source(stem):
    """The source of a page, by the name of its file."""
    (found,) = [path for path in execute.sources() if path.stem == stem]
    return found


def defined_by(page, **scope):
    """Every function and class of a page, as it defines them, beside the names of ``scope``."""
    for code in execute.code_of(execute.read_source(page)):
        for node in ast.parse(code).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                exec(ast.unparse(node), scope)
    return scope


def glued_by(page):
    """What a page pastes into its text, from an execution of its present code."""
    if not execute.is_current(page, execute.environment_fingerprint()):
        pytest.skip("the page has not been run since it changed: `make book`")
    values = {}
    for cell in nbformat.read(execute.executed(page), as_version=4).cells:
        for output in cell.get("outputs", []):
            if "scrapbook" in output.get("metadata", {}):
                text = output.data[HIDDEN + "text/plain"]
                values[output.metadata.scrapbook.name] = ast.literal_eval(text)
    return values
