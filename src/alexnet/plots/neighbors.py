"""Images with those that are nearest to them (the paper's figure 4, right)."""

from pathlib import Path

from matplotlib.figure import Figure

from alexnet.data.decoding import ImageError, decode
from alexnet.inspect.input_images import crop_seen, truth_of
from alexnet.inspect.neighbors import Similar
from alexnet.plots.class_labels import Names, shortened
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet
from alexnet.run import Run

_TILE = 1.35
_GAP = 0.08
_QUERY_GAP = 0.35
_CAPTION = 0.38
_NAME = 19


def similar_figure(found: Similar) -> Figure:
    """A row for each image: itself, and then the nearest ones with their distances."""
    names = Names(found.run.classes)
    most = max(len(one.found) for one in found.queries)
    step = _TILE + _CAPTION
    width = max(2 * MARGIN + _TILE + _QUERY_GAP + most * (_TILE + _GAP) - _GAP, 4.4)
    count = len(found.queries)
    title = (
        f"{found.run.folder.resolve().name}: the nearest of {found.searched:,} images "
        f"by {found.layer}"
    )
    note = "; ".join(part for part in ("numbers: Euclidean distance", names.note) if part)
    sheet = Sheet(width, count * step, title, note)
    for row, one in enumerate(found.queries):
        top = HEAD + row * step
        pixels = crop_seen(one.query.pixels, found.run.preprocessing)
        sheet.image(pixels, MARGIN, top, _TILE, _TILE)
        _name(sheet, one.query.path, found.run, names, MARGIN, top, bold=True)
        line = MARGIN + _TILE + _QUERY_GAP / 2
        bar = sheet.axes(line - 0.01, top, 0.02, _TILE)
        bar.set_facecolor("#B0B0B0")
        bar.set(xticks=[], yticks=[])
        bar.spines[:].set_visible(False)
        for place, neighbor in enumerate(one.found):
            left = MARGIN + _TILE + _QUERY_GAP + place * (_TILE + _GAP)
            try:
                square = decode(neighbor.path, found.run.preprocessing.resize_px)
            except ImageError:  # it was there when it was indexed
                continue
            sheet.image(crop_seen(square, found.run.preprocessing), left, top, _TILE, _TILE)
            _name(sheet, neighbor.path, found.run, names, left, top)
            sheet.text(left + _TILE / 2, top + _TILE + 0.18, _distance(neighbor.distance),
                       ha="center", fontsize=7, color=GRAY_TEXT)  # fmt: skip
    return sheet.figure


def _distance(value: float) -> str:
    """Four digits of every distance, so that those of a row can be compared at a glance.

    >>> _distance(0.436), _distance(1.17), _distance(1234.5)
    ('0.4360', '1.170', '1234')
    """
    return f"{value:#.4g}".removesuffix(".")


def _name(
    sheet: Sheet, path: str, run: Run, names: Names, left: float, top: float, *, bold: bool = False
) -> None:
    """The class where it is known, else the file."""
    truth = truth_of(path, run.classes)
    text = shortened(Path(path).name, _NAME) if truth is None else names.text(truth, _NAME)
    made = sheet.text(left + _TILE / 2, top + _TILE + 0.04, text, ha="center", fontsize=7.5)
    if bold:
        made.set_fontweight("bold")
