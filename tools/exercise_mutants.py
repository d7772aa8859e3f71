"""Wrong answers made by machine: each reference solution with one or two small changes.

Operators are exchanged, constants moved, axes changed or dropped, arguments and returned values put
in another order, functions replaced by their neighbours, lines left out. Whoever changes the result
must be caught by the check.
"""

import ast
import copy
import random
from collections.abc import Callable, Iterator

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add, ast.Mod),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt,),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt,),
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
            for other in OPERATORS.get(type(op), ()):
                yield lambda n, other=other: setattr(n, "op", other())
            if isinstance(op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
                yield _swap
            yield lambda n: _become(n, n.left)
            yield lambda n: _become(n, n.right)
        case ast.AugAssign(op=op):
            for other in OPERATORS.get(type(op), ()):
                yield lambda n, other=other: setattr(n, "op", other())
        case ast.Compare(ops=[op]):
            for other in OPERATORS.get(type(op), ()):
                yield lambda n, other=other: setattr(n, "ops", [other()])
        case ast.UnaryOp(op=ast.USub()):
            yield lambda n: _become(n, n.operand)
        case ast.Constant(value=bool()):
            yield lambda n: setattr(n, "value", not n.value)
        case ast.Constant(value=int() | float()):
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
            if len(node.args) == 2:
                yield lambda n: n.args.reverse()
            if node.args and isinstance(func, ast.Attribute):
                yield lambda n: _become(n, n.args[0])
        case ast.Attribute(attr="T"):
            yield lambda n: _become(n, n.value)
        case ast.Subscript():
            yield lambda n: _become(n, n.value)
        case ast.Return(value=ast.Tuple()):
            yield lambda n: n.value.elts.reverse()
        case ast.For():
            for k in range(len(node.body) if len(node.body) > 1 else 0):
                yield lambda n, k=k: n.body.pop(k)
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
