"""What the report says of predictions: freshly evaluated, or as a run's folder keeps it."""

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
from alexnet.data.augmentation import LUMA
from alexnet.data.decoding import decode
from alexnet.evaluation import Calibration, NotSavedError, calibration, evaluate
from alexnet.evaluation.files import FIGURES, FOLDER, PREDICTIONS
from alexnet.html.embedded_images import Image, photograph
from alexnet.run import Run
from alexnet.text import printable

_SHOWN = 12
_SIDE_PX = 160


class Shown(NamedTuple):
    """An image with its truth and its prediction; `image` is None where it is gone."""

    name: str
    truth: str
    prediction: str
    confidence: float
    image: Image | None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The figures of an evaluation, as plain values, with images beside them."""

    title: str
    """What was evaluated, in words."""
    figures: dict[str, Any]
    """As `Metrics.to_dict` gives them."""
    mistakes: Sequence[Shown]
    unsure: Sequence[Shown]
    calibration: Calibration | None
    notices: Sequence[str]
    kept_in: Path | None = None
    """The folder that it was read from; None where it is fresh."""

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(C, C), row the truth, column the prediction."""
        return np.array(self.figures["confusion"], np.int64)

    @property
    def classes(self) -> list[str]:
        """The names, in the model's order."""
        return list(self.figures["classes"])

    @property
    def wrong(self) -> int:
        """How many of the images were taken for something else."""
        return int(self.figures["count"]) - int(np.trace(self.confusion))


def judge(run: Run, source: str | os.PathLike[str], **options: Any) -> Judgement:
    """Evaluate the run on these images; arguments and errors as of `evaluation.evaluate`."""
    try:
        found = evaluate(run, source, **options)
    except NotSavedError as error:  # the report does not need its files
        found = error.evaluation
    confidence = found.probabilities.max(axis=1)
    right = found.probabilities.argmax(axis=1) == found.labels
    split = "" if found.split == "all" else f", {found.split}"
    crops = "center crop" if found.crops == 1 else "ten crops"

    def shown(rows: list[tuple[int, Any]]) -> list[Shown]:
        return [
            Shown(
                _name(judged.path, found.root),
                judged.truth,
                judged.prediction,
                judged.confidence,
                _image(run, judged.path, judged.truth),
            )
            for _, judged in rows
        ]

    return Judgement(
        title=f"{printable(found.source)}{split}, {crops}",
        figures=found.metrics.to_dict(),
        mistakes=shown(found.mistakes(_SHOWN)),
        unsure=shown(found.unsure_hits(_SHOWN)),
        calibration=calibration(confidence, right),
        notices=found.notices,
    )


def kept_judgement(run: Run) -> Judgement | None:
    """The newest evaluation in the run's folder; None where there is none that can be read."""
    try:
        files = sorted((run.folder / FOLDER).glob(f"*/{FIGURES}"), key=lambda p: p.stat().st_mtime)
    except OSError:
        return None
    kept = (_read(path.parent) for path in reversed(files))
    return next((one for one in kept if one is not None), None)


def _read(folder: Path) -> Judgement | None:
    """The evaluation in this folder; None where it is damaged or not whole."""
    try:
        figures = json.loads((folder / FIGURES).read_text("utf-8", "surrogateescape"))
        return _kept(figures, _predictions(folder / PREDICTIONS), folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _kept(figures: dict[str, Any], predictions: list[dict[str, str]], folder: Path) -> Judgement:
    root = Path(figures["root"])
    said = [
        Shown(_name(p["path"], root), p["truth"], p["prediction"], float(p["confidence"]), None)
        for p in predictions
    ]
    right = [one.truth == one.prediction for one in said]
    wrong = [one for one, hit in zip(said, right, strict=True) if not hit]
    hits = [one for one, hit in zip(said, right, strict=True) if hit]
    split = "" if figures["split"] == "all" else f", {figures['split']}"
    return Judgement(
        title=f"{printable(figures['source'])}{split}",
        figures=figures,
        mistakes=sorted(wrong, key=lambda one: -one.confidence)[:_SHOWN],
        unsure=sorted(hits, key=lambda one: one.confidence)[:_SHOWN],
        calibration=calibration([one.confidence for one in said], right) if said else None,
        notices=figures["notices"],
        kept_in=folder,
    )


def _predictions(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def _name(path: str, root: Path) -> str:
    """The path below the data's folder, which is what a person knows it by."""
    try:
        return printable(Path(path).relative_to(root))
    except ValueError:
        return printable(Path(path).name)


def _image(run: Run, path: str, truth: str) -> Image | None:
    """The square that the network was shown, made smaller; None where the file is gone."""
    try:
        image = decode(path, min(run.preprocessing.resize_px, _SIDE_PX))
    except ImageError:
        return None
    if run.preprocessing.channels == "gray":
        gray = np.rint(image.astype(np.float32) @ LUMA).astype(np.uint8)
        image = np.repeat(gray[..., None], 3, axis=-1)
    return photograph(image, f"image of class {printable(truth)}")
