"""The evaluation in the report: computed now, or loaded from the run's folder."""

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alexnet.data import ImageError
from alexnet.data.decoding import decode
from alexnet.data.gray import to_gray
from alexnet.evaluation import Calibration, NotSavedError, calibration, evaluate
from alexnet.evaluation.files import FOLDER, METRICS_FILE, PREDICTIONS
from alexnet.html.embedded_images import Image, embed_photo
from alexnet.run import Run
from alexnet.text import printable

_MAX_EXAMPLES = 12
_SIDE_PX = 160


class Example(NamedTuple):
    """An image with its label and prediction; `image` is None if the file is unavailable."""

    name: str
    truth: str
    prediction: str
    confidence: float
    image: Image | None


@dataclass(frozen=True, kw_only=True)
class EvaluationSummary:
    """The metrics of an evaluation as plain values, with example images."""

    title: str
    """The evaluated dataset, split and crops."""
    metrics: dict[str, Any]
    """As returned by `Metrics.to_dict`."""
    errors: Sequence[Example]
    """The most confident errors."""
    least_confident_correct: Sequence[Example]
    calibration: Calibration | None
    notices: Sequence[str]
    folder: Path | None = None
    """The folder that it was loaded from; None if it was computed now."""

    @property
    def confusion(self) -> NDArray[np.int64]:
        """The confusion matrix (C, C): rows are true classes, columns predicted ones."""
        return np.array(self.metrics["confusion"], np.int64)

    @property
    def classes(self) -> list[str]:
        """The class names, in the model's order."""
        return list(self.metrics["classes"])

    @property
    def num_errors(self) -> int:
        """The number of misclassified images."""
        return int(self.metrics["count"]) - int(np.trace(self.confusion))


def evaluate_run(run: Run, source: str | os.PathLike[str], **options: Any) -> EvaluationSummary:
    """Evaluate the run on images; see `alexnet.evaluation.evaluate` for arguments and errors."""
    try:
        evaluation = evaluate(run, source, **options)
    except NotSavedError as error:  # the report does not need the files of the evaluation
        evaluation = error.evaluation
    confidence = evaluation.probabilities.max(axis=1)
    is_correct = evaluation.probabilities.argmax(axis=1) == evaluation.labels
    split = "" if evaluation.split == "all" else f", {evaluation.split}"
    crops = "center crop" if evaluation.crops == 1 else "ten crops"

    def examples(rows: list[tuple[int, Any]]) -> list[Example]:
        return [
            Example(
                _display_name(row.path, evaluation.root),
                row.truth,
                row.prediction,
                row.confidence,
                _load_image(run, row.path, row.truth),
            )
            for _, row in rows
        ]

    return EvaluationSummary(
        title=f"{printable(evaluation.source)}{split}, {crops}",
        metrics=evaluation.metrics.to_dict(),
        errors=examples(evaluation.mistakes(_MAX_EXAMPLES)),
        least_confident_correct=examples(evaluation.least_confident_correct(_MAX_EXAMPLES)),
        calibration=calibration(confidence, is_correct),
        notices=evaluation.notices,
    )


def load_saved_evaluation(run: Run) -> EvaluationSummary | None:
    """Load the most recent readable evaluation in the run's folder, if there is one."""
    try:
        files = sorted(
            (run.folder / FOLDER).glob(f"*/{METRICS_FILE}"), key=lambda p: p.stat().st_mtime
        )
    except OSError:
        return None
    summaries = (_load(path.parent) for path in reversed(files))
    return next((summary for summary in summaries if summary is not None), None)


def _load(folder: Path) -> EvaluationSummary | None:
    """Load the evaluation in a folder; return None if it is corrupt or incomplete."""
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text("utf-8", "surrogateescape"))
        return _summarize(metrics, _read_predictions(folder / PREDICTIONS), folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _summarize(
    metrics: dict[str, Any], predictions: list[dict[str, str]], folder: Path
) -> EvaluationSummary:
    root = Path(metrics["root"])
    examples = [
        Example(
            _display_name(row["path"], root),
            row["truth"],
            row["prediction"],
            float(row["confidence"]),
            None,
        )
        for row in predictions
    ]
    is_correct = [example.truth == example.prediction for example in examples]
    errors = [example for example, hit in zip(examples, is_correct, strict=True) if not hit]
    correct = [example for example, hit in zip(examples, is_correct, strict=True) if hit]
    confidence = [example.confidence for example in examples]
    split = "" if metrics["split"] == "all" else f", {metrics['split']}"
    return EvaluationSummary(
        title=f"{printable(metrics['source'])}{split}",
        metrics=metrics,
        errors=sorted(errors, key=lambda example: -example.confidence)[:_MAX_EXAMPLES],
        least_confident_correct=sorted(correct, key=lambda example: example.confidence)[
            :_MAX_EXAMPLES
        ],
        calibration=calibration(confidence, is_correct) if examples else None,
        notices=metrics["notices"],
        folder=folder,
    )


def _read_predictions(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def _display_name(path: str, root: Path) -> str:
    """Return the path relative to the dataset's folder if it is inside, else the file name."""
    try:
        return printable(Path(path).relative_to(root))
    except ValueError:
        return printable(Path(path).name)


def _load_image(run: Run, path: str, truth: str) -> Image | None:
    """Load a thumbnail of the image as the network receives it; None if it is unavailable."""
    try:
        pixels = decode(path, min(run.preprocessing.resize_px, _SIDE_PX))
    except ImageError:
        return None
    if run.preprocessing.channels == "gray":
        pixels = to_gray(pixels)
    return embed_photo(pixels, f"image of class {printable(truth)}")
