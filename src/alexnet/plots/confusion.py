"""Plot a confusion matrix."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from alexnet.plots.canvas import figure
from alexnet.plots.class_labels import ClassNames, drawable

_MAX_ANNOTATED = 25
"""With more classes, the cells have no counts."""
_MAX_LABELED = 150
"""With more classes, only some are labeled."""
_COLUMNS = 22
"""Maximum width of a name, in terminal columns."""

_COMPACT_INCHES = 2.6
"""Side of a matrix without names: with its color bar it fits a phone."""

_COLUMNS_PER_INCH = 15
"""Letters of a footnote per inch."""


def plot_confusion_matrix(
    confusion: NDArray[np.int64], classes: Sequence[str], title: str = ""
) -> Figure:
    """Plot a confusion matrix, normalized by row; few classes have the counts in the cells.

    Args:
        confusion: the counts (C, C), with true labels as rows and predicted labels as columns.
        classes: the C class names, in any script and of any length.
        title: the title of the plot.
    """
    count, names = len(classes), ClassNames(classes)
    side = _side_inches(count)
    label = _inches(names, count)
    below = label if _has_vertical_labels(names, count) else _font_size(count) / 72
    fig = figure(max(side + label + 2.1, 4.8), side + below + 0.9)
    axes = fig.add_subplot()
    fractions = _normalize_rows(confusion)
    _draw_cells(fig, axes, fractions, side)
    _label_classes(axes, names, count)
    if count <= _MAX_ANNOTATED:
        _annotate_counts(axes, confusion, fractions, side / count)
    _caption(fig, title, names.note, _has_empty_rows(confusion))
    return fig


def plot_compact_confusion_matrix(confusion: NDArray[np.int64]) -> Figure:
    """Plot a confusion matrix with class indices instead of names, in the width of a phone.

    Args:
        confusion: the counts (C, C), with true labels as rows and predicted labels as columns.
    """
    fig = figure(_COMPACT_INCHES + 1.5, _COMPACT_INCHES + 1)
    axes = fig.add_subplot()
    _draw_cells(fig, axes, _normalize_rows(confusion), _COMPACT_INCHES)
    axes.tick_params(labelsize=8)
    _caption(fig, "", "", _has_empty_rows(confusion))
    return fig


def _normalize_rows(confusion: NDArray[np.int64]) -> "np.ma.MaskedArray[Any, Any]":
    """Return the fractions of each true class, with empty classes masked."""
    support = confusion.sum(axis=1, keepdims=True)
    is_empty = np.repeat(support == 0, len(confusion), 1)
    return np.ma.masked_array(confusion / np.maximum(support, 1), is_empty)


def _has_empty_rows(confusion: NDArray[np.int64]) -> bool:
    return bool((confusion.sum(axis=1) == 0).any())


def _draw_cells(
    fig: Figure, axes: Axes, fractions: "np.ma.MaskedArray[Any, Any]", side_inches: float
) -> None:
    """Draw the cells and the color bar."""
    is_few = len(fractions) <= _MAX_ANNOTATED
    # Among many classes each error is rare: a power scale makes it visible.
    norm = PowerNorm(1 if is_few else 1 / 3, 0, 1)
    image = axes.imshow(fractions, cmap="Blues", norm=norm, interpolation="nearest")
    axes.set_facecolor("#e8e8e8")
    ticks = (0, 0.25, 0.5, 0.75, 1) if is_few else (0, 0.01, 0.05, 0.25, 0.5, 1)
    _add_color_bar(fig, axes, image, side_inches, ticks)
    axes.set(xlabel="predicted label", ylabel="true label")


def _side_inches(count: int) -> float:
    """Return the side of the matrix: large cells for few classes, room for names for many."""
    if count <= _MAX_ANNOTATED:
        return max(2.4, (0.5 if count <= 12 else 0.38) * count)
    return min(0.115 * count, 18) if count > 60 else 0.18 * count


def _font_size(count: int) -> float:
    return 9 if count <= _MAX_ANNOTATED else 8 if count <= 60 else 6.5


def _inches(names: ClassNames, count: int) -> float:
    """Return the approximate length of the longest name."""
    return names.max_width(_COLUMNS) * _font_size(count) / 72 * 0.6


def _has_vertical_labels(names: ClassNames, count: int) -> bool:
    """Return whether the longest name is wider than a column."""
    return _inches(names, count) > 0.85 * _side_inches(count) / count


def _label_classes(axes: Axes, names: ClassNames, count: int) -> None:
    positions = range(
        0, count, 1 if count <= _MAX_LABELED else 10 * -(-count // (10 * _MAX_LABELED))
    )
    texts = [names.text(i, _COLUMNS) for i in positions]
    size = _font_size(count)
    axes.set_yticks(list(positions), texts, fontsize=size)
    axes.set_xticks(
        list(positions),
        texts,
        fontsize=size,
        rotation=90 if _has_vertical_labels(names, count) else 0,
    )
    names.apply(*axes.get_xticklabels(), *axes.get_yticklabels())
    if count > _MAX_ANNOTATED:
        axes.tick_params(length=2, pad=1)


def _add_color_bar(
    fig: Figure, axes: Axes, image: AxesImage, side: float, ticks: Sequence[float]
) -> None:
    """Add a color bar, equally wide for every matrix."""
    bar = fig.colorbar(
        image, ax=axes, ticks=ticks, fraction=0.2 / side, pad=0.15 / side, aspect=0.8 * side / 0.2
    )
    bar.ax.set_yticklabels([f"{tick:.0%}" for tick in ticks])
    bar.set_label("fraction of the true class", fontsize=9)


def _annotate_counts(
    axes: Axes,
    confusion: NDArray[np.int64],
    fractions: "np.ma.MaskedArray[Any, Any]",
    cell_inches: float,
) -> None:
    digits = len(f"{confusion.max():,}")
    size = min(10.0, cell_inches * 72 / (0.7 * max(digits, 3)))
    for row, column in np.argwhere(confusion > 0):
        color = "white" if fractions[row, column] > 0.5 else "black"
        text = f"{confusion[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=size)


def _caption(fig: Figure, title: str, note: str, has_empty_rows: bool) -> None:
    displayed, families = drawable(title)
    fig.suptitle(displayed, fontsize=11, fontfamily=list(families), parse_math=False)
    lines = [note] if note else []
    if has_empty_rows:
        lines.append("gray row: no images of this class")
    if lines:
        columns = int(fig.get_figwidth() * _COLUMNS_PER_INCH)
        wrapped = [part for line in lines for part in textwrap.wrap(line, columns)]
        fig.supxlabel("\n".join(wrapped), fontsize=7.5, color="#404040")
