"""Live figures of the book: each a Python class and the JavaScript file of the same name."""

from lecture_lib.figures.base import LiveFigure
from lecture_lib.figures.denoising import DenoisingFigure
from lecture_lib.figures.direction import DirectionFigure
from lecture_lib.figures.elbo import ElboFigure
from lecture_lib.figures.film import FilmFigure
from lecture_lib.figures.gradient import GradientFigure
from lecture_lib.figures.latent_plane import LatentPlaneFigure
from lecture_lib.figures.manifold import ManifoldFigure
from lecture_lib.figures.push_forward import PushForwardFigure
from lecture_lib.figures.reconstruction import ReconstructionFigure

__all__ = [
    "DenoisingFigure",
    "DirectionFigure",
    "ElboFigure",
    "FilmFigure",
    "GradientFigure",
    "LatentPlaneFigure",
    "LiveFigure",
    "ManifoldFigure",
    "PushForwardFigure",
    "ReconstructionFigure",
]
