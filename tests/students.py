"""What students must not read, and what they may type."""

import ast
import inspect

from lecture_lib.exercises import source


def given_away(exercise, shown):
    """The statements, calls and formulas of the solution that ``shown`` holds, blanks apart.

    Pieces of up to 16 characters, such as ``X - X.mean(axis=0)``, are words of the language.
    """
    shown = "".join(shown.split())
    body = ast.parse(exercise.solution_code).body[0].body[1:]
    nodes = [node for line in body for node in ast.walk(line)]
    pieces = {
        "".join(ast.unparse(node).removeprefix("return ").split())
        for node in nodes
        if isinstance(node, ast.stmt | ast.BinOp | ast.Call)
    }
    return sorted(piece for piece in pieces if len(piece) > 16 and piece in shown)


def mistaken(exercise):
    """A known mistake, and a text that makes it in the student's notebook."""
    mistake = exercise.mistakes[0]
    if not exercise.parameters:  # only a result is typed in
        return mistake, exercise.stub.replace("...", repr(mistake()))
    helpers = sorted(set(inspect.getclosurevars(mistake).globals) - {"np", "torch"})
    imports = f"from {mistake.__module__} import {', '.join(helpers)}\n\n" if helpers else ""
    return mistake, imports + source.text_of(mistake).replace(mistake.__name__, exercise.name, 1)
