"""What one exercise is: the only place from which its pages, notebooks and checks are made.

An exercise is one module, named like the function that the student completes. It holds the
statement, the reference solution, calls to compare it on, and mistakes that students make, each as
a function that makes it. ``book/adding-exercises.md`` shows one from top to bottom.
"""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lecture_lib.exercises import equivalence

CHAPTERS = {
    "11.1": "Latent variable models",
    "11.2": "Principal component analysis",
    "11.3": "Autoencoders",
    "11.4": "Variational autoencoders",
}
LEVELS = ("warm-up", "core", "project")


@dataclass(kw_only=True)
class Exercise:
    """An exercise: its words, and by the decorators below its functions.

    Parameters
    ----------
    title : str
        What is to be done, in a few words.
    page : str
        The page of the book that it belongs to, such as ``"11-4-3-vae"``.
    equation : str
        The label of the equation that it exercises, such as ``"eq-kl-closed"``.
    level : {"warm-up", "core", "project"}
    minutes : int
        A student's time, read and thought included.
    trains : str
        What one can do afterwards that one could not before.
    statement, solution : str
        Markdown. The statement says what is given and what is wanted; the solution explains the
        reference, which is shown above it.
    by_hand : bool
        True for pencil and paper: only the result is typed in.
    equivalent : function, optional
        Maps an answer, a list of arrays, to what all equally right answers share. See
        ``equivalence``.
    rtol : float
        The difference allowed, relative to the largest magnitude in a right answer. The default has
        room for computing in float32.
    afterwards : str
        Code that uses the finished function, for the student to run and to play with.
    """

    title: str
    page: str
    equation: str
    level: str
    minutes: int
    trains: str
    statement: str
    solution: str
    by_hand: bool = False
    equivalent: Callable = equivalence.exact
    rtol: float = 1e-4
    afterwards: str = ""
    solve: Callable = field(init=False)
    _inputs: Callable = field(default_factory=lambda: _one_call_without_arguments, init=False)
    mistakes: list[Callable] = field(default_factory=list, init=False)
    variants: list[Callable] = field(default_factory=list, init=False)

    def reference(self, function: Callable) -> Callable:
        """Decorate the solution; the student sees its name, arguments and docstring."""
        self.solve = function
        return function

    def inputs(self, function: Callable) -> Callable:
        """Decorate ``inputs(rng)``, which yields the arguments of each call that is compared."""
        self._inputs = function
        return function

    def mistake(self, function: Callable) -> Callable:
        """Decorate a function that makes a known mistake; its docstring is what the student reads.

        Two or three sentences: what was seen, what it means, a hint; never the solution.
        """
        self.mistakes.append(function)
        return function

    def variant(self, function: Callable) -> Callable:
        """Decorate another right way to write the solution; the tests hold that it passes."""
        self.variants.append(function)
        return function

    def calls(self, seed: int = 0) -> Iterator[tuple]:
        """The arguments of each call; other seeds give other numbers and shapes."""
        for arguments in self._inputs(np.random.default_rng(seed)):
            yield arguments if isinstance(arguments, tuple) else (arguments,)

    @property
    def name(self) -> str:
        """The name of the function that the student completes."""
        return self.solve.__name__

    @property
    def chapter(self) -> str:
        """The chapter, such as ``"11.4"``."""
        return ".".join(self.page.split("-")[:2])

    @property
    def page_number(self) -> str:
        """The number of its page, such as ``"11.4.3"``."""
        return ".".join(self.page.split("-")[:3])

    @property
    def anchor(self) -> str:
        """Its name in links and in the cells of notebooks."""
        return self.name.replace("_", "-")

    @cached_property
    def solution_code(self) -> str:
        """The text of the reference, without its decorator."""
        return text_of(self.solve)

    @cached_property
    def stub(self) -> str:
        """What the student is given: the reference with its body taken out.

        Being made from the reference, it cannot drift from it.
        """
        definition = ast.parse(self.solution_code).body[0]
        kept = self.solution_code.splitlines()[: definition.body[0].end_lineno]
        blank = "return ...  # your answer" if self.by_hand else "...  # your code"
        return "\n".join([*kept, f"    {blank}"])

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments."""
        return list(inspect.signature(self.solve).parameters)


def _one_call_without_arguments(rng: np.random.Generator) -> list[tuple]:
    return [()]


def message_of(mistake: Callable) -> str:
    """The words for a mistake: its docstring as one paragraph."""
    return " ".join(inspect.getdoc(mistake).split())


def text_of(function: Callable) -> str:
    """The source of a function without its decorator."""
    text = textwrap.dedent(inspect.getsource(function))
    return text[text.index("def ") :].rstrip()


def package_of(chapter: str) -> str:
    """The package that holds a chapter's exercises."""
    return f"lecture_lib.exercises.chapter_{chapter.replace('.', '_')}"


def names(chapter: str) -> list[str]:
    """The names of a chapter's exercises; nothing is loaded but their package."""
    package = importlib.import_module(package_of(chapter))
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def load(chapter: str, name: str) -> Exercise:
    """One exercise."""
    return importlib.import_module(f"{package_of(chapter)}.{name}").exercise


def exercises(chapter: str) -> list[Exercise]:
    """A chapter's exercises: warm-ups first, projects last, else in the order of its pages."""

    def place(exercise: Exercise) -> tuple:
        section = int(exercise.page.split("-")[2])
        return LEVELS.index(exercise.level), section, exercise.minutes, exercise.name

    return sorted((load(chapter, name) for name in names(chapter)), key=place)


def all_exercises() -> list[Exercise]:
    """The exercises of the book, chapter by chapter."""
    return [exercise for chapter in CHAPTERS for exercise in exercises(chapter)]


def find(name: str) -> Exercise | None:
    """The exercise whose function has this name, or None."""
    for chapter in CHAPTERS:
        if name in names(chapter):
            return load(chapter, name)
    return None
