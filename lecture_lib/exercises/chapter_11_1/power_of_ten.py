"""Exercise: a small gain in nats a point, and what it makes of a whole data set."""

import math

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A small gain, a thousand times",
    page="11-1-3-generative-models",
    equation="eq-log-likelihood",
    level="warm-up",
    minutes=5,
    trains="You say in plain numbers what a difference of log-likelihoods means.",
    by_hand=True,
    rtol=1e-3,
    statement=r"""
Two models are compared on $N = 1000$ points that were kept aside. Model A has $\log p(\x_i) = -1.62$ nats on average,
model B $-1.82$. For a single point that is little: on (geometric) average A gives it a density about a fifth higher.

How many times the density of B does A give the *whole data set*? The factor has too many digits to write out, so
write it as $10^k$ and give $k$, to one decimal. A pocket calculator is allowed. Guess first: is the factor larger or
smaller than the number of atoms in the observable universe, about $10^{80}$?
""",
    solution=r"""
Independent points: densities multiply, so logarithms add, {eq}`eq-log-likelihood`. The sum over the points is $N$
times their mean. So the log-likelihoods of the data set differ by $N$ times the gap, and the factor is $e$ to that
power:

$$
\frac{p_A(\x_1, \dots, \x_N)}{p_B(\x_1, \dots, \x_N)} = e^{\,N \cdot 0.20} = 10^{\,N \cdot 0.20 / \ln 10}
$$

The last step is $e = 10^{1/\ln 10}$. The factor is larger than the number of atoms. That is why one works with
logarithms, and why a fifth of a nat a point is not little.
""",
)


@exercise.reference
def power_of_ten():
    """The k for which A gives the data set 10^k times the density that B gives.

    returns : a number, to one decimal
    """
    N = 1000
    gap = -1.62 - (-1.82)  # nats a point
    return N * gap / np.log(10)


@exercise.mistake
def power_of_e():
    """This is the difference in nats, and nats count powers of e. A power of 10 was asked for. How many nats make a
    factor of ten?"""
    return 1000 * 0.2


@exercise.mistake
def one_point_only():
    """Your answer is right for one point. The data set has a thousand of them, and they are independent. What happens
    to their densities, and what to the logarithms of these?"""
    return 0.2 / math.log(10)


@exercise.mistake
def in_bits():
    """You counted factors of two: this is the difference in bits. A power of 10 was asked for. Which logarithm turns
    nats into powers of ten?"""
    return 1000 * 0.2 / math.log(2)


@exercise.mistake
def wrong_way_round():
    """Your k is negative, so that B would be the better model. The larger log density is the better one, also when
    both are below zero. Which of -1.62 and -1.82 is larger?"""
    return -1000 * 0.2 / math.log(10)


@exercise.mistake
def a_fifth_taken_as_exact():
    """You took the factor 1.2 a thousand times. "About a fifth" is too rough for that: its small error enters a
    thousand times too. What can you find from the two averages themselves?"""
    return 1000 * math.log10(1.2)


@exercise.mistake
def factors_added():
    """You found the factor of one point and multiplied it by the number of points. Densities of independent points
    are multiplied with each other. What becomes of a factor that is applied a thousand times?"""
    return math.log10(1000 * math.exp(0.2))


@exercise.mistake
def multiplied_by_the_logarithm():
    """You multiplied by ln 10 where you should have divided. A factor of ten is more than two nats, so there must be
    fewer tens than nats. Does your answer agree with that?"""
    return 1000 * 0.2 * math.log(10)


@exercise.mistake
def factor_itself():
    """This is the factor itself, and it is right. Only its power of ten was asked for: the k in 10^k. How many digits
    has your number?"""
    return math.exp(1000 * 0.2)


@exercise.mistake
def rounded_to_a_whole_number():
    """Nearly: you rounded to a whole number, and one decimal more was asked for. In a power of ten the decimal
    matters. What does a tenth more in k do to the factor?"""
    return 87


@exercise.variant
def with_a_product_of_factors():
    exponent = 0.0
    for _ in range(1000):
        exponent += math.log10(math.exp(-1.62) / math.exp(-1.82))
    return exponent


@exercise.variant
def read_from_a_calculator():
    return 86.9
