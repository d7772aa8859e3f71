"""The models of the book, one module for each idea of the lecture."""

from lecture_lib.autoencoders import Autoencoder, LinearAutoencoder
from lecture_lib.pca import PCA, ProbabilisticPCA
from lecture_lib.training import fit

__all__ = ["PCA", "Autoencoder", "LinearAutoencoder", "ProbabilisticPCA", "fit"]
