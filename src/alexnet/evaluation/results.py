"""The result of an evaluation: metrics, predictions and skipped images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alexnet.errors import RunError
from alexnet.evaluation.metrics import Metrics

_MISTAKES = 20


class LabeledPrediction(NamedTuple):
    """One image with its true and its predicted class."""

    path: str
    truth: str
    prediction: str
    confidence: float
    """Probability of the prediction."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The result of `evaluate`."""

    run: Path
    source: str
    """The dataset, as it was passed."""
    root: Path
    split: str
    """"train", "val", "test", or "all" for every image of the data."""
    crops: int
    metrics: Metrics
    paths: Sequence[str]
    """Paths of the N evaluated images, in order."""
    labels: NDArray[np.int64]
    """(N,), indices into the model's classes."""
    probabilities: NDArray[np.float64]
    """(N, C)"""
    unreadable: tuple[tuple[str, str], ...]
    """Path and reason of each unreadable image."""
    notices: tuple[str, ...]
    folder: Path | None = None
    """Where the files of the evaluation were written."""

    @property
    def predictions(self) -> list[LabeledPrediction]:
        """Every image with its true and its predicted class."""
        return [self._prediction(row) for row in range(len(self.paths))]

    def mistakes(self, limit: int = _MISTAKES) -> list[tuple[int, LabeledPrediction]]:
        """Return the most confident errors, each with its index among the images."""
        predicted = self.probabilities.argmax(axis=1)
        wrong = np.flatnonzero(predicted != self.labels)
        confidence = self.probabilities[wrong, predicted[wrong]]
        worst = wrong[np.argsort(-confidence, kind="stable")[:limit]]
        return [(int(row), self._prediction(int(row))) for row in worst]

    def least_confident_correct(
        self, limit: int = _MISTAKES
    ) -> list[tuple[int, LabeledPrediction]]:
        """Return the least confident correct predictions, each with its index."""
        predicted = self.probabilities.argmax(axis=1)
        correct = np.flatnonzero(predicted == self.labels)
        confidence = self.probabilities[correct, predicted[correct]]
        least = correct[np.argsort(confidence, kind="stable")[:limit]]
        return [(int(row), self._prediction(int(row))) for row in least]

    def _prediction(self, row: int) -> LabeledPrediction:
        classes, values = self.metrics.per_class, self.probabilities[row]
        best = int(values.argmax())
        truth = classes[int(self.labels[row])].name
        return LabeledPrediction(self.paths[row], truth, classes[best].name, float(values[best]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: the metrics and their provenance."""
        return {
            "run": str(self.run),
            "source": self.source,
            "root": str(self.root),
            "split": self.split,
            "crops": self.crops,
            **self.metrics.to_dict(),
            "mistakes": [one._asdict() for _, one in self.mistakes()],
            "unreadable": [{"path": path, "error": reason} for path, reason in self.unreadable],
            "notices": list(self.notices),
            "folder": None if self.folder is None else str(self.folder),
        }


class NotSavedError(RunError):
    """The files of an evaluation could not be written; its metrics are in `evaluation`."""

    def __init__(self, message: str, evaluation: Evaluation) -> None:
        super().__init__(message)
        self.evaluation = evaluation
