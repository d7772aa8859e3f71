"""Exercise: how many equal weights a set of log-weights is worth."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="How many codes are these worth?",
    page="11-4-8-importance-weights",
    equation="eq-effective-samples",
    level="core",
    minutes=12,
    trains="You measure whether an average of weights rests on many draws or on one.",
    statement=r"""
You have drawn $K = 5000$ codes for a digit and report the average of their weights. If one weight is as large as
all the others together, your 5000 codes are worth four at most. Write the effective sample size $K_{\text{eff}}$
for each observation, from the *logarithms* of the weights.

Log-weights of a picture may be near $-900$, where every weight is zero for a computer, or near $900$, where it is
infinite. Which property of $K_{\text{eff}}$ helps: what becomes of it when all weights are multiplied by one number?

Before you write: what must come out for $K$ equal weights? And for one weight beside which all others vanish?
""",
    solution=r"""
The formula {eq}`eq-effective-samples` has the weights squared both above and below. Multiply all of them by $c$,
and $c^2$ cancels. So the weights may be divided by the largest, which in logarithms is a subtraction, for each
observation on its own. The largest weight is then 1, and nothing can overflow or become 0 / 0.

For $K$ equal weights it is $K^2 / K = K$. If all but one vanish, it is $1 / 1 = 1$. In terms of the shares
$\tilde{w}_k = w_k / \sum_l w_l$ the same number is $1 / \sum_k \tilde{w}_k^2$.
""",
    afterwards="""
import matplotlib.pyplot as plt

# posterior N(0, I) in Q dimensions, q with another width s
rng = np.random.default_rng(0)
for Q in (1, 5, 20):
    s = np.linspace(0.5, 2, 31)
    z = rng.normal(size=(1000, Q))
    squares = (z**2).sum(axis=1)[:, None]
    log_w = Q * np.log(s) - 0.5 * squares * (s**2 - 1)
    plt.plot(s, effective_sample_size(log_w), label=f"Q = {Q}")
plt.legend(), plt.xlabel("width of q"), plt.ylabel("worth of 1,000 codes");
""",
)


@exercise.reference
def effective_sample_size(log_w):
    """How many equal weights these are worth, for each of B observations.

    log_w : array, shape (K, B), logarithms of the weights of K codes
    returns : array, shape (B,), each from 1 to K
    """
    w = np.exp(log_w - log_w.max(axis=0))
    return w.sum(axis=0) ** 2 / (w**2).sum(axis=0)


@exercise.inputs
def inputs(rng):
    yield rng.normal(size=(int(rng.integers(5, 8)), 3))
    yield rng.normal(size=(1, 4))  # one code is worth one
    yield -900 + rng.normal(size=(int(rng.integers(3, 6)), 2))
    # equal weights, one that dominates, all of them huge, all of them tiny
    offset = np.array([[0.0, 0, 900, -900]] * 3)
    offset[1] -= np.array([0, 800, 0.5, 0])
    offset[2] -= np.array([0, 800, 2, 1])
    yield offset


def _shares(log_w, axis=0):
    return np.exp(log_w - np.logaddexp.reduce(log_w, axis=axis, keepdims=True))


@exercise.mistake
def weights_under_or_overflow(log_w):
    """Right for moderate log-weights, but near −900 all your weights are zero, near 900 infinite, and the quotient is
    NaN. A common factor of the weights cancels in the formula. Which factor makes the largest of them harmless?"""
    w = np.exp(log_w)
    return w.sum(axis=0) ** 2 / (w**2).sum(axis=0)


@exercise.mistake
def one_maximum_for_all(log_w):
    """You subtract one maximum of the whole array. Beside an observation with huge weights, those of another all become
    zero, and zero over zero is NaN. Whose weights are compared with each other?"""
    w = np.exp(log_w - log_w.max())
    return w.sum(axis=0) ** 2 / (w**2).sum(axis=0)


@exercise.mistake
def logarithms_as_weights(log_w):
    """You put the log-weights themselves into the formula. They may be negative, and a constant added to all of them
    changes your result, although it only rescales the weights. What turns them into weights?"""
    return log_w.sum(axis=0) ** 2 / (log_w**2).sum(axis=0)


@exercise.mistake
def squared_in_the_logarithm(log_w):
    """You square the log-weights where the weights should be squared. What becomes of a logarithm when the number
    itself is squared?"""
    total = np.logaddexp.reduce(log_w, axis=0)
    return np.exp(2 * total - np.logaddexp.reduce(log_w**2, axis=0))


@exercise.mistake
def sum_not_squared(log_w):
    """Your numerator is the sum of the weights, not its square. So a factor in all weights does not cancel. What
    happens to the numerator and to the denominator when all weights double?"""
    w = np.exp(log_w - log_w.max(axis=0))
    return w.sum(axis=0) / (w**2).sum(axis=0)


@exercise.mistake
def weights_not_normalised(log_w):
    """Your result is one over the sum of the squared weights, with the largest of them set to one. So it never exceeds
    one. What do the weights have to add up to in that form?"""
    return 1 / (np.exp(log_w - log_w.max(axis=0)) ** 2).sum(axis=0)


@exercise.mistake
def sum_of_squared_shares(log_w):
    """Your result is the sum of the squared shares, which is largest when one weight dominates. It never exceeds one.
    What makes a number of codes of it?"""
    return (_shares(log_w) ** 2).sum(axis=0)


@exercise.mistake
def share_of_all_codes(log_w):
    """Your result is at most one: it says which share of your codes counts. The exercise asks for their number, from 1
    to K. Did a mean slip in where the equation has a sum?"""
    return 1 / (_shares(log_w) ** 2).sum(axis=0) / len(log_w)


@exercise.mistake
def over_the_wrong_axis(log_w):
    """You summed over the observations, so that one number is left for each code. The codes of one observation belong
    together. Which axis do they lie along?"""
    return 1 / (_shares(log_w, axis=1) ** 2).sum(axis=1)


@exercise.variant
def with_shares(log_w):
    share = torch.softmax(torch.as_tensor(log_w), dim=0)
    return 1 / (share**2).sum(dim=0)


@exercise.variant
def with_a_loop(log_w):
    result = []
    for column in np.transpose(log_w):
        w = [np.exp(value - max(column)) for value in column]
        result.append(sum(w) ** 2 / sum(value * value for value in w))
    return result


@exercise.variant
def all_in_logarithms(log_w):
    total = np.logaddexp.reduce(log_w, axis=0)
    return np.exp(2 * total - np.logaddexp.reduce(2 * log_w, axis=0))
