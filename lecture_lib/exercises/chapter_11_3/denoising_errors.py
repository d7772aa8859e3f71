"""Exercise: what noise costs, copied, cut or faded, by hand."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Copy, cut or fade",
    page="11-3-5-denoising",
    equation="eq-dae-least-error",
    level="warm-up",
    minutes=10,
    trains="You add up what three denoisers lose, one direction at a time.",
    statement=r"""
Clean data in three dimensions have the standard deviations $s_1 = 3$, $s_2 = 1$ and $s_3 = \tfrac12$ along their
principal directions. Noise of standard deviation $\tau = 1.5$ is added to every coordinate. Three answers to a noisy
point:

- *copy* it;
- *cut*: PCA, with the number of directions that suits this noise best, and the best offset;
- *fade*: the best affine map there is.

What is the expected squared error of each? A pencil will do. Before you compute: for which of the three directions will
cutting and fading differ most, relative to what cutting leaves?
""",
    solution=r"""
All three maps work on one direction at a time, so their errors are sums of three terms.

- *Copy* passes all noise on and distorts nothing: $\tau^2$ for each direction, $D\tau^2$ in all.
- *Cut*: by {eq}`eq-dae-pca` a direction costs $\tau^2$ if it is kept and $s_j^2$ if it is dropped, and the smaller
  one is chosen. Here only the first direction is kept, and keeping it is not free.
- *Fade*: by {eq}`eq-dae-least-error` a direction costs $s_j^2\tau^2 / (s_j^2 + \tau^2)$.

Fading leaves the share $\max(s_j^2, \tau^2) / (s_j^2 + \tau^2)$ of what cutting leaves. That is one half where signal
and noise are equal and near one where they are far apart. The second direction, with $s_2^2 = 1$ against
$\tau^2 = 2.25$, is the one nearest to equality.
""",
    by_hand=True,
    rtol=1e-3,
)


@exercise.reference
def denoising_errors():
    """The expected squared errors of copying, cutting and fading.

    returns : three numbers, each to four digits
    """
    s2, tau2 = np.array([3, 1, 0.5]) ** 2, 1.5**2
    copy, cut = 3 * tau2, np.minimum(s2, tau2).sum()
    return copy, cut, (s2 * tau2 / (s2 + tau2)).sum()


def errors(s2, tau2):
    return len(s2) * tau2, np.minimum(s2, tau2).sum(), (s2 * tau2 / (s2 + tau2)).sum()


S, TAU = np.array([3, 1, 0.5]), 1.5


@exercise.mistake
def deviations_for_variances():
    """You put the standard deviations where variances belong. An expected squared error is made of squares. Which
    letters of the equation carry a 2?"""
    return errors(S, TAU)


@exercise.mistake
def kept_directions_cost_nothing():
    """Your figure for cutting is the variance of the dropped directions alone. A direction that is kept brings its
    noise with it. What does that cost?"""
    copy, _, fade = errors(S**2, TAU**2)
    return copy, (S**2)[S < TAU].sum(), fade


@exercise.mistake
def all_directions_kept_in_the_cut():
    """With all directions kept, PCA is a copy, and costs as much. For some of these directions dropping is cheaper than
    keeping. For which?"""
    copy, _, fade = errors(S**2, TAU**2)
    return copy, copy, fade


@exercise.mistake
def two_directions_kept():
    """Your cut keeps two directions. The second one then brings in more noise than it carries signal. What does it cost
    kept, and what dropped?"""
    copy, _, fade = errors(S**2, TAU**2)
    return copy, 2 * TAU**2 + S[2] ** 2, fade


@exercise.mistake
def noise_counted_once():
    """Your copy costs the noise of one coordinate. Every coordinate of a noisy point has noise of its own. How many are
    there?"""
    _, cut, fade = errors(S**2, TAU**2)
    return TAU**2, cut, fade


@exercise.mistake
def factors_added_up():
    """Your last number is the sum of the factors by which the directions fade. A factor says how much is kept of a
    coordinate. What error does it leave?"""
    copy, cut, _ = errors(S**2, TAU**2)
    return copy, cut, (S**2 / (S**2 + TAU**2)).sum()


@exercise.mistake
def averaged_over_directions():
    """Your errors are means over the three directions. The squared length of an error is a sum over them. Does the
    equation divide by D?"""
    return tuple(error / 3 for error in errors(S**2, TAU**2))


@exercise.mistake
def noise_not_squared():
    """You squared the standard deviations of the data, not that of the noise. Both are lengths, and variances are
    compared. What is the variance of the noise?"""
    return errors(S**2, TAU)


@exercise.variant
def rounded():
    return 6.75, 3.5, 2.717


@exercise.variant
def from_the_traces():
    Sigma = torch.diag(torch.tensor([9.0, 1.0, 0.25]))

    def loss(C):
        keep = torch.eye(3) - C
        return torch.trace(keep @ Sigma @ keep.T) + 2.25 * torch.trace(C @ C.T)

    wiener = Sigma @ torch.linalg.inv(Sigma + 2.25 * torch.eye(3))
    first = torch.diag(torch.tensor([1.0, 0.0, 0.0]))
    return loss(torch.eye(3)), loss(first), loss(wiener)
