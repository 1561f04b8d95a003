"""The files of an evaluation: metrics as JSON, predictions as CSV, two plots."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet import plots
from alexnet.data.folders import SPLIT_NAMES
from alexnet.errors import RunError
from alexnet.evaluation.results import Evaluation, NotSavedError
from alexnet.io.atomic import csv_bytes, write_bytes, write_json
from alexnet.text import printable

FOLDER = "evaluation"
METRICS_FILE = "metrics.json"
PREDICTIONS = "predictions.csv"
CONFUSION = "confusion.png"
MISTAKES = "mistakes.png"

_TITLE_COLUMNS = 48


def save(
    evaluation: Evaluation,
    images: Mapping[int, NDArray[np.uint8]],
    folder: Path | None = None,
) -> Evaluation:
    """Write the files of an evaluation, each complete or absent.

    Args:
        images: pixels of the most confident errors, by index.
        folder: when not given, one under RUN/evaluation that is named after the data. An earlier
            evaluation of the same data in the same way is replaced, another one is not.

    Returns:
        The evaluation with its `folder` set.

    Raises:
        NotSavedError: they cannot be written.
    """
    try:
        folder = folder or _free_folder(evaluation)
        folder.mkdir(parents=True, exist_ok=True)
        evaluation = replace(evaluation, folder=folder)
        _write(evaluation, images, folder)
    except (RunError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotSavedError(
            f"cannot write the evaluation to {printable(folder or evaluation.run)}: "
            f"{reason}; choose another folder with --output-dir",
            replace(evaluation, folder=None),
        ) from error
    return evaluation


def _write(evaluation: Evaluation, images: Mapping[int, NDArray[np.uint8]], folder: Path) -> None:
    write_bytes(folder / PREDICTIONS, predictions_csv(evaluation))
    metrics, name = evaluation.metrics, _title(evaluation)
    title = f"{name}: {metrics.top1:.1%} of {metrics.count:,} correct"
    matrix = plots.plot_confusion_matrix(metrics.confusion, metrics.classes, title)
    plots.save_figure(matrix, folder / CONFUSION)
    mistakes = [
        plots.Misclassified(images[row], one.truth, one.prediction, one.confidence)
        for row, one in evaluation.mistakes()
    ]
    wrong = metrics.count - int(np.trace(metrics.confusion))
    errors = plots.plot_misclassified(mistakes, metrics.classes, name, wrong, metrics.count)
    plots.save_figure(errors, folder / MISTAKES)
    write_json(folder / METRICS_FILE, evaluation.to_dict())


def predictions_csv(evaluation: Evaluation) -> bytes:
    """Return each image with its true class, its prediction and its confidence.

    Names that are no UTF-8 keep their bytes.
    """
    rows = [(*one[:3], f"{one.confidence:.6f}") for one in evaluation.predictions]
    return csv_bytes([("path", "truth", "prediction", "confidence"), *rows])


def _title(evaluation: Evaluation) -> str:
    """Return the dataset as it was passed and its split, long paths shorten."""
    source = printable(evaluation.source)
    if len(source) > _TITLE_COLUMNS:
        source = f"…{source[1 - _TITLE_COLUMNS :]}"
    return source if evaluation.split == "all" else f"{source} {evaluation.split}"


def _name(evaluation: Evaluation) -> str:
    """Return a short name of the dataset and split: `flowers val`, `flowers.csv`."""
    root, name = evaluation.root.resolve(), evaluation.root.resolve().name
    source = Path(evaluation.source)
    if not source.is_dir():  # an archive or a table is unpacked, or lies, somewhere else
        name = source.name
    elif name.casefold() in SPLIT_NAMES:
        name = f"{root.parent.name} {name}"
    return name if evaluation.split == "all" else f"{name} {evaluation.split}"


def _free_folder(evaluation: Evaluation) -> Path:
    """Return the folder of this dataset under the run, or the next free one."""
    name = _name(evaluation).replace(" ", "-").replace("/", "-").strip("-") or "data"
    name += "-ten-crops" if evaluation.crops == 10 else ""
    for n in itertools.count(1):
        folder = evaluation.run / FOLDER / (name if n == 1 else f"{name}-{n}")
        if not folder.exists() or _is_of(folder, evaluation):
            break
    return folder


def _is_of(folder: Path, evaluation: Evaluation) -> bool:
    """Return whether the folder holds an evaluation of the same dataset, or an unfinished one."""
    try:
        previous = json.loads((folder / METRICS_FILE).read_text("utf-8", "surrogateescape"))
        return str(previous["root"]) == str(evaluation.root)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
