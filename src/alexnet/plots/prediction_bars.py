"""Plot images with their top-5 predictions as bars (figure 4 of the paper, left)."""

from pathlib import Path
from typing import Any

from matplotlib import patheffects
from matplotlib.figure import Figure

from alexnet.inspect.input_images import InputImage, crop_for_display
from alexnet.inspect.labeled_predictions import LabeledPredictions
from alexnet.plots.canvas import VERMILION
from alexnet.plots.class_labels import ClassNames, shorten
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

TOP = 5

_TILE = 2.0
_GAP = 0.22
_MAX_PER_ROW = 5
_LINE = 0.19
_BAR = 0.17
_NAME = 22
_OTHER, _TRUE = "#C6D7E8", "#F4B183"


def plot_predictions(predictions: LabeledPredictions) -> Figure:
    """Plot each image with its true class, if known, and its most probable classes as bars.

    The bar of the true class is hatched, so that it stands out without color too.
    """
    count = len(predictions.images)
    shown = min(TOP, len(predictions.run.classes))
    per_row = images_per_row(count)
    row_count = -(-count // per_row)
    step = _TILE + _LINE + 0.04 + shown * (_BAR + 0.03) + _GAP
    names = ClassNames(predictions.run.classes)
    has_labels = any(image.label is not None for image in predictions.images)
    note = "hatched: the true class" if has_labels else ""
    note = "; ".join(part for part in (note, names.note) if part)
    width = max(per_row * (_TILE + _GAP) - _GAP + 2 * MARGIN, 4.4)
    sheet = Sheet(width, row_count * step - _GAP / 2, _title(predictions), note)
    start = (width - per_row * (_TILE + _GAP) + _GAP) / 2
    for i, image in enumerate(predictions.images):
        left, top = start + i % per_row * (_TILE + _GAP), HEAD + i // per_row * step
        pixels = crop_for_display(image.pixels, predictions.run.preprocessing)
        sheet.image(pixels, left, top, _TILE, _TILE)
        _caption(sheet, image, names, left, top + _TILE + 0.05)
        _bars(sheet, predictions, i, names, left, top + _TILE + 0.02 + _LINE)
    return sheet.figure


def images_per_row(count: int) -> int:
    """Return the images per row that leave the fewest gaps in the last row.

    >>> [images_per_row(count) for count in (1, 3, 5, 6, 8, 9, 10, 11, 24)]
    [1, 3, 5, 3, 4, 3, 5, 4, 4]
    """
    if count <= _MAX_PER_ROW:
        return count
    return min((4, 5, 3), key=lambda per_row: -count % per_row)


def _title(predictions: LabeledPredictions) -> str:
    pairs = zip(predictions.images, predictions.probabilities, strict=True)
    hits = [int(row.argmax()) == image.label for image, row in pairs if image.label is not None]
    title = f"{predictions.run.folder.resolve().name}: predictions"
    return f"{title}, {sum(hits)} of {len(hits)} correct" if len(hits) > 1 else title


def _caption(sheet: Sheet, image: InputImage, names: ClassNames, left: float, top: float) -> None:
    """Add the true class below the image, or the file name if it is unknown."""
    if image.label is None:
        text, style = shorten(Path(image.path).name, 26), {"color": GRAY_TEXT}
        sheet.text(left + _TILE / 2, top, text, ha="center", **style)
        return
    label = sheet.text(left + _TILE / 2, top, names.text(image.label, 24), ha="center")
    label.set_fontweight("bold")


def _bars(
    sheet: Sheet,
    predictions: LabeledPredictions,
    i: int,
    names: ClassNames,
    left: float,
    top: float,
) -> None:
    row, truth = predictions.probabilities[i], predictions.images[i].label
    best = (-row).argsort(kind="stable")[:TOP]
    height = len(best) * (_BAR + 0.03)
    axes = sheet.axes(left, top, _TILE, height)
    axes.set(xlim=(0, 1), ylim=(len(best) - 0.5, -0.5))
    axes.set_axis_off()
    # Letters need a halo on the hatching only; elsewhere it would hide the bars.
    halo = [patheffects.withStroke(linewidth=2.2, foreground="white")]
    for position, number in enumerate(best):
        is_true = number == truth
        axes.barh(
            position, row[number], 0.82, color=_TRUE if is_true else _OTHER,
            hatch="////" if is_true else None, edgecolor=VERMILION if is_true else "#7F9DB9",
            linewidth=0.6,
        )  # fmt: skip
        style: dict[str, Any] = {"va": "center_baseline", "fontsize": 7.5}
        if is_true:
            style["path_effects"] = halo
        name = axes.text(0.02, position, names.text(int(number), _NAME), **style)
        names.apply(name)
        axes.text(0.99, position, _percent(row[number]), ha="right", **style)


def _percent(probability: float) -> str:
    """Format a probability without rounding it to 0% or 100%."""
    if probability < 0.01:
        return "<1%"
    return f"{min(probability, 0.99) if probability < 1 else 1:.0%}"
