"""Exercise: how much an autoencoder saves over PCA, and how far luck could move that."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A saving, and the luck in it",
    page="11-3-4-comparing-reconstructions",
    equation="eq-ae-saving",
    level="core",
    minutes=20,
    trains="You compare two models on the same images, and say how much of it may be luck.",
    statement=r"""
PCA and an autoencoder have rebuilt the same held-out images. You have the squared error of each image, from both. Write
the saving of the autoencoder, and how far another set of images might have moved it: the standard deviation of the
saving over bootstrap draws. Each draw takes as many images as there are, with replacement; a table says which ones,
one draw a row.

Predict: if the network's error is four fifths of PCA's for *every* image, what are the two numbers? And are they the
same if you draw the images for the two models separately?
""",
    solution=r"""
The saving {eq}`eq-ae-saving` is a ratio of two sums over images, not a mean of ratios: an easy image, with a small
error of PCA, must not count as much as a hard one. Each draw is treated like the whole set, with the *same* images
above and below. Indexing with a table of whole numbers gives a table of errors, one draw a row, and the sums run
along the rows.

If the network's errors are four fifths of PCA's throughout, every draw saves a fifth and the standard deviation is
zero. All luck is in how hard the images are, and that cancels. With separate draws it would not, and a clear result
could look like noise. The standard deviation is not divided by the root of the number of draws: more draws measure it
more exactly, they do not make the luck smaller.
""",
    afterwards="""
from lecture_lib import PCA, Autoencoder, fit
from lecture_lib.datasets import load_digits

digits = load_digits()
x, new, Q = digits.x_train, digits.x_test[:1000], 8
pca = PCA(Q).fit(x)
torch.manual_seed(0)
model = Autoencoder(784, Q, hidden=(128,))
fit(model, x, epochs=10, learning_rate=3e-3)
rebuilt = model(torch.tensor(new).float()).detach().numpy()
others = [pca.inverse_transform(pca.transform(new)), rebuilt]
errors = [((other - new) ** 2).sum(axis=1) for other in others]
draws = np.random.default_rng(0).integers(len(new), size=(500, len(new)))
print("saving {:.3f}, standard deviation {:.3f}".format(
    *bootstrap_saving(*errors, draws)))
""",
)


@exercise.reference
def bootstrap_saving(pca_error, ae_error, draws):
    """The saving of an autoencoder, and its spread over bootstrap draws.

    pca_error : array, shape (N,), the squared error of each image
    ae_error : array, shape (N,), the same of the autoencoder
    draws : whole numbers from 0 to N - 1, shape (R, N), the images of each draw
    returns : two floats, the saving on all images, and the standard deviation
        of the savings of the draws, with 1/R
    """
    saving = 1 - ae_error.sum() / pca_error.sum()
    again = 1 - ae_error[draws].sum(axis=1) / pca_error[draws].sum(axis=1)
    return saving, again.std()


@exercise.inputs
def inputs(rng):
    for images, repeats in [(9, 25), (14, 12), (6, 18)]:
        hardness = rng.gamma(2.0, size=images) + 0.2
        pca_error, ae_error = hardness * rng.uniform(0.6, 1.5, (2, images))
        yield pca_error, 0.7 * ae_error, rng.integers(images, size=(repeats, images))
    # a saving of a half on every image: no spread, and both ratios hold without rounding
    whole = rng.integers(1, 9, size=8).astype(float)
    yield 2 * whole, whole, rng.integers(8, size=(10, 8))


def both(share, shares):
    return 1 - share, np.std(shares)


@exercise.mistake
def mean_of_ratios(pca_error, ae_error, draws):
    """You took the mean of the ratios of single images. There an easy image counts as much as a hard one. What does the
    equation sum before it divides?"""
    ratio = ae_error / pca_error
    return both(ratio.mean(), ratio[draws].mean(axis=1))


@exercise.mistake
def divided_by_the_network(pca_error, ae_error, draws):
    """You divided by the errors of the network. The saving is a share of PCA's error, so that one would be perfection.
    Whose
    errors stand below?"""
    shares = pca_error[draws].sum(axis=1) / ae_error[draws].sum(axis=1)
    return both(pca_error.sum() / ae_error.sum(), shares)


@exercise.mistake
def share_that_is_left(pca_error, ae_error, draws):
    """Your first number is the share of PCA's error that the network leaves. The spread is right, for it is the same.
    What share does it take away?"""
    saving, spread = exercise.solve(pca_error, ae_error, draws)
    return 1 - saving, spread


@exercise.mistake
def only_the_network_drawn_again(pca_error, ae_error, draws):
    """You drew the network's errors again and left PCA's as they were. Then a draw of hard images looks like a bad
    network. Which errors belong to the images of a draw?"""
    return both(ae_error.sum() / pca_error.sum(), ae_error[draws].sum(axis=1) / pca_error.sum())


@exercise.mistake
def standard_error_of_the_mean(pca_error, ae_error, draws):
    """You divided the spread by the root of the number of draws. That says how well the mean of the draws is known.
    How far another set of images moves the saving: does that shrink when you draw more often?"""
    saving, spread = exercise.solve(pca_error, ae_error, draws)
    return saving, spread / np.sqrt(len(draws))


@exercise.mistake
def one_less_than_r(pca_error, ae_error, draws):
    """Your saving is right, and the standard deviation is a little large: it divides by R − 1. That can be argued
    for. What does the description say?"""
    saving, spread = exercise.solve(pca_error, ae_error, draws)
    return saving, spread * np.sqrt(len(draws) / (len(draws) - 1))


@exercise.mistake
def mean_of_the_draws(pca_error, ae_error, draws):
    """Your first number is the mean over the draws. They scatter around the saving of the images that you have, and
    that one needs no draw. Which images does it sum over?"""
    shares = ae_error[draws].sum(axis=1) / pca_error[draws].sum(axis=1)
    return both(shares.mean(), shares)


@exercise.mistake
def summed_over_draws(pca_error, ae_error, draws):
    """You summed over the draws, place by place, so that one saving is left for each place. A draw is a whole set of
    images. Along which axis do the images of one draw lie?"""
    shares = ae_error[draws].sum(axis=0) / pca_error[draws].sum(axis=0)
    return both(ae_error.sum() / pca_error.sum(), shares)


@exercise.mistake
def spread_over_images(pca_error, ae_error, draws):
    """Your spread is that of single images, and the draws were not used. A saving over many images moves far less
    than that of one. Where do the draws come in?"""
    return both(ae_error.sum() / pca_error.sum(), ae_error / pca_error)


@exercise.mistake
def ratios_averaged_within_a_draw(pca_error, ae_error, draws):
    """Your saving is right. In the draws you averaged the ratios of single images, so there an easy image counts as
    much as a hard one. How is the saving of all images computed, and is a draw different?"""
    ratio = ae_error / pca_error
    return both(ae_error.sum() / pca_error.sum(), ratio[draws].mean(axis=1))


@exercise.variant
def with_loops(pca_error, ae_error, draws):
    again = []
    for row in draws:
        below = sum(pca_error[k] for k in row)
        again.append((below - sum(ae_error[k] for k in row)) / below)
    middle = sum(again) / len(again)
    return 1 - ae_error.mean() / pca_error.mean(), np.sqrt(
        np.mean([(v - middle) ** 2 for v in again])
    )


@exercise.variant
def with_counts(pca_error, ae_error, draws):
    counts = np.array([np.bincount(row, minlength=len(pca_error)) for row in draws])
    shares = (counts @ ae_error) / (counts @ pca_error)
    return (pca_error - ae_error).sum() / pca_error.sum(), np.std(-shares)


@exercise.variant
def with_torch(pca_error, ae_error, draws):
    pca_error, ae_error = torch.as_tensor(pca_error), torch.as_tensor(ae_error)
    draws = torch.as_tensor(draws)
    shares = ae_error[draws].mean(dim=1) / pca_error[draws].mean(dim=1)
    return 1 - ae_error.sum() / pca_error.sum(), shares.std(correction=0)
