"""The models of the book, one module for each idea of the lecture."""

from lecture_lib.pca import PCA, ProbabilisticPCA

__all__ = ["PCA", "ProbabilisticPCA"]
