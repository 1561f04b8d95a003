"""Calibration: whether predictions with 80% confidence are correct 80% of the time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alexnet.errors import UserError

BINS = 15
"""As in Guo, Pleiss, Sun and Weinberger, arXiv 1706.04599."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The predictions whose confidence lies above `low` and up to `high`."""

    low: float
    high: float
    count: int
    confidence: float | None
    """Mean confidence; None for an empty bin, as is accuracy."""
    accuracy: float | None
    """Fraction of correct predictions."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The reliability of predictions, bin by bin and as one number."""

    error: float
    """Expected calibration error: mean over all predictions of |accuracy - confidence| of their
    bin; 0 is perfect."""
    bins: tuple[Bin, ...]

    @property
    def lean(self) -> float:
        """Mean confidence minus accuracy: positive for an overconfident network."""
        count = sum(one.count for one in self.bins)
        filled = [(one.count, one.confidence or 0, one.accuracy or 0) for one in self.bins]
        return sum(n * (confidence - accuracy) for n, confidence, accuracy in filled) / count


def calibration(confidence: ArrayLike, correct: ArrayLike, bins: int = BINS) -> Calibration:
    """Compute the expected calibration error in bins of equal width (arXiv 1706.04599, 2.1).

    Args:
        confidence: (N,), the probability of each prediction, 0 to 1.
        correct: (N,), whether it was correct.

    Raises:
        UserError: no predictions, shapes that differ, no bins, or a confidence out of range.

    Example:
        >>> result = calibration([0.9, 0.9, 0.6, 0.6], [True, True, True, False], bins=5)
        >>> round(result.error, 3), [one.count for one in result.bins]
        (0.1, [0, 0, 2, 0, 2])
    """
    sure, hit = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    if sure.ndim != 1 or sure.shape != hit.shape or not sure.size:
        raise UserError(
            f"expected N confidences and N booleans, got shapes {sure.shape} and {hit.shape}"
        )
    if bins < 1:
        raise UserError(f"invalid value for bins: expected at least 1, got {bins}")
    # Sums of rounded probabilities may lie a little above 1.
    if not (sure >= 0).all() or not (sure <= 1 + 1e-6).all():
        raise UserError("invalid confidence: expected values between 0 and 1")
    # The bins are closed above, ((m - 1) / M, m / M], and the first one has 0 too.
    edges = np.arange(1, bins) / bins
    place = np.searchsorted(edges, sure, side="left")
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)
    means = np.bincount(place, sure, bins) / filled
    accuracies = np.bincount(place, hit, bins) / filled
    return Calibration(
        error=float((counts * abs(accuracies - means)).sum() / sure.size),
        bins=tuple(
            Bin(
                low=m / bins,
                high=(m + 1) / bins,
                count=int(counts[m]),
                confidence=float(means[m]) if counts[m] else None,
                accuracy=float(accuracies[m]) if counts[m] else None,
            )
            for m in range(bins)
        ),
    )
