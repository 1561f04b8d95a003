"""What an evaluation found, as values: the figures, each prediction, and what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alexnet.errors import RunError
from alexnet.evaluation.metrics import Metrics

_MISTAKES = 20


class Judged(NamedTuple):
    """One image with what it is and what the network takes it for."""

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
    """The data, as the person gave it."""
    root: Path
    split: str
    """"train", "val", "test", or "all" for every image of the data."""
    crops: int
    metrics: Metrics
    paths: Sequence[str]
    """Of the N images that were evaluated, in order."""
    labels: NDArray[np.int64]
    """(N,), numbers of the model's classes."""
    probabilities: NDArray[np.float64]
    """(N, C)"""
    broken: tuple[tuple[str, str], ...]
    """Path and reason of each image that cannot be read."""
    notices: tuple[str, ...]
    folder: Path | None = None
    """Where the files of the evaluation lie."""

    @property
    def judged(self) -> list[Judged]:
        """Each image with its truth and its prediction."""
        return [self._judged(row) for row in range(len(self.paths))]

    def mistakes(self, limit: int = _MISTAKES) -> list[tuple[int, Judged]]:
        """The most confident mistakes, with the place of each among the images."""
        predicted = self.probabilities.argmax(axis=1)
        wrong = np.flatnonzero(predicted != self.labels)
        confidence = self.probabilities[wrong, predicted[wrong]]
        worst = wrong[np.argsort(-confidence, kind="stable")[:limit]]
        return [(int(row), self._judged(int(row))) for row in worst]

    def unsure_hits(self, limit: int = _MISTAKES) -> list[tuple[int, Judged]]:
        """The least confident right answers, with the place of each among the images."""
        predicted = self.probabilities.argmax(axis=1)
        right = np.flatnonzero(predicted == self.labels)
        confidence = self.probabilities[right, predicted[right]]
        least = right[np.argsort(confidence, kind="stable")[:limit]]
        return [(int(row), self._judged(int(row))) for row in least]

    def _judged(self, row: int) -> Judged:
        classes, values = self.metrics.per_class, self.probabilities[row]
        best = int(values.argmax())
        truth = classes[int(self.labels[row])].name
        return Judged(self.paths[row], truth, classes[best].name, float(values[best]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold: the figures, and how they came about."""
        return {
            "run": str(self.run),
            "source": self.source,
            "root": str(self.root),
            "split": self.split,
            "crops": self.crops,
            **self.metrics.to_dict(),
            "mistakes": [judged._asdict() for _, judged in self.mistakes()],
            "unreadable": [{"path": path, "error": reason} for path, reason in self.broken],
            "notices": list(self.notices),
            "folder": None if self.folder is None else str(self.folder),
        }


class NotSavedError(RunError):
    """The files of an evaluation could not be written; its figures are in `evaluation`."""

    def __init__(self, message: str, evaluation: Evaluation) -> None:
        super().__init__(message)
        self.evaluation = evaluation
