"""The models of the book, one module for each idea of the lecture."""

from lecture_lib.autoencoders import Autoencoder, LinearAutoencoder
from lecture_lib.pca import PCA, ProbabilisticPCA
from lecture_lib.training import fit
from lecture_lib.vae import VAE

__all__ = ["PCA", "VAE", "Autoencoder", "LinearAutoencoder", "ProbabilisticPCA", "fit"]
