"""Exercise: how many numbers an autoencoder has to learn."""

from itertools import pairwise

import numpy as np
from torch import nn

from lecture_lib import Autoencoder, LinearAutoencoder
from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="How many numbers to learn?",
    page="11-3-1-linear-autoencoder",
    equation="eq-ae-linear",
    level="warm-up",
    minutes=8,
    trains="You read the size of a network off its layers, offsets included.",
    statement=r"""
Two autoencoders for digits of $28 \times 28$ pixels, both with a code of $8$ numbers. The first is linear, as in the
equation. The second has a hidden layer of $128$ units on each side of the code, so that its layers lead from $784$ to
$128$ to $8$ to $128$ to $784$ numbers. Every layer has an offset, and no two layers share a weight.

How many numbers does each of the two have to learn? First guess: by which factor does the second count exceed the
first? Then take pencil and paper.
""",
    solution=r"""
A layer from $n$ numbers to $m$ has a matrix of $m \times n$ weights and an offset of $m$ entries, one for each number
that it puts out: $(n + 1)\,m$ in all. The linear autoencoder of {eq}`eq-ae-linear` has two such layers. Its matrices
have $QD$ weights each, its offsets $Q$ and $D$ entries. The deep one has about fifteen
times as many. Almost all numbers of the deep one lie in the two layers that touch the pixels. The narrow layers in the middle cost little.

Only offsets of layers count: the input is not the result of a layer and has none. And not every count is a freedom:
by {eq}`eq-ae-invariance`, $Q^2 + Q$ numbers of a linear autoencoder can be chosen at will, if the others follow.
""",
    by_hand=True,
    rtol=1e-6,  # a count is right or wrong; eight offsets in two hundred thousand numbers must show
)


@exercise.reference
def count_weights():
    """The numbers that the linear and the deep autoencoder have to learn.

    returns : two whole numbers, that of the linear one first
    """
    linear = 8 * 784 + 8 + 784 * 8 + 784
    sizes = np.array([784, 128, 8, 128, 784])
    deep = ((sizes[:-1] + 1) * sizes[1:]).sum()
    return linear, deep


LINEAR, DEEP = np.array([784, 8, 784]), np.array([784, 128, 8, 128, 784])


@exercise.mistake
def offsets_forgotten():
    """You counted the matrices and left out the offsets. A layer adds a vector after it has multiplied. How long is
    that vector?"""
    return tuple((sizes[:-1] * sizes[1:]).sum() for sizes in (LINEAR, DEEP))


@exercise.mistake
def encoder_only():
    """Your counts end at the code: they are those of the encoders. An autoencoder is trained as a whole. Which layers
    lead from the code back to the pixels?"""
    return tuple(
        ((sizes[:-1] + 1) * sizes[1:])[: len(sizes) // 2].sum() for sizes in (LINEAR, DEEP)
    )


@exercise.mistake
def offsets_of_the_input():
    """You counted an offset for each input pixel too. An offset is added to what a layer puts out. Which layer puts
    out the input?"""
    return tuple((sizes[:-1] * sizes[1:]).sum() + sizes.sum() for sizes in (LINEAR, DEEP))


@exercise.mistake
def decoder_shares_the_matrices():
    """You counted each matrix once, as if the decoder used those of the encoder, transposed. Here no two layers share a
    weight. What does the decoder have of its own?"""
    return tuple((sizes[:-1] * sizes[1:]).sum() // 2 + sizes[1:].sum() for sizes in (LINEAR, DEEP))


@exercise.mistake
def last_offset_forgotten():
    """Your counts lack the offset of the layer that makes the reconstruction. Every layer has one, the last too. How
    long is it there?"""
    return tuple(((sizes[:-1] + 1) * sizes[1:]).sum() - 784 for sizes in (LINEAR, DEEP))


@exercise.mistake
def circles_counted():
    """You added up the sizes of the layers: the circles in a drawing of the network. What is learned are the arrows
    between them, and the offsets. How many arrows lead from one layer to the next?"""
    return LINEAR.sum(), DEEP.sum()


@exercise.variant
def layer_by_layer():
    deep = 0
    for n, m in [(784, 128), (128, 8), (8, 128), (128, 784)]:
        deep += n * m + m
    return [784 * 8 * 2 + 784 + 8, deep]


@exercise.variant
def counted_by_torch():
    def count(model):
        return sum(p.numel() for p in model.parameters())

    return count(LinearAutoencoder(784, 8)), count(Autoencoder(784, 8, hidden=(128,)))


@exercise.variant
def of_plain_layers():
    sizes = [784, 128, 8, 128, 784]
    deep = nn.Sequential(*[nn.Linear(n, m) for n, m in pairwise(sizes)])
    linear = nn.Sequential(nn.Linear(784, 8), nn.Linear(8, 784))
    return tuple(sum(p.numel() for p in model.parameters()) for model in (linear, deep))
