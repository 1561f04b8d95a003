"""Plot the nearest neighbors of images (figure 4 of the paper, right)."""

from pathlib import Path

from matplotlib.figure import Figure

from alexnet.data.decoding import ImageError, decode
from alexnet.inspect.input_images import crop_for_display, label_from_folder
from alexnet.inspect.neighbors import SimilarImages
from alexnet.plots.class_labels import ClassNames, shorten
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet
from alexnet.run import Run

_TILE = 1.35
_GAP = 0.08
_QUERY_GAP = 0.35
_CAPTION = 0.38
_NAME = 19


def plot_neighbors(result: SimilarImages) -> Figure:
    """Plot a row per query image: the query, then its nearest neighbors with their distances."""
    names = ClassNames(result.run.classes)
    max_neighbors = max(len(query.neighbors) for query in result.queries)
    step = _TILE + _CAPTION
    width = max(2 * MARGIN + _TILE + _QUERY_GAP + max_neighbors * (_TILE + _GAP) - _GAP, 4.4)
    count = len(result.queries)
    title = (
        f"{result.run.folder.resolve().name}: nearest neighbors among "
        f"{result.num_searched:,} images by {result.layer} features"
    )
    note = "; ".join(part for part in ("numbers: Euclidean distance", names.note) if part)
    sheet = Sheet(width, count * step, title, note)
    for row, query in enumerate(result.queries):
        top = HEAD + row * step
        pixels = crop_for_display(query.query.pixels, result.run.preprocessing)
        sheet.image(pixels, MARGIN, top, _TILE, _TILE)
        _label(sheet, query.query.path, result.run, names, MARGIN, top, bold=True)
        line = MARGIN + _TILE + _QUERY_GAP / 2
        divider = sheet.axes(line - 0.01, top, 0.02, _TILE)
        divider.set_facecolor("#B0B0B0")
        divider.set(xticks=[], yticks=[])
        divider.spines[:].set_visible(False)
        for place, neighbor in enumerate(query.neighbors):
            left = MARGIN + _TILE + _QUERY_GAP + place * (_TILE + _GAP)
            try:
                image = decode(neighbor.path, result.run.preprocessing.resize_px)
            except ImageError:  # removed since it was indexed
                continue
            sheet.image(crop_for_display(image, result.run.preprocessing), left, top, _TILE, _TILE)
            _label(sheet, neighbor.path, result.run, names, left, top)
            sheet.text(left + _TILE / 2, top + _TILE + 0.18, _distance(neighbor.distance),
                       ha="center", fontsize=7, color=GRAY_TEXT)  # fmt: skip
    return sheet.figure


def _distance(value: float) -> str:
    """Format a distance with four significant digits.

    >>> _distance(0.436), _distance(1.17), _distance(1234.5)
    ('0.4360', '1.170', '1234')
    """
    return f"{value:#.4g}".removesuffix(".")


def _label(
    sheet: Sheet,
    path: str,
    run: Run,
    names: ClassNames,
    left: float,
    top: float,
    *,
    bold: bool = False,
) -> None:
    """Label an image with its class if known, else with its file name."""
    class_index = label_from_folder(path, run.classes)
    text = (
        shorten(Path(path).name, _NAME) if class_index is None else names.text(class_index, _NAME)
    )
    label = sheet.text(left + _TILE / 2, top + _TILE + 0.04, text, ha="center", fontsize=7.5)
    if bold:
        label.set_fontweight("bold")
