"""Exercise: from nats in one unit to bits per pixel."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="From nats to bits per pixel",
    page="11-4-5-likelihoods",
    equation="eq-rescale",
    level="warm-up",
    minutes=10,
    by_hand=True,
    rtol=5e-4,
    trains="You make densities from different papers comparable, by bringing them to one unit.",
    statement=r"""
A paper trains a Gaussian VAE on faces of 19 × 19 pixels, with 256 grey levels, spread by noise of one level. It
divides them by 256, so that its $\x$ runs from 0 to 1, and reports a bound of $620$ nats a face. Another paper
works with the grey levels of the same faces, $\mathbf{y} = 256\,\x$, and reports $-1400$. Which is the better bound?

Answer two questions with a pencil. What is the first paper's bound in the unit of grey levels, as a density of
$\mathbf{y}$? And how many **bits per pixel** is that? This is minus the logarithm to base 2, divided by the number
of pixels. On average, a program that stores faces with the help of this model needs no more for a pixel.

For orientation: a pixel that is stored as it is takes 8 bits.
""",
    solution=r"""
There are $D = 19 \cdot 19 = 361$ pixels, and each is stretched by $a = 256$. A density is probability per volume,
and the volume grows by $a^D$, so {eq}`eq-rescale` takes $D \log a$ off, one $\log 256$ for each pixel. In the
same unit the second paper's bound is lower, by a little.

A nat is $1 / \log 2$ bits. Minus the bound in nats, divided by $D \log 2$, is the number of bits per pixel. It must
be taken from the unit of grey levels, where a cell of width one is one level, so that {eq}`eq-dequantise` turns the
density into a probability. The first unit would give a negative number of bits, and no program stores a pixel in less
than nothing.

There is a short way to check. $\log_2 256 = 8$, so the number is $8 - 620 / (361 \log 2)$: eight bits, less what
the model has learned.
""",
)


@exercise.reference
def bits_per_pixel():
    """The bound on grey levels, and the bits that a pixel takes.

    returns : nats, bits: the bound for one face as a density of y, in nats,
        and its bits per pixel; both to four significant digits
    """
    D, a = 19 * 19, 256
    nats = 620 - D * np.log(a)
    bits = -nats / (D * np.log(2))
    return nats, bits


def _bits(nats):
    return -nats / (361 * np.log(2))


@exercise.mistake
def shifted_the_wrong_way():
    """You made the density larger where the data are spread out more. The same probability lies in a larger volume
    then. Does a density rise or fall?"""
    nats = 620 + 361 * np.log(256)
    return nats, _bits(nats)


@exercise.mistake
def one_pixel_stretched():
    """You took one logarithm of 256 off. The stretch acts on every pixel, and the volume of a cell of all pixels grows
    by a factor for each of them. How many are there?"""
    nats = 620 - np.log(256)
    return nats, _bits(nats)


@exercise.mistake
def bits_taken_off_nats():
    """You took eight off for each pixel, the logarithm of 256 to base 2. The bound is in nats. Which logarithm does the
    formula have?"""
    nats = 620 - 361 * 8
    return nats, _bits(nats)


@exercise.mistake
def nats_per_pixel():
    """Your first number is right. Your second is in nats per pixel, still with the natural logarithm. How many nats are
    one bit?"""
    nats = 620 - 361 * np.log(256)
    return nats, -nats / 361


@exercise.mistake
def bits_per_face():
    """Your first number is right. Your second is the number of bits for a whole face. How many pixels share them?"""
    nats = 620 - 361 * np.log(256)
    return nats, -nats / np.log(2)


@exercise.mistake
def multiplied_by_log_two():
    """Your first number is right. In the second you went from nats to bits the wrong way: a bit is less than a nat, so
    there must be more of them. Which way does log 2 act?"""
    nats = 620 - 361 * np.log(256)
    return nats, -nats * np.log(2) / 361


@exercise.mistake
def bits_in_the_first_unit():
    """Your first number is right. Your bits come from the bound on x, in which one grey level is a 256th wide. What
    does a negative number of bits say about that unit?"""
    return 620 - 361 * np.log(256), _bits(620)


@exercise.mistake
def sign_of_the_bits():
    """Your first number is right, and the second has the wrong sign. A likely picture is cheap to store and an unlikely
    one dear. Which sign has the logarithm of a small probability?"""
    nats = 620 - 361 * np.log(256)
    return nats, -_bits(nats)


@exercise.mistake
def stretched_by_255():
    """You stretched by 255, the largest grey level. The paper divided by the number of levels. How many are there,
    with zero?"""
    nats = 620 - 361 * np.log(255)
    return nats, _bits(nats)


@exercise.mistake
def too_few_digits():
    """Your numbers are right as far as they go. The exercise asks for four significant digits of both. Do you have a
    calculator at hand?"""
    return -1382, 5.5


@exercise.variant
def from_eight_bits():
    bits = 8 - 620 / np.log(2) / 361
    return -bits * 361 * np.log(2), bits


@exercise.variant
def typed_with_four_digits():
    return -1382, 5.522
