"""Compute the values of the report's template, section by section."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alexnet import plots
from alexnet.diagnosis.diagnosing import diagnose
from alexnet.diagnosis.measurements import read_measurements
from alexnet.evaluation import Calibration
from alexnet.history import Epoch, best, rows
from alexnet.html.embedded_images import Image, embed_png, embed_svg
from alexnet.pretrained.fine_tuning import describe_fine_tuning
from alexnet.report.evaluation_section import EvaluationSummary
from alexnet.report.network_section import kernel_images, layer_rows, network_drawing
from alexnet.run import Run
from alexnet.settings import as_text, fields
from alexnet.text import pluralize, printable

_MAX_CONFUSIONS, _MAX_CONFUSIONS_MANY_CLASSES = 10, 25
_MANY_CLASSES = 60
"""With more classes, the labels of the confusion matrix are illegible on a phone."""
_MAX_EPOCHS = 12


class Confusion(NamedTuple):
    """The images of one class that were predicted as another one."""

    truth: str
    prediction: str
    images: int
    fraction: float
    """Fraction of the images of the true class."""


class SettingRow(NamedTuple):
    """A row of a table of settings."""

    name: str
    value: str
    description: str = ""


def template_values(
    run: Run,
    epochs: Sequence[Epoch],
    weights: Mapping[str, NDArray[np.float32]],
    evaluation: EvaluationSummary | None,
    missing: Sequence[str],
) -> dict[str, Any]:
    """Return the variables of the template."""
    return {
        "title": printable(run.folder.resolve().name),
        "variant": run.architecture.variant,
        "missing": [printable(line) for line in missing],
        "diagnosis": diagnose(run),
        "epochs": _listed_epochs(epochs),
        "best": best(epochs),
        "num_epochs": len(epochs),
        "planned_epochs": run.recipe.epochs,
        "curves": _curves(epochs),
        "evaluation": evaluation,
        "matrix": _matrix(evaluation),
        "pattern": _pattern(evaluation),
        **_confusions(evaluation),
        "per_class": _per_class(evaluation),
        "reliability": _reliability(evaluation.calibration if evaluation else None),
        "drawing": network_drawing(run.architecture),
        "kernels": kernel_images(run, weights),
        "layers": layer_rows(run.architecture),
        "num_parameters": run.architecture.num_parameters,
        "dataset": _dataset_settings(run),
        "recipe": _settings(run.recipe),
        "network": _settings(run.architecture),
        "compute": _settings(run.compute),
        "environment": [
            SettingRow(key, printable(_format(value)))
            for key, value in asdict(run.environment).items()
        ],
    }


def _curves(epochs: Sequence[Epoch]) -> list[Image]:
    table, top = rows(epochs), best(epochs)
    first, last = epochs[0], epochs[-1]
    alts = {
        "accuracy": f"Accuracy over {pluralize(len(epochs), 'epoch')}: training from "
        f"{first.train_top1:.1%} to {last.train_top1:.1%}, validation from {first.val_top1:.1%} "
        f"to {last.val_top1:.1%}, best {top.val_top1:.1%} in epoch {top.epoch}.",
        "loss": f"Loss: training from {first.train_loss:.3f} to {last.train_loss:.3f}, validation "
        f"from {first.val_loss:.3f} to {last.val_loss:.3f}.",
        "learning rate": f"Learning rate: at most {max(e.lr for e in epochs):.3g}, "
        f"at the end {last.lr:.3g}.",
    }
    return [embed_svg(plots.plot_learning_curve(table, name), alt) for name, alt in alts.items()]


def _listed_epochs(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Return evenly spaced epochs, including the first, the last and the best."""
    indices = set(np.linspace(0, len(epochs) - 1, min(_MAX_EPOCHS, len(epochs))).round().tolist())
    return [e for i, e in enumerate(epochs) if i in indices or e is best(epochs)]


def _matrix(evaluation: EvaluationSummary | None) -> Image | None:
    if evaluation is None:
        return None
    figure = plots.plot_confusion_matrix(evaluation.confusion, evaluation.classes)
    count = pluralize(int(evaluation.metrics["count"]), "image")
    return embed_png(
        figure,
        f"Confusion matrix of {count}, {evaluation.num_errors:,} of them misclassified; rows "
        "are true classes, columns predicted ones. A table lists the most frequent confusions.",
    )


def _pattern(evaluation: EvaluationSummary | None) -> Image | None:
    """Return a confusion matrix without labels for narrow screens, if there are many classes."""
    if evaluation is None or len(evaluation.classes) <= _MANY_CLASSES:
        return None
    return embed_png(
        plots.plot_compact_confusion_matrix(evaluation.confusion),
        "Confusion matrix without labels.",
    )


def _confusions(evaluation: EvaluationSummary | None) -> dict[str, Any]:
    """Return the most frequent confusions and the number of confused pairs of classes."""
    if evaluation is None:
        return {"confusions": [], "num_confused_pairs": 0}
    is_many = len(evaluation.classes) > _MANY_CLASSES
    limit = _MAX_CONFUSIONS_MANY_CLASSES if is_many else _MAX_CONFUSIONS
    pairs = np.count_nonzero(evaluation.confusion) - np.count_nonzero(
        evaluation.confusion.diagonal()
    )
    return {"confusions": list(_most_frequent(evaluation, limit)), "num_confused_pairs": int(pairs)}


def _most_frequent(evaluation: EvaluationSummary, limit: int) -> Iterator[Confusion]:
    matrix = evaluation.confusion.copy()
    support = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    for index in np.argsort(-matrix, axis=None, kind="stable")[:limit]:
        row, column = divmod(int(index), len(matrix))
        if count := int(matrix[row, column]):
            names = (evaluation.classes[row], evaluation.classes[column])
            yield Confusion(*names, count, count / int(support[row]))


def _per_class(evaluation: EvaluationSummary | None) -> list[dict[str, Any]]:
    """Return the metrics per class, lowest F1 first and classes without F1 last."""
    metrics = list(evaluation.metrics["per_class"]) if evaluation else []
    return sorted(metrics, key=lambda row: 2.0 if row["f1"] is None else row["f1"])


def _reliability(calibration: Calibration | None) -> Image | None:
    if calibration is None:
        return None
    points = "; ".join(
        f"confidence {one.confidence:.0%}, accuracy {one.accuracy:.0%}"
        for one in calibration.bins
        if one.count
    )
    return embed_svg(plots.plot_reliability_diagram(calibration), f"Reliability diagram: {points}.")


def _dataset_settings(run: Run) -> list[SettingRow]:
    """Return the source of the images, their split, number, classes and preprocessing."""
    split_names = {"hash": "by a hash of each file's contents", "folders": "by folder"}
    rows = [SettingRow("data", printable(run.data.source or "unknown"))]
    if run.data.split_by:
        rows.append(
            SettingRow("split", split_names.get(run.data.split_by, f"by {run.data.split_by}"))
        )
    counts = read_measurements(run.folder) or run.data
    for count, name in ((counts.train, "training"), (counts.val, "validation")):
        if count:
            rows.append(SettingRow(f"{name} images", f"{count:,}"))
    rows.append(SettingRow("classes", f"{len(run.classes):,}"))
    steps = run.preprocessing
    rows.append(SettingRow("stored size", f"{steps.resize_px}×{steps.resize_px} pixels"))
    rows.append(SettingRow("network input", f"{steps.crop_px}×{steps.crop_px}, {steps.channels}"))
    rows += [SettingRow("initial weights", printable(line)) for line in describe_fine_tuning(run)]
    return rows


def _settings(settings: Any) -> list[SettingRow]:
    return [
        SettingRow(f.name, printable(as_text(getattr(settings, f.name))), f.metadata["description"])
        for f in fields(type(settings))
    ]


def _format(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return as_text(value)
