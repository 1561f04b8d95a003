"""What stands in the report, section by section, as values for the template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alexnet import plots
from alexnet.config.settings import as_text, fields
from alexnet.diagnosis.diagnosing import diagnose
from alexnet.diagnosis.measurements import read_measured
from alexnet.evaluation import Calibration
from alexnet.history import Epoch, best, rows
from alexnet.html.embedded_images import Image, pixels, sharp
from alexnet.pretrained.fine_tuning import described
from alexnet.report.evaluation_section import Judgement
from alexnet.report.network_section import drawing, kernels, layers
from alexnet.run import Run
from alexnet.text import counted, printable

_CONFUSIONS, _CONFUSIONS_OF_MANY = 10, 25
_MANY_CLASSES = 60
"""With more classes than this a matrix in the width of a phone cannot name them."""
_EPOCHS_LISTED = 12


class Confusion(NamedTuple):
    """Images of one class that were taken for another."""

    truth: str
    prediction: str
    images: int
    share: float
    """Of the images of the true class."""


class Fact(NamedTuple):
    """A line of a table of settings."""

    name: str
    value: str
    meaning: str = ""


def sections(
    run: Run,
    epochs: Sequence[Epoch],
    weights: Mapping[str, NDArray[np.float32]],
    judgement: Judgement | None,
    missing: Sequence[str],
) -> dict[str, Any]:
    """The values that the template wants."""
    said = diagnose(run)
    return {
        "title": printable(run.folder.resolve().name),
        "variant": run.architecture.variant,
        "missing": [printable(line) for line in missing],
        "diagnosis": said,
        "epochs": _some_epochs(epochs),
        "best": best(epochs),
        "of_epochs": len(epochs),
        "planned_epochs": run.recipe.epochs,
        "curves": _curves(epochs),
        "judgement": judgement,
        "matrix": _matrix(judgement),
        "pattern": _pattern(judgement),
        **_confusions(judgement),
        "per_class": _per_class(judgement),
        "reliability": _reliability(judgement.calibration if judgement else None),
        "drawing": drawing(run.architecture),
        "kernels": kernels(run, weights),
        "layers": layers(run.architecture),
        "parameters": run.architecture.num_parameters,
        "images_facts": _of_images(run),
        "recipe": _settings(run.recipe),
        "network": _settings(run.architecture),
        "compute": _settings(run.compute),
        "environment": [
            Fact(key, printable(_plain(value))) for key, value in asdict(run.environment).items()
        ],
    }


def _curves(epochs: Sequence[Epoch]) -> list[Image]:
    table, top = rows(epochs), best(epochs)
    first, last = epochs[0], epochs[-1]
    alts = {
        "accuracy": f"Accuracy over {counted(len(epochs), 'epoch')}: training from "
        f"{first.train_top1:.1%} to {last.train_top1:.1%}, validation from {first.val_top1:.1%} "
        f"to {last.val_top1:.1%}, best {top.val_top1:.1%} in epoch {top.epoch}.",
        "loss": f"Loss: training from {first.train_loss:.3f} to {last.train_loss:.3f}, validation "
        f"from {first.val_loss:.3f} to {last.val_loss:.3f}.",
        "learning rate": f"Learning rate: at most {max(e.lr for e in epochs):.3g}, "
        f"at the end {last.lr:.3g}.",
    }
    return [sharp(plots.curve(table, what), alt) for what, alt in alts.items()]


def _some_epochs(epochs: Sequence[Epoch]) -> list[Epoch]:
    """All of a few; of many the first, the last, the best, and some evenly between."""
    places = set(np.linspace(0, len(epochs) - 1, min(_EPOCHS_LISTED, len(epochs))).round().tolist())
    return [e for i, e in enumerate(epochs) if i in places or e is best(epochs)]


def _matrix(judgement: Judgement | None) -> Image | None:
    if judgement is None:
        return None
    found = plots.confusion_matrix(judgement.confusion, judgement.classes)
    count = counted(int(judgement.figures["count"]), "image")
    return pixels(
        found,
        f"Confusion matrix of {count}, {judgement.wrong:,} of them wrong; rows are the truth, "
        "columns the prediction. The most frequent confusions are listed beside it.",
    )


def _pattern(judgement: Judgement | None) -> Image | None:
    """The matrix of many classes for a narrow screen; None where the other one can be read."""
    if judgement is None or len(judgement.classes) <= _MANY_CLASSES:
        return None
    return pixels(plots.confusion_pattern(judgement.confusion), "Confusion matrix, small.")


def _confusions(judgement: Judgement | None) -> dict[str, Any]:
    """The most frequent ones, and how many different ones there are."""
    if judgement is None:
        return {"confusions": [], "confusion_kinds": 0}
    is_many = len(judgement.classes) > _MANY_CLASSES
    found = _most_frequent(judgement, _CONFUSIONS_OF_MANY if is_many else _CONFUSIONS)
    kinds = np.count_nonzero(judgement.confusion) - np.count_nonzero(judgement.confusion.diagonal())
    return {"confusions": list(found), "confusion_kinds": int(kinds)}


def _most_frequent(judgement: Judgement, limit: int) -> Iterator[Confusion]:
    matrix = judgement.confusion.copy()
    support = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    for place in np.argsort(-matrix, axis=None, kind="stable")[:limit]:
        row, column = divmod(int(place), len(matrix))
        if count := int(matrix[row, column]):
            names = (judgement.classes[row], judgement.classes[column])
            yield Confusion(*names, count, count / int(support[row]))


def _per_class(judgement: Judgement | None) -> list[dict[str, Any]]:
    """Worst F1 first; classes without one at the end."""
    found = list(judgement.figures["per_class"]) if judgement else []
    return sorted(found, key=lambda one: 2.0 if one["f1"] is None else one["f1"])


def _reliability(found: Calibration | None) -> Image | None:
    if found is None:
        return None
    filled = [one for one in found.bins if one.count]
    points = "; ".join(f"{one.confidence:.0%} sure, {one.accuracy:.0%} right" for one in filled)
    return sharp(plots.reliability(found), f"Reliability diagram by confidence: {points}.")


def _of_images(run: Run) -> list[Fact]:
    """Where the images came from, and how many there were."""
    measured = read_measured(run.folder)
    said = {"hash": "by a hash of each file's content", "folders": "by folders"}
    found = [Fact("data", printable(run.data.source or "not known"))]
    if run.data.split_by:
        how = run.data.split_by
        found.append(Fact("split", said.get(how, f"by a {how}")))
    counts = measured or run.data
    for count, name in ((counts.train, "training"), (counts.val, "validation")):
        if count:
            found.append(Fact(f"{name} images", f"{count:,}"))
    found.append(Fact("classes", f"{len(run.classes):,}"))
    steps = run.preprocessing
    found.append(Fact("kept as", f"{steps.resize_px}×{steps.resize_px} pixels"))
    found.append(Fact("the network sees", f"{steps.crop_px}×{steps.crop_px}, {steps.channels}"))
    found += [Fact("started from", printable(line)) for line in described(run)]
    return found


def _settings(chosen: Any) -> list[Fact]:
    return [
        Fact(f.name, printable(as_text(getattr(chosen, f.name))), f.metadata["description"])
        for f in fields(type(chosen))
    ]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {of}" for key, of in value.items())
    return as_text(value)
