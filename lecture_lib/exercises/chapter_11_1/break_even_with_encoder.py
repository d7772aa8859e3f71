"""Exercise: how many recordings make codes pay off, if the encoder has to be stored too."""

import itertools

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="An encoder of its own",
    page="11-1-2-latent-variables",
    equation="eq-break-even",
    level="warm-up",
    minutes=8,
    trains="You count what a model stores, and find where it begins to be worth its cost.",
    by_hand=True,
    statement=r"""
A clinic stores heartbeats, each a recording of $D = 180$ numbers. It wants to store codes of $Q = 50$ numbers in
their place. PCA would need one set of directions for both maps. The clinic has trained a linear autoencoder instead,
and there each map has numbers of its own: the encoder $\z = \mathbf{A}\x + \mathbf{a}$ a matrix and an offset, the
decoder $\xh = \mathbf{B}\z + \mathbf{b}$ another matrix and another offset. Both maps are kept, because new
heartbeats will come.

From how many heartbeats $N$ on does the clinic store fewer numbers than without codes? Guess first: twice as many as
PCA would need, or more, or fewer?
""",
    solution=r"""
The codes are $NQ$ numbers. $\mathbf{A}$ is a $Q \times D$ matrix and $\mathbf{a}$ has $Q$ numbers; $\mathbf{B}$ is
$D \times Q$ and $\mathbf{b}$ has $D$. So the latent variables pay off as soon as

$$
NQ + 2DQ + Q + D < ND, \qquad \text{that is} \qquad N > \frac{2DQ + Q + D}{D - Q}.
$$

We may divide, as $D - Q$ is positive. The right-hand side is where both ways cost the same. It is no whole number
here, and "fewer" asks for the next one above it.

And the guess? Twice the right-hand side of {eq}`eq-break-even` is $(2DQ + 2D)/(D - Q)$. That is too much by
$(D - Q)/(D - Q) = 1$, because the offset of the encoder has $Q$ numbers and not $D$. So the two ways cost the same
exactly one heartbeat before twice the number of PCA, whatever $D$ and $Q$ are.
""",
)


@exercise.reference
def break_even_with_encoder():
    """The least N for which codes and both maps are fewer numbers.

    returns : a whole number
    """
    D, Q = 180, 50
    fixed_cost = 2 * D * Q + Q + D
    saved_by_each = D - Q
    return fixed_cost // saved_by_each + 1


@exercise.mistake
def encoder_left_out():
    """This is the answer for PCA, where one set of directions serves both maps. Here the encoder has numbers of its
    own, and they are stored too. What does it add to the fixed cost?"""
    D, Q = 180, 50
    return (D * Q + D) // (D - Q) + 1


@exercise.mistake
def not_a_whole_number():
    """You found where both ways cost the same, and the count is right. But heartbeats come in whole numbers. Which is
    the first that saves something?"""
    D, Q = 180, 50
    return (2 * D * Q + Q + D) / (D - Q)


@exercise.mistake
def one_too_few():
    """Your N is a little too small: with it, codes and maps still cost more than the heartbeats. Did you round down,
    or leave the offset of the encoder out? Put your N in, and count to the last number."""
    D, Q = 180, 50
    return (2 * D * Q + Q + D) // (D - Q)


@exercise.mistake
def offsets_forgotten():
    """Your N is a little too small, as it is when an offset is not counted. The decoder adds one of its own, and so
    does the encoder. How long is each?"""
    D, Q = 180, 50
    return (2 * D * Q) // (D - Q) + 1


@exercise.mistake
def both_offsets_of_length_d():
    """Your N is a little too large. It comes out so when the number for PCA is doubled, or when both offsets are taken
    to have D numbers. An offset is as long as what its map puts out. What does the encoder put out?"""
    D, Q = 180, 50
    return (2 * D * Q + 2 * D) // (D - Q) + 1


@exercise.mistake
def codes_cost_nothing():
    """You divided the cost of the two maps by D, as if a heartbeat with a code cost nothing more. Its code is stored
    too. How many numbers does each heartbeat really save?"""
    D, Q = 180, 50
    return (2 * D * Q + Q + D) // D + 1


@exercise.variant
def by_trying():
    D, Q = 180, 50
    for N in itertools.count(1):
        codes, encoder, decoder = np.zeros((N, Q)), np.zeros((Q, D + 1)), np.zeros((D, Q + 1))
        if codes.size + encoder.size + decoder.size < N * D:
            return N


@exercise.variant
def by_rounding_down():
    return float(np.floor((180 * 101 + 50) / 130 + 1))
