"""The confusion matrix: what the images of each class are taken for."""

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
from alexnet.plots.class_labels import Names, drawable

_NUMBERED = 25
"""With more classes than this the cells have no numbers."""
_LABELED = 150
"""With more classes than this only every so many has its name."""
_COLUMNS = 22
"""Room for a name, in columns of a terminal."""

_PATTERN_INCHES = 2.6
"""Side of a matrix without names: with its key it fits a phone."""

_COLUMNS_PER_INCH = 15
"""Letters of a footnote that fit."""


def confusion_matrix(
    confusion: NDArray[np.int64], classes: Sequence[str], title: str = ""
) -> Figure:
    """The matrix with each row colored by its shares; few classes have the counts in the cells.

    Args:
        confusion: (C, C), row the truth, column the prediction.
        classes: the C names, in any script, of any length.
    """
    count, names = len(classes), Names(classes)
    side = _side_inches(count)
    label = _inches(names, count)
    below = label if _are_upright(names, count) else _font_size(count) / 72
    drawn = figure(max(side + label + 2.1, 4.8), side + below + 0.9)
    axes = drawn.add_subplot()
    shares = _shares(confusion)
    _color(drawn, axes, shares, side)
    _name_classes(axes, names, count)
    if count <= _NUMBERED:
        _write_counts(axes, confusion, shares, side / count)
    _caption(drawn, title, names.note, _has_empty_rows(confusion))
    return drawn


def confusion_pattern(confusion: NDArray[np.int64]) -> Figure:
    """The matrix in the width of a phone, for more classes than can be named there.

    It shows how clear the diagonal is, and which classes are taken for their neighbors; the
    classes go by their numbers.

    Args:
        confusion: (C, C), row the truth, column the prediction.
    """
    drawn = figure(_PATTERN_INCHES + 1.5, _PATTERN_INCHES + 1)
    axes = drawn.add_subplot()
    _color(drawn, axes, _shares(confusion), _PATTERN_INCHES)
    axes.tick_params(labelsize=8)
    _caption(drawn, "", "", _has_empty_rows(confusion))
    return drawn


def _shares(confusion: NDArray[np.int64]) -> "np.ma.MaskedArray[Any, Any]":
    """Of the images of each class; without any images masked."""
    support = confusion.sum(axis=1, keepdims=True)
    is_empty = np.repeat(support == 0, len(confusion), 1)
    return np.ma.masked_array(confusion / np.maximum(support, 1), is_empty)


def _has_empty_rows(confusion: NDArray[np.int64]) -> bool:
    return bool((confusion.sum(axis=1) == 0).any())


def _color(
    drawn: Figure, axes: Axes, shares: "np.ma.MaskedArray[Any, Any]", side_inches: float
) -> None:
    """The cells, colored by their shares, and what the colors mean."""
    is_few = len(shares) <= _NUMBERED
    # Among many classes each single mistake is rare: a root of the share makes it visible.
    norm = PowerNorm(1 if is_few else 1 / 3, 0, 1)
    image = axes.imshow(shares, cmap="Blues", norm=norm, interpolation="nearest")
    axes.set_facecolor("#e8e8e8")
    ticks = (0, 0.25, 0.5, 0.75, 1) if is_few else (0, 0.01, 0.05, 0.25, 0.5, 1)
    _key(drawn, axes, image, side_inches, ticks)
    axes.set(xlabel="prediction", ylabel="truth")


def _side_inches(count: int) -> float:
    """Side of the matrix: large cells for few classes, and room for a name beside many."""
    if count <= _NUMBERED:
        return max(2.4, (0.5 if count <= 12 else 0.38) * count)
    return min(0.115 * count, 18) if count > 60 else 0.18 * count


def _font_size(count: int) -> float:
    return 9 if count <= _NUMBERED else 8 if count <= 60 else 6.5


def _inches(names: Names, count: int) -> float:
    """Length of the longest name, about."""
    return names.longest(_COLUMNS) * _font_size(count) / 72 * 0.6


def _are_upright(names: Names, count: int) -> bool:
    """Whether the names below stand, since the longest is wider than a column."""
    return _inches(names, count) > 0.85 * _side_inches(count) / count


def _name_classes(axes: Axes, names: Names, count: int) -> None:
    places = range(0, count, 1 if count <= _LABELED else 10 * -(-count // (10 * _LABELED)))
    texts = [names.text(i, _COLUMNS) for i in places]
    size = _font_size(count)
    axes.set_yticks(list(places), texts, fontsize=size)
    axes.set_xticks(
        list(places), texts, fontsize=size, rotation=90 if _are_upright(names, count) else 0
    )
    names.apply(*axes.get_xticklabels(), *axes.get_yticklabels())
    if count > _NUMBERED:
        axes.tick_params(length=2, pad=1)


def _key(drawn: Figure, axes: Axes, image: AxesImage, side: float, ticks: Sequence[float]) -> None:
    """What the colors mean: a bar of the same width beside every matrix."""
    bar = drawn.colorbar(
        image, ax=axes, ticks=ticks, fraction=0.2 / side, pad=0.15 / side, aspect=0.8 * side / 0.2
    )
    bar.ax.set_yticklabels([f"{tick:.0%}" for tick in ticks])
    bar.set_label("share of the images of the true class", fontsize=9)


def _write_counts(
    axes: Axes,
    confusion: NDArray[np.int64],
    shares: "np.ma.MaskedArray[Any, Any]",
    cell_inches: float,
) -> None:
    digits = len(f"{confusion.max():,}")
    size = min(10.0, cell_inches * 72 / (0.7 * max(digits, 3)))
    for row, column in np.argwhere(confusion > 0):
        color = "white" if shares[row, column] > 0.5 else "black"
        text = f"{confusion[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=size)


def _caption(drawn: Figure, title: str, note: str, has_empty_rows: bool) -> None:
    shown, families = drawable(title)
    drawn.suptitle(shown, fontsize=11, fontfamily=list(families), parse_math=False)
    lines = [note] if note else []
    if has_empty_rows:
        lines.append("gray row: no images of this class")
    if lines:
        columns = int(drawn.get_figwidth() * _COLUMNS_PER_INCH)
        wrapped = [part for line in lines for part in textwrap.wrap(line, columns)]
        drawn.supxlabel("\n".join(wrapped), fontsize=7.5, color="#404040")
