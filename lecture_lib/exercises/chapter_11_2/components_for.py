"""Exercise: how many components an error budget needs."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="How many components does a budget need?",
    page="11-2-3-digits",
    equation="eq-digits-error",
    level="core",
    minutes=15,
    trains="You read the error of every Q off one list of singular values, and find the smallest Q that will do.",
    statement=r"""
Each image is to be stored as $Q$ codes, as few as possible. The mean squared error of an image, summed over its pixels,
must not exceed a budget. No image needs to be rebuilt to find the right $Q$: the spectrum knows.

Software often has no eigenvalues to offer. It takes the singular value decomposition $\mathbf{A}\mathbf{B}\V\T$ of
the centred data, and gives the numbers $s_j$ on the diagonal of $\mathbf{B}$, the **singular values**. How do they
belong to the $\lambda_j$ of $\S$?

Write the smallest $Q$ that meets the budget on the images PCA was fitted to. It may be 0: then the mean image alone
is good enough.
""",
    solution=r"""
The centred data are $\mathbf{A}\mathbf{B}\V\T$ with orthonormal columns in $\mathbf{A}$ and $\V$, so
$\S = \V\mathbf{B}\mathbf{A}\T\mathbf{A}\mathbf{B}\V\T = \V\mathbf{B}^2\V\T$. The columns of $\V$ are the
eigenvectors, and $\lambda_j = s_j^2$.

{eq}`eq-digits-error` gives the error with $Q$ components as the sum of what is *left out*, divided by $N$. Summing
from the small end gives these sums for all $Q$ at once: after turning the result round again, entry $Q$ of `errors`
(counting from 0, as Python does) is the error with $Q$ components.

The errors only fall with $Q$. So those above the budget are the first ones, and their number is the first $Q$ that
is no longer above it. If none is above, that is 0. If all are, it is the number of singular values: then all of
them are needed, and nothing is lost.
""",
    afterwards="""from lecture_lib.datasets import load_digits

x = load_digits().x_train[:1000].astype(float)
s = np.linalg.svd(x - np.mean(x, axis=0), compute_uv=False)
print(f"the mean image alone: error {(s**2).sum() / len(x):.1f}")
for budget in (40, 20, 10, 5, 1):
    print(f"error {budget:2}: Q = {components_for(s, len(x), budget)}")""",
)


@exercise.reference
def components_for(singular_values, N, budget):
    """The smallest Q whose mean squared error keeps within the budget.

    singular_values : array, shape (D,), of the centred data, falling
    N : int, how many images the data hold
    budget : number, largest mean squared error of an image allowed
    returns : int, from 0 to D
    """
    eigenvalues = singular_values**2
    errors = np.cumsum(eigenvalues[::-1])[::-1] / N
    return (errors > budget).sum()


@exercise.inputs
def inputs(rng):
    for D, N, Q in [(30, 50, 11), (45, 61, 24), (24, 200, 5), (18, 20, 13)]:
        s = np.sort(rng.uniform(2, 6) * 0.93 ** np.arange(D) * rng.uniform(0.9, 1.1, D))[::-1]
        yield s, N, 1.05 * (s[Q:] ** 2).sum() / N
    s = np.sort(rng.uniform(1, 3, 8))[::-1]
    yield s, 10, 1.04 * (s[3:] ** 2).sum() / 10  # so close that N - 1 is not N
    yield s, 10, 1.2 * (s**2).sum() / 10
    yield s, 10, 0.5 * s[-1] ** 2 / 10


@exercise.mistake
def divided_by_one_less(singular_values, N, budget):
    """You divided by N − 1. The mean squared error is a mean over the N images, and no variance is estimated here.
    By what does the equation divide?"""
    return (np.cumsum(singular_values[::-1] ** 2)[::-1] / (N - 1) > budget).sum()


@exercise.mistake
def not_squared(singular_values, N, budget):
    """You summed the singular values as they are. Errors are sums of eigenvalues of S. How does a singular value of
    the centred data belong to an eigenvalue of the data's scatter?"""
    return (np.cumsum(singular_values[::-1])[::-1] / N > budget).sum()


@exercise.mistake
def sum_for_mean(singular_values, N, budget):
    """You compared the error of all images together with the budget, so Q comes out too large. The budget is for
    one image, on average. Where does N enter?"""
    return (np.cumsum(singular_values[::-1] ** 2)[::-1] > budget).sum()


@exercise.mistake
def averaged_over_pixels(singular_values, N, budget):
    """You divided by the number of pixels too. The error of an image is summed over its pixels; only images are
    averaged. How many divisors does the equation have?"""
    errors = np.cumsum(singular_values[::-1] ** 2)[::-1] / N / len(singular_values)
    return (errors > budget).sum()


@exercise.mistake
def retained_for_lost(singular_values, N, budget):
    """You asked when the scatter that is retained reaches the budget. The budget bounds what is lost. Which
    eigenvalues make up the error, those that are chosen or the others?"""
    return (np.cumsum(singular_values**2) / N < budget).sum()


@exercise.mistake
def one_too_few(singular_values, N, budget):
    """Your Q is one too small: its error still exceeds the budget. Is the first entry of your sums the error with
    no component, or with one?"""
    errors = np.cumsum(singular_values[::-1] ** 2)[::-1] / N
    return max((errors > budget).sum() - 1, 0)


@exercise.mistake
def never_none(singular_values, N, budget):
    """Your Q is right except where the mean image alone meets the budget: then no component is needed. Does your
    search begin with Q = 1?"""
    errors = np.cumsum(singular_values[::-1] ** 2)[::-1] / N
    return max((errors > budget).sum(), 1)


@exercise.mistake
def one_too_many(singular_values, N, budget):
    """Your Q is one too large: a component less would meet the budget too. Python counts from 0. Which Q does the
    first entry of your sums belong to?"""
    errors = np.cumsum(singular_values[::-1] ** 2)[::-1] / N
    return (errors > budget).sum() + 1


@exercise.mistake
def each_alone(singular_values, N, budget):
    """You compared each eigenvalue by itself, over N, with the budget. Each may pass alone, and all together exceed
    it. What do the components that are left out lose together?"""
    return (singular_values**2 / N > budget).sum()


@exercise.mistake
def share_of_the_total(singular_values, N, budget):
    """You compared a share of the total scatter with the budget. A share has no unit, and the budget is a mean
    squared error. What is the error of one image, before it is divided by any total?"""
    left_out = np.cumsum(singular_values[::-1] ** 2)[::-1]
    return (left_out / left_out[0] > budget).sum()


@exercise.variant
def counting_up(singular_values, N, budget):
    Q = 0
    while sum(s**2 for s in singular_values[Q:]) / N > budget:
        Q += 1
    return Q


@exercise.variant
def by_what_is_kept(singular_values, N, budget):
    eigenvalues = np.asarray(singular_values, dtype=float) ** 2
    kept = np.append(0, np.cumsum(eigenvalues))
    return int(np.argmax(kept >= kept[-1] - N * budget))
