"""Exercise: the best noise and weights of probabilistic PCA, with a pencil."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Noise and weights, with a pencil",
    page="11-2-5-probabilistic-pca",
    equation="eq-ppca-ml",
    level="core",
    minutes=10,
    trains="You read the best noise, the weights and the shrinkage of probabilistic PCA off a list of eigenvalues.",
    by_hand=True,
    rtol=2e-3,
    statement=r"""
Twenty points in five dimensions have a *scatter matrix* $\S$ with the eigenvalues

$$
120, \quad 52, \quad 8, \quad 6, \quad 4.
$$

Fit probabilistic PCA with $Q = 2$ and $\mathbf{R} = \mathbf{I}$, by the likelihood. Three numbers are asked for:
the noise variance $\sigma^2$; the length of the first column of $\W$; and the factor by which the model shrinks
PCA's coordinate along the *second* direction when a point is decoded from the mean of its posterior.

Before you compute: which of the two directions is shrunk more, and why should it be?
""",
    solution=r"""
The likelihood knows variances, so every eigenvalue is divided by $N = 20$ first: $6,\ 2.6,\ 0.4,\ 0.3,\ 0.2$. There
are $D - Q = 3$ directions left out, and the noise is the *mean* of their variances, {eq}`eq-ppca-ml`:
$\sigma^2 = (0.4 + 0.3 + 0.2)/3 = 0.3$.

Along $\v_1$ the model must have the variance 6 in all. The noise brings 0.3 of it in every direction, so $\W$
brings the rest, and the column's squared length is $6 - 0.3 = 5.7$.

Along $\v_2$ the variance is 2.6, and $0.3/2.6$ of it is noise. {eq}`eq-ppca-shrinkage` keeps the other part,
$1 - 0.3/2.6$. The first direction is shrunk less, by $1 - 0.3/6$: where the data vary much, little of what is seen
is noise.
""",
)


@exercise.reference
def ppca_by_hand():
    """The noise, the first weight and the second shrinkage of the fit.

    returns : (sigma2, length, factor)
        sigma2 : number, the noise variance, to three decimals
        length : number, of the first column of W, to three decimals
        factor : number, from 0 to 1, to three decimals
    """
    variances = np.array([120, 52, 8, 6, 4]) / 20
    sigma2 = variances[2:].mean()
    length = np.sqrt(variances[0] - sigma2)
    return sigma2, length, 1 - sigma2 / variances[1]


@exercise.mistake
def eigenvalues_for_variances():
    """You took the eigenvalues of S as they are. S is a sum over the points, and the likelihood knows variances.
    What lies between the two?"""
    return 6.0, np.sqrt(120 - 6), 1 - 6 / 52


@exercise.mistake
def divided_by_one_less():
    """You divided the scatter by N − 1. That is the unbiased variance, and here the likelihood decides. What does
    its maximum divide by?"""
    return 6 / 19, np.sqrt(114 / 19), 1 - 6 / 52


@exercise.mistake
def sum_for_mean():
    """Your noise variance is the sum over all the directions that were left out. Each of them has noise of its own,
    and σ² is the variance along one. What has to be done with the sum?"""
    return 0.9, np.sqrt(6 - 0.9), 1 - 0.9 / 2.6


@exercise.mistake
def divided_by_all_dimensions():
    """For the noise you divided by D = 5. The mean goes over the eigenvalues that are left out. How many are
    they?"""
    return 0.18, np.sqrt(6 - 0.18), 1 - 0.18 / 2.6


@exercise.mistake
def noise_not_subtracted():
    """Noise and factor are right. Your column is as long as the standard deviation of the data along it, and the
    noise comes on top of that. What part of the variance is left for W?"""
    return 0.3, np.sqrt(6), 1 - 0.3 / 2.6


@exercise.mistake
def root_forgotten():
    """Noise and factor are right. Your second number is a variance, the squared length of the column. What does
    WWᵀ hold along the first direction, the length or its square?"""
    return 0.3, 5.7, 1 - 0.3 / 2.6


@exercise.mistake
def sigma_for_variance():
    """Your first number is σ, the standard deviation of the noise, and the rest is right. The noise variance is
    asked for. Which of the two is the mean of the discarded variances?"""
    return np.sqrt(0.3), np.sqrt(5.7), 1 - 0.3 / 2.6


@exercise.mistake
def factor_of_the_first():
    """Noise and length are right. Your factor is that of the first direction. Which eigenvalue belongs to the
    second?"""
    return 0.3, np.sqrt(5.7), 1 - 0.3 / 6


@exercise.mistake
def what_is_taken_away():
    """Noise and length are right. Your factor is the part that is noise, which the model takes away. What is the
    coordinate multiplied by if there is no noise at all?"""
    return 0.3, np.sqrt(5.7), 0.3 / 2.6


@exercise.variant
def typed_in():
    return 0.3, 2.387, 0.885


@exercise.variant
def by_the_posterior():
    W = np.diag([np.sqrt(5.7), np.sqrt(2.3)])
    M = W.T @ W + 0.3 * np.eye(2)
    return 0.3, W[0, 0], (W @ np.linalg.inv(M) @ W.T)[1, 1]
