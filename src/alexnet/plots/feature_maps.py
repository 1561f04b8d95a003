"""Plot the activations of a layer: feature maps in a grid, or values as bars."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.inspect.input_images import crop_for_display
from alexnet.inspect.layer_activations import Activations
from alexnet.plots.canvas import BLUE, VERMILION
from alexnet.plots.class_labels import ClassNames, columns, shorten
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

MAPS = 64
"""The default number of feature maps."""

_IMAGE = 2.6
_GRID = 6.4
"""Widths of the image and of the feature maps, in inches."""
_GAP = 0.25
_NUMBER = 0.13
_BAR = 0.16
_MAX_LISTED = 40
"""Up to this many classes have a line each."""
_LABELED = 5
_NAME = 22


def plot_feature_maps(activations: Activations, count: int = MAPS) -> Figure:
    """Plot the input image beside the feature maps of a layer, or its values as bars.

    Args:
        activations: the activations of a layer.
        count: the number of feature maps, those with the highest values first; 0 for all.
    """
    return (
        _plot_maps(activations, count) if activations.values.ndim == 3 else _plot_bars(activations)
    )


def _plot_maps(activations: Activations, count: int) -> Figure:
    channels, high, wide = activations.values.shape
    shown = activations.strongest(count or None)
    per_row = math.ceil(math.sqrt(len(shown)))
    if len(shown) > MAPS:  # wider than high, to fit a screen
        per_row = math.ceil(math.sqrt(1.6 * len(shown)))
    row_count = -(-len(shown) // per_row)
    grid = _GRID if len(shown) <= MAPS else _GRID * per_row / math.sqrt(MAPS)
    tile = grid / per_row - 0.05
    step_y = tile * high / wide + _NUMBER + 0.03
    body = max(_IMAGE + 0.6, row_count * step_y)
    maps = f"all {channels}" if len(shown) == channels else f"{len(shown)} of {channels}"
    title = f"{_run_name(activations)}: {activations.layer}, {maps} {high}×{wide} feature maps"
    width = MARGIN + _IMAGE + _GAP + grid + 0.75
    sheet = Sheet(width, body, f"{title}, by maximum value")
    _show_image(sheet, activations)
    left = MARGIN + _IMAGE + _GAP
    colors = _colors(activations, shown)
    for i, number in enumerate(shown):
        x, y = left + i % per_row * (tile + 0.05), HEAD + i // per_row * step_y
        axes = sheet.axes(x, y, tile, tile * high / wide)
        image = axes.imshow(
            activations.values[number], interpolation="nearest", aspect="auto", **colors
        )
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        size = min(6.0, tile * 10)
        sheet.text(x + tile / 2, y + tile * high / wide + 0.01, f"{number}", ha="center",
                   fontsize=size, color=GRAY_TEXT)  # fmt: skip
    bar = sheet.axes(left + grid + 0.08, HEAD, 0.14, min(3.0, row_count * step_y - _NUMBER))
    sheet.figure.colorbar(image, cax=bar)
    bar.tick_params(labelsize=7, length=2)
    return sheet.figure


def _colors(activations: Activations, shown: list[int]) -> dict[str, Any]:
    """Return one color scale for all maps, so that they can be compared.

    It is a square-root scale, since a few maps are far stronger than the rest, and a diverging
    one for signed values.
    """
    values = activations.values[shown]
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        return {"cmap": "magma", "norm": PowerNorm(0.5, 0, high or 1.0)}
    limit = max(-low, high)
    return {"cmap": "RdBu_r", "norm": FuncNorm((_root, _square), -limit, limit)}


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    roots: NDArray[np.float64] = np.sign(values) * np.sqrt(np.abs(values))
    return roots


def _square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = np.sign(values) * np.square(values)
    return squares


def _show_image(sheet: Sheet, activations: Activations) -> None:
    pixels = crop_for_display(activations.image.pixels, activations.run.preprocessing)
    sheet.image(pixels, MARGIN, HEAD, _IMAGE, _IMAGE)
    name = _file_name(activations.image.path, int(_IMAGE * 14))
    lines = [name, f"network input, {len(pixels)}×{len(pixels)}"]
    if activations.values.ndim == 3:
        lines.append("one square-root scale for all maps")
    for i, line in enumerate(lines):
        sheet.text(
            MARGIN + _IMAGE / 2, HEAD + _IMAGE + 0.06 + 0.15 * i, line, ha="center",
            color="black" if i == 0 else GRAY_TEXT, fontsize=8 if i == 0 else 7,
        )  # fmt: skip


def _run_name(activations: Activations) -> str:
    return activations.run.folder.resolve().name


def _file_name(path: str, room: int) -> str:
    return shorten(Path(path).name, room)


def _plot_bars(activations: Activations) -> Figure:
    units = len(activations.values)
    has_names = units == len(activations.run.classes) and activations.layer == "fc8"
    is_listed = has_names and units <= _MAX_LISTED
    body = max(_IMAGE + 0.6, units * 0.17 + 0.4) if is_listed else _IMAGE + 0.6
    positive = int((activations.values > 0).sum())
    title = f"{_run_name(activations)}: {activations.layer}, {units:,} units, {positive:,} positive"
    width = MARGIN + _IMAGE + 0.7 + _GRID + MARGIN
    sheet = Sheet(width, body, title)
    _show_image(sheet, activations)
    names = ClassNames(activations.run.classes) if has_names else None
    left = MARGIN + _IMAGE + 0.8
    if is_listed and names is not None:
        label = 0.075 * names.max_width(_NAME) + 0.1
        axes = sheet.axes(left + label, HEAD, _GRID - label - 0.2, body - 0.35)
        _plot_listed(axes, activations, names)
    else:
        axes = sheet.axes(left, HEAD + 0.1, _GRID - 0.2, body - 0.55)
        _plot_lines(axes, activations, names)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7.5)
    return sheet.figure


def _plot_listed(axes: Axes, activations: Activations, names: ClassNames) -> None:
    positions = np.arange(len(activations.values))
    colors = np.where(activations.values > 0, VERMILION, BLUE)
    axes.barh(positions, activations.values, color=list(colors), height=0.7)
    axes.set_yticks(positions, [names.text(i, _NAME) for i in range(len(positions))])
    names.apply(*axes.get_yticklabels())
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("activation", fontsize=8)


def _plot_lines(axes: Axes, activations: Activations, names: ClassNames | None) -> None:
    values = activations.values
    positions = np.arange(len(values))
    width = max(0.7, len(values) / 500)  # margin on both sides
    for positive, color in ((True, VERMILION), (False, BLUE)):
        selected = (values > 0) == positive
        axes.vlines(positions[selected], 0, values[selected], color=color, linewidth=0.7)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlim(-width, len(values) - 1 + width)
    axes.set_xlabel("unit index", fontsize=8)
    axes.set_ylabel("activation", fontsize=8)
    labeled: list[float] = []
    for number in activations.strongest(_LABELED):
        text = names.text(number, _NAME) if names else f"{number}"
        room = len(values) * 0.012 * (columns(text) + 1)
        if values[number] <= 0 or any(abs(number - other) < room for other in labeled):
            continue
        labeled.append(number)
        mark = axes.annotate(
            text, (number, values[number]), (0, 2), textcoords="offset points",
            ha="center", va="bottom", fontsize=7,
        )  # fmt: skip
        if names:
            names.apply(mark)
