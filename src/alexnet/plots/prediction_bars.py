"""Images with what they are taken for (the paper's figure 4, left)."""

from pathlib import Path
from typing import Any

from matplotlib import patheffects
from matplotlib.figure import Figure

from alexnet.inspect.input_images import Seen, crop_seen
from alexnet.inspect.labeled_predictions import Predictions
from alexnet.plots.canvas import VERMILION
from alexnet.plots.class_labels import Names, shortened
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

TOP = 5

_TILE = 2.0
_GAP = 0.22
_MOST_ACROSS = 5
_LINE = 0.19
_BAR = 0.17
_NAME = 22
_OTHER, _RIGHT = "#C6D7E8", "#F4B183"


def predictions_figure(found: Predictions) -> Figure:
    """Each image with its class, where that is known, and its most probable classes as bars.

    The bar of the right class has another shade and is hatched, so that it is told from the
    others without color.
    """
    count = len(found.images)
    shown = min(TOP, len(found.run.classes))
    across = across_of(count)
    down = -(-count // across)
    step = _TILE + _LINE + 0.04 + shown * (_BAR + 0.03) + _GAP
    names = Names(found.run.classes)
    known = [one for one in found.images if one.truth is not None]
    note = "hatched: the right class, where it is among those shown" if known else ""
    note = "; ".join(part for part in (note, names.note) if part)
    width = max(across * (_TILE + _GAP) - _GAP + 2 * MARGIN, 4.4)
    sheet = Sheet(width, down * step - _GAP / 2, _title(found), note)
    start = (width - across * (_TILE + _GAP) + _GAP) / 2
    for i, one in enumerate(found.images):
        left, top = start + i % across * (_TILE + _GAP), HEAD + i // across * step
        pixels = crop_seen(one.pixels, found.run.preprocessing)
        sheet.image(pixels, left, top, _TILE, _TILE)
        _caption(sheet, one, names, left, top + _TILE + 0.05)
        _bars(sheet, found, i, names, left, top + _TILE + 0.02 + _LINE)
    return sheet.figure


def across_of(count: int) -> int:
    """Images in a row: as many as leave the fewest places of the last row empty.

    >>> [across_of(count) for count in (1, 3, 5, 6, 8, 9, 10, 11, 24)]
    [1, 3, 5, 3, 4, 3, 5, 4, 4]
    """
    if count <= _MOST_ACROSS:
        return count
    return min((4, 5, 3), key=lambda across: -count % across)


def _title(found: Predictions) -> str:
    known = [(one.truth, row) for one, row in zip(found.images, found.probabilities, strict=True)]
    judged = [(truth, row) for truth, row in known if truth is not None]
    said = f"{found.run.folder.resolve().name}: what images are taken for"
    if len(judged) > 1:
        right = sum(int(row.argmax()) == truth for truth, row in judged)
        said += f", {right} of {len(judged)} right"
    return said


def _caption(sheet: Sheet, one: Seen, names: Names, left: float, top: float) -> None:
    """The class as the paper has it; the name of the file where no class is known."""
    if one.truth is None:
        text, style = shortened(Path(one.path).name, 26), {"color": GRAY_TEXT}
        sheet.text(left + _TILE / 2, top, text, ha="center", **style)
        return
    made = sheet.text(left + _TILE / 2, top, names.text(one.truth, 24), ha="center")
    made.set_fontweight("bold")


def _bars(sheet: Sheet, found: Predictions, i: int, names: Names, left: float, top: float) -> None:
    row, truth = found.probabilities[i], found.images[i].truth
    best = (-row).argsort(kind="stable")[:TOP]
    height = len(best) * (_BAR + 0.03)
    axes = sheet.axes(left, top, _TILE, height)
    axes.set(xlim=(0, 1), ylim=(len(best) - 0.5, -0.5))
    axes.set_axis_off()
    # On the lines of the hatching letters could not be read; elsewhere a halo would eat the bars.
    halo = [patheffects.withStroke(linewidth=2.2, foreground="white")]
    for place, number in enumerate(best):
        right = number == truth
        axes.barh(
            place, row[number], 0.82, color=_RIGHT if right else _OTHER,
            hatch="////" if right else None, edgecolor=VERMILION if right else "#7F9DB9",
            linewidth=0.6,
        )  # fmt: skip
        style: dict[str, Any] = {"va": "center_baseline", "fontsize": 7.5}
        if right:
            style["path_effects"] = halo
        name = axes.text(0.02, place, names.text(int(number), _NAME), **style)
        names.apply(name)
        axes.text(0.99, place, _percent(row[number]), ha="right", **style)


def _percent(probability: float) -> str:
    """100% only for what is that, and 0% for nothing."""
    if probability < 0.01:
        return "<1%"
    return f"{min(probability, 0.99) if probability < 1 else 1:.0%}"
