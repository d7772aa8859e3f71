"""Exercise: hidden pixels, filled in by PCA."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Fill in what is hidden",
    page="11-2-1-pca-derived",
    equation="eq-pca-codes",
    level="core",
    minutes=30,
    trains="You know what orthonormality is good for, and find the best code where it does not hold.",
    statement=r"""
The lower half of an image is lost. PCA of whole images is known: the mean and $Q$ orthonormal directions. The seen
pixels may tell what the hidden ones were. Take the code $\z$ for which the reconstruction $\xm + \V\z$ comes
nearest to the image *on the seen pixels*, in the sum of squares, and put that reconstruction where the image is
hidden. Seen pixels stay as they are.

Before you write: on the page the best code was a dot product with each direction, one by one. Which step of that
derivation fails here? What is $\v_j\T\v_k$ when only the seen entries are left in the sum?
""",
    solution=r"""
Let $\V_s$ be the rows of $\V$ that belong to seen pixels, and $\mathbf{a}_s$ the seen part of $\x - \xm$. Wanted is
the $\z$ that makes $\|\mathbf{a}_s - \V_s\z\|^2$ least. Expanding the square gives $\z\T\V_s\T\V_s\z$, and
$\V_s\T\V_s$ is no longer the identity: directions that were at right angles over all pixels are not so over some of
them. The double sum keeps its mixed terms, the codes do not stand alone, and the dot products of {eq}`eq-pca-codes`
are not the minimum.

Setting the gradient to zero gives $Q$ equations, $\V_s\T\V_s\,\z = \V_s\T\mathbf{a}_s$, an ordinary least-squares
problem. `lstsq` solves it. With everything seen the matrix is the identity again, and the dot products come back.

If fewer pixels are seen than there are directions, many codes fit the seen part equally well, and least
squares alone cannot choose among them. {doc}`Probabilistic PCA <../notebooks/11-2-5-probabilistic-pca>` can, with
its prior on $\z$.
""",
    afterwards="""from lecture_lib import PCA, plotting
from lecture_lib.datasets import load_digits

plotting.use_style()
digits = load_digits()
pca = PCA(n_components=12).fit(digits.x_train[:4000].astype(float))
seen = np.arange(784) < 28 * 16  # the upper sixteen rows
whole = digits.x_test[:6].astype(float)
part, V = whole * seen, pca.components_.T
rows = [part, [fill_in(x, seen, pca.mean_, V) for x in part], whole]
names = ["seen", "filled in", "whole"]
plotting.image_grid(np.vstack(rows), (28, 28), columns=6, row_labels=names);""",
)


@exercise.reference
def fill_in(x, seen, mean, V):
    """An image with its hidden pixels filled in by PCA.

    x : array, shape (D,), the image, 0 where it is hidden
    seen : array of bool, shape (D,), False where hidden; Q or more are True
    mean : array, shape (D,), the mean of whole images
    V : array, shape (D, Q), orthonormal directions as columns
    returns : array, shape (D,)
    """
    z = np.linalg.lstsq(V[seen], (x - mean)[seen], rcond=None)[0]
    return np.where(seen, x, mean + V @ z)


@exercise.inputs
def inputs(rng):
    for D, Q, hidden in [(9, 2, 3), (14, 4, 5), (7, 1, 1), (11, 3, 6)]:
        V = np.linalg.qr(rng.normal(size=(D, Q))).Q
        mean, seen = rng.uniform(0.3, 0.7, size=D), rng.permutation(D) >= hidden
        image = mean + V @ rng.normal(size=Q) + 0.1 * rng.normal(size=D)
        yield image * seen, seen, mean, V
    yield image, np.ones(D, dtype=bool), mean, V


@exercise.mistake
def dot_products(x, seen, mean, V):
    """Your codes are dot products over the seen pixels, which are best for orthonormal directions only. (The mean
    put in for hidden pixels comes to the same.) Over the seen pixels, which mixed terms stay in the square?"""
    return np.where(seen, x, mean + V @ (V[seen].T @ (x - mean)[seen]))


@exercise.mistake
def each_direction_alone(x, seen, mean, V):
    """You found the best code for each direction by itself. What one direction explains another may explain again,
    since on the seen pixels alone they are not at right angles. Can the codes be found one by one?"""
    part = V[seen]
    z = part.T @ (x - mean)[seen] / (part**2).sum(axis=0)
    return np.where(seen, x, mean + V @ z)


@exercise.mistake
def plain_reconstruction(x, seen, mean, V):
    """This is PCA's reconstruction of the image with zeros at the hidden pixels, and `seen` has no effect. Which
    pixels may the code depend on, and which may the result replace?"""
    return mean + V @ (V.T @ (x - mean))


@exercise.mistake
def hidden_taken_as_black(x, seen, mean, V):
    """Your code is computed from the whole image, with the zeros at the hidden pixels taken as if they had been seen.
    Which pixels may the code depend on?"""
    return np.where(seen, x, mean + V @ (V.T @ (x - mean)))


@exercise.mistake
def filled_with_the_mean(x, seen, mean, V):
    """You put the mean image where pixels are hidden. That is the reconstruction from a code of zeros. What can the
    seen pixels say about the code?"""
    return np.where(seen, x, mean)


@exercise.mistake
def mean_not_added(x, seen, mean, V):
    """The code is right, but you filled in Vz alone. A reconstruction walks along the directions from a starting
    point. Which one?"""
    z = np.linalg.lstsq(V[seen], (x - mean)[seen], rcond=None)[0]
    return np.where(seen, x, V @ z)


@exercise.mistake
def mean_not_subtracted(x, seen, mean, V):
    """You fitted the code to the seen pixels themselves, and then added the mean as well. What is Vz to explain, the
    image or its offset from the mean?"""
    z = np.linalg.lstsq(V[seen], x[seen], rcond=None)[0]
    return np.where(seen, x, mean + V @ z)


@exercise.mistake
def no_mean(x, seen, mean, V):
    """The mean has no effect on your result, as if every image were Vz alone. A reconstruction is the mean and Vz
    together. At which two places does the mean enter?"""
    z = np.linalg.lstsq(V[seen], x[seen], rcond=None)[0]
    return np.where(seen, x, V @ z)


@exercise.mistake
def seen_pixels_replaced(x, seen, mean, V):
    """The hidden pixels are right, but you replaced the seen ones too, by their reconstruction. What was seen is
    known. Which of the two is to stand where `seen` is True?"""
    return mean + V @ np.linalg.lstsq(V[seen], (x - mean)[seen], rcond=None)[0]


@exercise.mistake
def mask_turned_round(x, seen, mean, V):
    """You kept the pixels that are hidden and replaced those that are seen. The code is right. In which order does
    your choice take its two values?"""
    z = np.linalg.lstsq(V[seen], (x - mean)[seen], rcond=None)[0]
    return np.where(seen, mean + V @ z, x)


@exercise.variant
def by_the_normal_equations(x, seen, mean, V):
    part, offset = V[seen], x[seen] - mean[seen]
    z = np.linalg.solve(part.T @ part, part.T @ offset)
    result = x.copy()
    result[~seen] = mean[~seen] + V[~seen] @ z
    return result


@exercise.variant
def fill_again_and_again(x, seen, mean, V):
    """Project, put the seen pixels back, repeat: it settles at the least squares too."""
    guess = np.where(seen, x, mean)
    for _ in range(3000):
        guess = np.where(seen, x, mean + (guess - mean) @ V @ V.T)
    return guess


@exercise.variant
def with_torch(x, seen, mean, V):
    x, seen, mean, V = map(torch.as_tensor, (x, seen, mean, V))
    z = torch.linalg.pinv(V * seen[:, None]) @ ((x - mean) * seen)
    return x * seen + (mean + V @ z) * ~seen
