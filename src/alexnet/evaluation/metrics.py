"""Classification metrics from probabilities and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alexnet.errors import UserError

_Z95 = 1.959963984540054
"""The 97.5% quantile of the standard normal distribution."""

_SMALLEST = np.finfo(np.float64).tiny
"""Replaces a probability of 0, so that the loss stays finite."""


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """Metrics of one class; None where undefined: recall without images of the class, precision
    without predictions of it, F1 without either."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    """Number of images of this class."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The metrics of one evaluation, from 0 to 1; intervals are (low, high), 95%."""

    count: int
    top1: float
    top1_interval: tuple[float, float]
    top5: float
    """Fraction of images whose class is among the `top5_k` most probable ones."""
    top5_interval: tuple[float, float]
    top5_k: int
    """5, or the number of classes where there are fewer: then top5 is 1 by definition."""
    loss: float
    """Mean cross-entropy in nats."""
    per_class: tuple[ClassMetrics, ...]
    """In the order of the model's classes."""
    confusion: NDArray[np.int64]
    """(C, C): true class by row, predicted class by column."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the model's order."""
        return tuple(one.name for one in self.per_class)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "count": self.count,
            "top1": self.top1,
            "top1_interval": list(self.top1_interval),
            "top5": self.top5,
            "top5_interval": list(self.top5_interval),
            "top5_k": self.top5_k,
            "loss": self.loss,
            "per_class": [
                {
                    "class": one.name,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                    "support": one.support,
                }
                for one in self.per_class
            ],
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
        }


def measure(probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> Metrics:
    """Compute the metrics of predictions.

    Args:
        probabilities: (N, C), each row of sum 1: the softmax of logits, or a mean of these.
        labels: (N,), the true class of each image as a number from 0 to C - 1.
        classes: the C names.

    Raises:
        UserError: no images, shapes that do not fit, a label out of range, or a value that is
            not finite.

    Example:
        >>> metrics = measure([[0.9, 0.1], [0.6, 0.4]], [0, 1], ["cat", "dog"])
        >>> metrics.top1, metrics.confusion.tolist()
        (0.5, [[1, 0], [1, 0]])
        >>> metrics.per_class[0].precision, metrics.per_class[1].precision
        (0.5, None)
    """
    p, truth = _checked(probabilities, labels, len(classes))
    rows, k = np.arange(len(truth)), min(5, len(classes))
    # --8<-- [start:paper-6]
    rank = _rank_of_truth(p, truth)
    hits1, hitsk = int((rank < 1).sum()), int((rank < k).sum())
    # --8<-- [end:paper-6]
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (truth, p.argmax(axis=1)), 1)
    return Metrics(
        count=len(truth),
        top1=hits1 / len(truth),
        top1_interval=wilson(hits1, len(truth)),
        top5=hitsk / len(truth),
        top5_interval=wilson(hitsk, len(truth)),
        top5_k=k,
        loss=float(-np.log(np.maximum(p[rows, truth], _SMALLEST)).mean()),
        per_class=_per_class(confusion, classes),
        confusion=confusion,
    )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the Wilson (1927) 95% interval of a proportion, without continuity correction.

    Unlike the usual plus or minus it stays within 0 and 1 and keeps a width at 0 and at 1.

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    fraction, z2 = hits / count, _Z95**2
    center = fraction + z2 / (2 * count)
    half = _Z95 * (fraction * (1 - fraction) / count + z2 / (4 * count * count)) ** 0.5
    scale = 1 + z2 / count
    # The ends are exactly 0 and 1 there, and rounding must not take them beyond.
    low = 0.0 if hits == 0 else (center - half) / scale
    high = 1.0 if hits == count else (center + half) / scale
    return low, high


def _checked(
    probabilities: ArrayLike, labels: ArrayLike, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    p, truth = np.asarray(probabilities, np.float64), np.asarray(labels)
    if p.size == 0 or truth.size == 0:
        raise UserError("no images to measure")
    if p.ndim != 2 or p.shape != (truth.size, classes) or truth.ndim != 1:
        raise UserError(
            f"expected probabilities of shape (N, {classes}) and N labels, "
            f"got {p.shape} and {truth.shape}"
        )
    if truth.dtype.kind not in "iu" or truth.min() < 0 or truth.max() >= classes:
        raise UserError(f"invalid labels: expected integers from 0 to {classes - 1}")
    if not np.isfinite(p).all():
        raise UserError("invalid probabilities: expected finite numbers")
    return p, truth.astype(np.int64)


def _rank_of_truth(p: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of the true class, (N,), from 0; equal probabilities rank by class order."""
    own = p[np.arange(len(truth)), truth][:, None]
    before = np.arange(p.shape[1])[None, :] < truth[:, None]
    rank: NDArray[np.int64] = ((p > own) | ((p == own) & before)).sum(axis=1)
    return rank


def _per_class(confusion: NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    metrics = []
    for i, name in enumerate(classes):
        correct, support = int(confusion[i, i]), int(confusion[i].sum())
        predicted = int(confusion[:, i].sum())
        metrics.append(
            ClassMetrics(
                name=name,
                precision=_ratio(correct, predicted),
                recall=_ratio(correct, support),
                f1=_ratio(2 * correct, predicted + support),
                support=support,
            )
        )
    return tuple(metrics)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
