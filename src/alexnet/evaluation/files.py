"""The files of an evaluation: figures as JSON, predictions as CSV, two images."""

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet import plots
from alexnet.data.folders import SPLIT_NAMES
from alexnet.errors import RunError, UserError
from alexnet.evaluation.results import Evaluation, NotSavedError
from alexnet.io.atomic import csv_bytes, write_bytes, write_json
from alexnet.text import printable

FOLDER = "evaluation"
FIGURES = "metrics.json"
PREDICTIONS = "predictions.csv"
CONFUSION = "confusion.png"
MISTAKES = "mistakes.png"

_TITLE_COLUMNS = 48


def require_writable(folder: Path) -> None:
    """Look whether `save` can write into this folder, which need not be there yet.

    Raises:
        UserError: it cannot; says why.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        why = f"{printable(there)} is a file"
    elif not os.access(there, os.W_OK | os.X_OK):
        why = f"{printable(there)} is not writable"
    else:
        return
    raise UserError(
        f"the files of the evaluation cannot be kept in {printable(folder)}: {why}; "
        "choose another folder with --output-dir"
    )


def save(
    evaluation: Evaluation,
    images: Mapping[int, NDArray[np.uint8]],
    folder: Path | None = None,
) -> Evaluation:
    """Write the files; each is complete or absent.

    Args:
        images: of the most confident mistakes, by their place among the images.
        folder: when not given, one under RUN/evaluation that is named after the data. An earlier
            evaluation of the same data in the same way is replaced, another one is not.

    Returns:
        The evaluation, which now says where its files lie.

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
            f"the files of the evaluation cannot be kept in {printable(folder or evaluation.run)}: "
            f"{reason}; choose another folder with --output-dir",
            replace(evaluation, folder=None),
        ) from error
    return evaluation


def _write(evaluation: Evaluation, images: Mapping[int, NDArray[np.uint8]], folder: Path) -> None:
    write_bytes(folder / PREDICTIONS, predictions_csv(evaluation))
    metrics, name = evaluation.metrics, _title(evaluation)
    title = f"{name}: {metrics.top1:.1%} of {metrics.count:,} right"
    matrix = plots.confusion_matrix(metrics.confusion, metrics.classes, title)
    plots.write(matrix, folder / CONFUSION)
    mistakes = [
        plots.Mistake(images[row], judged.truth, judged.prediction, judged.confidence)
        for row, judged in evaluation.mistakes()
    ]
    wrong = metrics.count - int(np.trace(metrics.confusion))
    plots.write(
        plots.mistakes(mistakes, metrics.classes, name, wrong, metrics.count), folder / MISTAKES
    )
    write_json(folder / FIGURES, evaluation.to_dict())


def predictions_csv(evaluation: Evaluation) -> bytes:
    """Each image with its truth, its prediction and the prediction's probability.

    Names that are no UTF-8 keep their bytes.
    """
    rows = [(*judged[:3], f"{judged.confidence:.6f}") for judged in evaluation.judged]
    return csv_bytes([("path", "truth", "prediction", "confidence"), *rows])


def _title(evaluation: Evaluation) -> str:
    """The data as the person gave it, of a long path the end: `data/flowers val`."""
    given = printable(evaluation.source)
    if len(given) > _TITLE_COLUMNS:
        given = f"…{given[1 - _TITLE_COLUMNS :]}"
    return given if evaluation.split == "all" else f"{given} {evaluation.split}"


def _name(evaluation: Evaluation) -> str:
    """A short name of what was evaluated: `flowers val`, `flowers.csv`, `digits val`."""
    root, name = evaluation.root.resolve(), evaluation.root.resolve().name
    source = Path(evaluation.source)
    if not source.is_dir():  # an archive or a table is unpacked, or lies, somewhere else
        name = source.name
    elif name.casefold() in SPLIT_NAMES:
        name = f"{root.parent.name} {name}"
    return name if evaluation.split == "all" else f"{name} {evaluation.split}"


def _free_folder(evaluation: Evaluation) -> Path:
    """The folder of this data under the run, or the next one that no other data has taken."""
    name = _name(evaluation).replace(" ", "-").replace("/", "-").strip("-") or "data"
    name += "-ten-crops" if evaluation.crops == 10 else ""
    for n in itertools.count(1):
        folder = evaluation.run / FOLDER / (name if n == 1 else f"{name}-{n}")
        if not folder.exists() or _is_of(folder, evaluation):
            break
    return folder


def _is_of(folder: Path, evaluation: Evaluation) -> bool:
    """Whether the folder holds an evaluation of the same data, or nothing that was finished."""
    try:
        found = json.loads((folder / FIGURES).read_text("utf-8", "surrogateescape"))
        return str(found["root"]) == str(evaluation.root)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
