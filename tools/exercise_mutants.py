"""Wrong answers made by machine: each reference solution with one or two small changes.

Operators are exchanged, constants moved, axes changed or dropped, functions replaced by their
neighbours, lines left out. Whoever changes the result must be caught by the check.
"""

import ast
import copy
import random
from collections.abc import Callable, Iterator

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
NEIGHBOURS = {
    "sum": ("mean", "max"),
    "mean": ("sum",),
    "exp": ("log", "square"),
    "log": ("exp", "log2"),
    "sqrt": ("square",),
    "square": ("sqrt",),
    "max": ("min", "sum"),
    "min": ("max",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "argsort": ("argmax",),
    "var": ("std",),
    "std": ("var",),
    "cumsum": ("cumprod",),
    "sin": ("cos",),
    "cos": ("sin",),
    "eye": ("ones",),
    "ones": ("zeros",),
    "outer": ("inner",),
    "ceil": ("floor",),
    "floor": ("ceil",),
    "abs": ("sign",),
    "logsumexp": ("softmax",),
    "logaddexp": ("maximum",),
}
Change = Callable[[ast.AST], None]


def changes(node: ast.AST) -> Iterator[Change]:
    """Every small change of this node; each edits a copy of it in place."""
    match node:
        case ast.BinOp(op=op):
            if type(op) in OPERATORS:
                yield lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
            if isinstance(op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
                yield _swap
            yield lambda n: _become(n, n.left)
            yield lambda n: _become(n, n.right)
        case ast.Compare(ops=[op]) if type(op) in OPERATORS:
            yield lambda n: setattr(n, "ops", [OPERATORS[type(n.ops[0])]()])
        case ast.UnaryOp(op=ast.USub()):
            yield lambda n: _become(n, n.operand)
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            yield lambda n: setattr(n, "value", n.value + 1)
            yield lambda n: setattr(n, "value", n.value - 1)
            if node.value:
                yield lambda n: setattr(n, "value", -n.value)
                yield lambda n: setattr(n, "value", n.value * 1.1)
        case ast.Call(func=func):
            for k in range(len(node.keywords)):
                yield lambda n, k=k: n.keywords.pop(k)
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", None)
            for other in NEIGHBOURS.get(name, ()):
                yield lambda n, other=other: _rename(n.func, other)
            if node.args and isinstance(func, ast.Attribute):
                yield lambda n: _become(n, n.args[0])
        case ast.Attribute(attr="T"):
            yield lambda n: _become(n, n.value)
        case ast.Subscript():
            yield lambda n: _become(n, n.value)
        case ast.FunctionDef():
            for k in range(1, len(node.body) - 1):  # not the docstring, not the last line
                yield lambda n, k=k: n.body.pop(k)


def _swap(node: ast.BinOp) -> None:
    node.left, node.right = node.right, node.left


def _rename(function: ast.AST, name: str) -> None:
    setattr(function, "attr" if isinstance(function, ast.Attribute) else "id", name)


def _become(node: ast.AST, other: ast.AST) -> None:
    node.__class__ = other.__class__
    node.__dict__ = dict(other.__dict__)


def places(tree: ast.AST) -> list[tuple[int, Change]]:
    """Each possible change with the number of its node in the order of ``ast.walk``."""
    return [(k, change) for k, node in enumerate(ast.walk(tree)) for change in changes(node)]


def mutants(code: str, pairs: int = 30) -> list[str]:
    """The texts of all functions that differ from ``code`` by one change, and some by two."""
    tree = ast.parse(code)
    single = places(tree)
    chosen: list[tuple] = [(place,) for place in single]
    if len(single) > 1:
        draw = random.Random(0)
        chosen += [tuple(draw.sample(single, 2)) for _ in range(pairs)]
    made = {}
    for several in chosen:
        other = copy.deepcopy(tree)
        nodes = list(ast.walk(other))
        try:
            for k, change in several:
                change(nodes[k])
            made[ast.unparse(ast.fix_missing_locations(other))] = None
        except (AttributeError, IndexError, TypeError, ValueError, KeyError):
            continue  # the first change took away what the second would have changed
    made.pop(ast.unparse(tree), None)
    return list(made)
