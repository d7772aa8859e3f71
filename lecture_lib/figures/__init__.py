"""Live figures of the book: each a Python class and the JavaScript file of the same name."""

from lecture_lib.figures.base import LiveFigure
from lecture_lib.figures.denoising import DenoisingFigure
from lecture_lib.figures.direction import DirectionFigure
from lecture_lib.figures.film import FilmFigure
from lecture_lib.figures.manifold import ManifoldFigure
from lecture_lib.figures.reconstruction import ReconstructionFigure

__all__ = [
    "DenoisingFigure",
    "DirectionFigure",
    "FilmFigure",
    "LiveFigure",
    "ManifoldFigure",
    "ReconstructionFigure",
]
