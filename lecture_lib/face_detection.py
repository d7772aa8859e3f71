"""Is it a face? What the page on faces needs to compare detectors, and to say how sure it is.

A detector gives every test image a score: how much more likely it is as a face than as something
else. Scores are log odds at equal priors, in nats, so a detector that weighs both classes alike
says "face" above zero.
"""

import dataclasses
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
        return f"{self.value:5.1%} ({self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True)
class Rates:
    """How often a detector is right.

    Attributes
    ----------
    accuracy : Estimate
        Share of all test images that are told rightly, with Wilson's interval.
    balanced : Estimate
        Balanced accuracy: the mean of ``found`` and ``rejected``, whatever the share of faces.
    found, rejected : float
        Share of the faces called faces, and of the other images not called faces.
    """

    accuracy: Estimate
    balanced: Estimate
    found: float
    rejected: float


def rates(score: np.ndarray, y: np.ndarray, threshold: float = 0.0) -> Rates:
    """Count how often ``score > threshold`` agrees with the labels.

    The interval of the balanced accuracy joins the Wilson intervals of its two halves by adding
    squares (Newcombe 1998, "Interval estimation for the difference between independent
    proportions", method 10). Both intervals take the test images for independent draws.

    Parameters
    ----------
    score : array, shape (N,)
    y : array, shape (N,)
        1 for a face, 0 for something else.
    threshold : float

    Raises
    ------
    ValueError
        If the shapes differ, a score is not a number, or ``y`` does not hold both classes.
    """
    score, face = _checked(score, y)
    called = score > threshold
    found = _wilson(called[face])
    rejected = _wilson(~called[~face])
    middle = (found.value + rejected.value) / 2
    below = np.hypot(found.value - found.low, rejected.value - rejected.low) / 2
    above = np.hypot(found.high - found.value, rejected.high - rejected.value) / 2
    return Rates(
        accuracy=_wilson(called == face),
        balanced=Estimate(middle, middle - below, middle + above),
        found=found.value,
        rejected=rejected.value,
    )


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
