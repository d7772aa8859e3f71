"""Exercise: the loss of an autoencoder for a stack of images."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The loss of a stack of images",
    page="11-3-1-linear-autoencoder",
    equation="eq-ae-loss",
    level="warm-up",
    minutes=8,
    trains="You tell sums over dimensions from means over data, also when a point is an image.",
    statement=r"""
Images often arrive as a stack, with one axis for the images and two for their pixels. Write the loss of their
reconstructions. It must be the number that the equation gives when each image is laid out as one long vector $\x_i$.

Why the care? Libraries have a squared error ready that averages over *all* axes. Alone, its minimum is at the
same place; next to a second term, such as a price on weights or a KL divergence, it sets another balance.

Before you write: if every pixel of every image is off by $\tfrac12$, what is the loss of images with $28 \times 28$
pixels?
""",
    solution=r"""
The squared length of $\xh_i - \x_i$ is a sum over all entries of the vector, so over both pixel axes. What is left is
one number for each image, and of these {eq}`eq-ae-loss` takes the mean. With every pixel off by $\tfrac12$ each of
the $784$ terms is $\tfrac14$, and the loss is $196$, however many images there are.
""",
    afterwards="""
import matplotlib.pyplot as plt

from lecture_lib import PCA
from lecture_lib.datasets import load_digits

digits = load_digits()
sizes, losses = [1, 2, 5, 10, 20, 50, 100, 200], []
for Q in sizes:
    pca = PCA(Q).fit(digits.x_train)
    rebuilt = pca.inverse_transform(pca.transform(digits.x_test))
    stacks = [x.reshape(-1, 28, 28) for x in (digits.x_test, rebuilt)]
    losses.append(image_loss(*stacks))
plt.loglog(sizes, losses, "o-")
plt.xlabel("Q"), plt.ylabel("loss of PCA on new digits");
""",
)


@exercise.reference
def image_loss(X, X_hat):
    """The loss of a stack of images and their reconstructions.

    X : array, shape (N, H, W), the images
    X_hat : array, shape (N, H, W), their reconstructions
    returns : float
    """
    return ((X_hat - X) ** 2).sum(axis=(1, 2)).mean()


@exercise.inputs
def inputs(rng):
    for rows, height, width in [(4, 3, 5), (7, 4, 2), (2, 6, 3)]:
        yield rng.uniform(size=(rows, height, width)), rng.uniform(size=(rows, height, width))
    yield rng.uniform(size=(1, 3, 4)), rng.uniform(size=(1, 3, 4))
    yield np.zeros((3, 2, 5)), np.full((3, 2, 5), -0.5)


@exercise.mistake
def averaged_over_pixels(X, X_hat):
    """You averaged over pixels as well as over images, as `mse_loss` does if nobody tells it otherwise. The squared
    length of a vector is no mean. What becomes of it when an image has twice as many pixels?"""
    return ((X_hat - X) ** 2).mean()


@exercise.mistake
def summed_over_images(X, X_hat):
    """You summed over the images too. Then the loss grows with the number of images, and so does every slope. What
    does the equation do with the sum over i?"""
    return ((X_hat - X) ** 2).sum()


@exercise.mistake
def lengths_not_squared(X, X_hat):
    """You took the mean of the lengths of the differences. The equation has the square of each length. Is there a
    root too many?"""
    return np.sqrt(((X_hat - X) ** 2).sum(axis=(1, 2))).mean()


@exercise.mistake
def root_of_the_loss(X, X_hat):
    """Your result is the root of the right number. That is in the units of a pixel and pleasant to report; the loss
    of the equation is not. Where does the root come from?"""
    return np.sqrt(((X_hat - X) ** 2).sum(axis=(1, 2)).mean())


@exercise.mistake
def absolute_differences(X, X_hat):
    """You summed the absolute differences of the pixels. That is another loss, which forgives large errors more easily.
    Which power does the equation have?"""
    return np.abs(X_hat - X).sum(axis=(1, 2)).mean()


@exercise.mistake
def summed_over_one_pixel_axis(X, X_hat):
    """You summed over the rows of each image and averaged over its columns. An image is one vector, with all its
    pixels in it. How many axes does the sum run over?"""
    return ((X_hat - X) ** 2).sum(axis=1).mean()


@exercise.mistake
def one_for_each_image(X, X_hat):
    """You gave one number for each image, and these are right. A loss that descent can lower is one number for all of
    them. How does the equation get from the images to it?"""
    return ((X_hat - X) ** 2).sum(axis=(1, 2))


@exercise.mistake
def mean_and_sum_exchanged(X, X_hat):
    """You averaged over the pixels and summed over the images: the two are the wrong way round. Over what does the
    equation average, and what is inside the squared length?"""
    return ((X_hat - X) ** 2).mean(axis=(1, 2)).sum()


@exercise.variant
def with_loops(X, X_hat):
    total = 0.0
    for image, rebuilt in zip(X, X_hat, strict=True):
        for row, other in zip(image, rebuilt, strict=True):
            for p, q in zip(row, other, strict=True):
                total += (p - q) ** 2
    return total / len(X)


@exercise.variant
def laid_out(X, X_hat):
    difference = (X - X_hat).reshape(len(X), -1)
    return np.einsum("ij,ij->i", difference, difference).mean()


@exercise.variant
def with_torch(X, X_hat):
    X, X_hat = torch.as_tensor(X), torch.as_tensor(X_hat)
    return torch.nn.functional.mse_loss(X_hat, X, reduction="sum") / len(X)


@exercise.variant
def with_norms(X, X_hat):
    return np.mean(np.linalg.norm(X - X_hat, axis=(1, 2)) ** 2)
