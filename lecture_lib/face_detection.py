"""Is it a face? What the page on faces needs to compare detectors, and to say how sure it is.

A detector gives every test image a score: how much more likely it is as a face than as something
else. Scores are log odds at equal priors, in nats, so a detector that weighs both classes alike
says "face" above zero.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split

from lecture_lib.datasets import ImageData


class Estimate(NamedTuple):
    """A share between 0 and 1, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """In per cent: the share, then the interval in brackets."""
        return f"{100 * self.value:.1f} ({100 * self.low:.1f}–{100 * self.high:.1f})"


@dataclass(frozen=True)
class Rates:
    """How often a detector is right.

    Attributes
    ----------
    accuracy : Estimate
        Share of all test images that are told rightly.
    balanced : Estimate
        Balanced accuracy: the mean of ``found`` and ``rejected``, whatever the share of faces.
    found, rejected : float
        Share of the faces called faces, and of the other images not called faces.
    """

    accuracy: Estimate
    balanced: Estimate
    found: float
    rejected: float


class Paired(NamedTuple):
    """What two detectors make of the same images.

    ``p_value`` is that of the exact sign test: how likely a fair coin, thrown for each image that
    only one of them tells rightly, falls at least as unevenly.
    """

    only_first_right: int
    only_second_right: int
    p_value: float


def rates(
    score: np.ndarray, y: np.ndarray, threshold: float = 0.0, face_share: float | None = None
) -> Rates:
    """Count how often ``score > threshold`` agrees with the labels.

    The interval of a share is Wilson's. That of a weighted sum of two shares joins their Wilson
    intervals by adding squares (Newcombe 1998, "Interval estimation for the difference between
    independent proportions", method 10). All take the test images for independent draws.

    Parameters
    ----------
    score : array, shape (N,)
    y : array, shape (N,)
        1 for a face, 0 for something else.
    threshold : float
    face_share : float, optional
        The accuracy if this share of the images were faces; by default as they are.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not a number, or ``y`` does not hold both classes.
    """
    score, face = _checked(score, y)
    called = score > threshold
    found = _wilson(called[face])
    rejected = _wilson(~called[~face])
    return Rates(
        accuracy=_wilson(called == face)
        if face_share is None
        else _mixed(found, rejected, face_share),
        balanced=_mixed(found, rejected, 0.5),
        found=found.value,
        rejected=rejected.value,
    )


def paired(first: np.ndarray, second: np.ndarray, y: np.ndarray) -> Paired:
    """Compare two detectors, scores (N,), by the images that only one of them tells rightly."""
    first_right, second_right = (
        (score > 0) == face for score, face in (_checked(first, y), _checked(second, y))
    )
    counts = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    p_value = binomtest(counts[0], sum(counts)).pvalue if any(counts) else 1.0
    return Paired(*counts, float(p_value))


def print_rates(
    scores: Mapping[str, np.ndarray], y: np.ndarray, face_share: float | None = None
) -> None:
    """Print accuracy and balanced accuracy of each detector, and of always answering "no"."""
    no_skill = "always “no”"
    width = max(len(name) for name in [*scores, no_skill]) + 2
    print(f"{'in %':{width}}{'accuracy':18}balanced accuracy")
    for name, score in scores.items():
        result = rates(score, y, face_share=face_share)
        print(f"{name:{width}}{result.accuracy!s:18}{result.balanced}")
    no = rates(np.full(len(y), -1.0), y, face_share=face_share)
    # a rule that is known beforehand: nothing about it is estimated, so no interval
    print(f"{no_skill:{width}}{100 * no.accuracy.value:<18.1f}{100 * no.balanced.value:.1f}")


def accuracy_curve(
    score: np.ndarray, y: np.ndarray, face_share: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Lower the threshold image by image, and follow the accuracy.

    Parameters
    ----------
    score, y : arrays, shape (N,)
        As in `rates`. Scores are taken to differ from each other.
    face_share : float, optional
        Weigh the images as if this share of them were faces; by default as they are.

    Returns
    -------
    called : array, shape (N + 1,)
        Share of the images called faces, from 0 to 1.
    accuracy : array, shape (N + 1,)
    """
    score, face = _checked(score, y)
    face = face[np.argsort(-score, kind="stable")]
    found = np.concatenate([[0], np.cumsum(face)]) / face.sum()
    alarms = np.concatenate([[0], np.cumsum(~face)]) / (~face).sum()
    share = face.mean() if face_share is None else face_share
    return (
        share * found + (1 - share) * alarms,
        share * found + (1 - share) * (1 - alarms),
    )


def gaussian_scores(
    classifier, x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray
) -> np.ndarray:
    """Fit a classifier of scikit-learn that knows class probabilities; return log odds (N,)."""
    log_p = classifier.fit(x_train, y_train).predict_log_proba(x_test)
    return log_p[:, 1] - log_p[:, 0]


def mixture_scores(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, states: int
) -> np.ndarray:
    """Fit one mixture of Gaussians to the faces and one to the rest; return log odds (N,).

    Each mixture has ``states`` Gaussians with diagonal covariances, started by k-means (seed 0) and
    fitted by expectation-maximisation. 0.001 is added to every variance, in squared units of the
    data: for grey values from 0 to 1, as if each pixel carried noise of standard deviation 0.03.

    Raises
    ------
    ValueError
        If a class has fewer training images than states.
    """
    fewest = np.bincount(y_train, minlength=2).min()
    if states > fewest:
        raise ValueError(
            f"expected at most as many states as images of a class; got {states} states for "
            f"{fewest} images: take fewer states, or more images"
        )
    log_p = []
    for label in (0, 1):
        mixture = GaussianMixture(
            states, covariance_type="diag", reg_covar=1e-3, max_iter=200, random_state=0
        )
        log_p.append(mixture.fit(x_train[y_train == label]).score_samples(x_test))
    return log_p[1] - log_p[0]


def hold_out(data: ImageData, test_share: float = 0.3) -> ImageData:
    """Leave the test images alone, and split the training images at random by class instead."""
    x_train, x_test, y_train, y_test = train_test_split(
        data.x_train, data.y_train, test_size=test_share, stratify=data.y_train, random_state=0
    )
    return dataclasses.replace(data, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def standardised(data: ImageData) -> ImageData:
    """Shift and scale the grey values of each image to mean 0 and standard deviation 1."""

    def rows(x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=1, keepdims=True)
        # an image of one grey has nothing to scale
        return centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-6)

    return dataclasses.replace(data, x_train=rows(data.x_train), x_test=rows(data.x_test))


def _wilson(right: np.ndarray) -> Estimate:
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return Estimate(float(right.mean()), float(interval.low), float(interval.high))


def _mixed(found: Estimate, rejected: Estimate, face_share: float) -> Estimate:
    value = face_share * found.value + (1 - face_share) * rejected.value

    def reach(f: float, r: float) -> float:
        return float(np.hypot(face_share * f, (1 - face_share) * r))

    return Estimate(
        value,
        value - reach(found.value - found.low, rejected.value - rejected.low),
        value + reach(found.high - found.value, rejected.high - rejected.value),
    )


def _checked(score: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    score, y = np.asarray(score), np.asarray(y)
    if score.shape != y.shape or score.ndim != 1:
        raise ValueError(
            f"expected one score for each label; got shapes {score.shape} and {y.shape}"
        )
    if np.isnan(score).any():
        raise ValueError("expected scores that are numbers; got NaN: look for NaN in the images")
    if set(np.unique(y)) != {0, 1}:
        raise ValueError(
            f"expected labels 0 and 1, both present; got {np.unique(y)}: choose data with "
            "faces and other images in the test part"
        )
    return score, y == 1
