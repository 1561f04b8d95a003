"""What a layer makes of an image: its maps in a grid, or its values as bars."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.inspect.feature_maps import Activations
from alexnet.inspect.input_images import crop_seen
from alexnet.plots.canvas import BLUE, VERMILION
from alexnet.plots.class_labels import Names, columns, shortened
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

MAPS = 64
"""Maps that are shown unless another number is asked for."""

_IMAGE = 2.6
_GRID = 6.4
"""Inches that the image and the maps take across."""
_GAP = 0.25
_NUMBER = 0.13
_BAR = 0.16
_LISTED_UNITS = 40
"""Of so many classes each has its own line."""
_MARKED = 5
_NAME = 22


def activations_figure(found: Activations, count: int = MAPS) -> Figure:
    """The image as the network saw it, and beside it the layer's maps, or its values as bars.

    Args:
        count: maps to show, those with the highest single values, the highest first; 0 for all.
    """
    return _maps(found, count) if found.values.ndim == 3 else _bars(found)


def _maps(found: Activations, count: int) -> Figure:
    channels, high, wide = found.values.shape
    shown = found.strongest(count or None)
    across = math.ceil(math.sqrt(len(shown)))
    if len(shown) > MAPS:  # a sheet that is higher than wide would not fit a screen
        across = math.ceil(math.sqrt(1.6 * len(shown)))
    down = -(-len(shown) // across)
    grid = _GRID if len(shown) <= MAPS else _GRID * across / math.sqrt(MAPS)
    tile = grid / across - 0.05
    step_y = tile * high / wide + _NUMBER + 0.03
    body = max(_IMAGE + 0.6, down * step_y)
    if len(shown) == channels:
        which = f"{found.layer}, all {channels} maps, the strongest first"
    else:
        which = f"{found.layer}, the {len(shown)} of {channels} maps with the highest values"
    width = MARGIN + _IMAGE + _GAP + grid + 0.75
    sheet = Sheet(width, body, f"{_run_name(found)}: {which}, {high}×{wide}")
    _show_image(sheet, found)
    left = MARGIN + _IMAGE + _GAP
    colors = _colors(found, shown)
    for i, number in enumerate(shown):
        x, y = left + i % across * (tile + 0.05), HEAD + i // across * step_y
        axes = sheet.axes(x, y, tile, tile * high / wide)
        image = axes.imshow(found.values[number], interpolation="nearest", aspect="auto", **colors)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        size = min(6.0, tile * 10)
        sheet.text(x + tile / 2, y + tile * high / wide + 0.01, f"{number}", ha="center",
                   fontsize=size, color=GRAY_TEXT)  # fmt: skip
    bar = sheet.axes(left + grid + 0.08, HEAD, 0.14, min(3.0, down * step_y - _NUMBER))
    sheet.figure.colorbar(image, cax=bar)
    bar.tick_params(labelsize=7, length=2)
    return sheet.figure


def _colors(found: Activations, shown: list[int]) -> dict[str, Any]:
    """One scale for all maps, so that they can be compared; two colors where there are signs.

    A few maps are far stronger than the rest: a root makes those visible, too.
    """
    values = found.values[shown]
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        return {"cmap": "magma", "norm": PowerNorm(0.5, 0, high or 1.0)}
    limit = max(-low, high)
    return {"cmap": "RdBu_r", "norm": FuncNorm((_root, _square), -limit, limit)}


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.sign(values) * np.sqrt(np.abs(values))
    return found


def _square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.sign(values) * np.square(values)
    return found


def _show_image(sheet: Sheet, found: Activations) -> None:
    pixels = crop_seen(found.image.pixels, found.run.preprocessing)
    sheet.image(pixels, MARGIN, HEAD, _IMAGE, _IMAGE)
    name = _file_name(found.image.path, int(_IMAGE * 14))
    lines = [name, f"as the network saw it, {len(pixels)}×{len(pixels)}"]
    if found.values.ndim == 3:
        lines.append("one scale for all maps, by the square root")
    for i, line in enumerate(lines):
        sheet.text(
            MARGIN + _IMAGE / 2, HEAD + _IMAGE + 0.06 + 0.15 * i, line, ha="center",
            color="black" if i == 0 else GRAY_TEXT, fontsize=8 if i == 0 else 7,
        )  # fmt: skip


def _run_name(found: Activations) -> str:
    return found.run.folder.resolve().name


def _file_name(path: str, room: int) -> str:
    return shortened(Path(path).name, room)


def _bars(found: Activations) -> Figure:
    units = len(found.values)
    named = units == len(found.run.classes) and found.layer == "fc8"
    listed = named and units <= _LISTED_UNITS
    body = max(_IMAGE + 0.6, units * 0.17 + 0.4) if listed else _IMAGE + 0.6
    above = int((found.values > 0).sum())
    title = f"{_run_name(found)}: {found.layer}, {units:,} values, {above:,} above 0"
    width = MARGIN + _IMAGE + 0.7 + _GRID + MARGIN
    sheet = Sheet(width, body, title)
    _show_image(sheet, found)
    names = Names(found.run.classes) if named else None
    left = MARGIN + _IMAGE + 0.8
    if listed and names is not None:
        label = 0.075 * names.longest(_NAME) + 0.1
        axes = sheet.axes(left + label, HEAD, _GRID - label - 0.2, body - 0.35)
        _listed(axes, found, names)
    else:
        axes = sheet.axes(left, HEAD + 0.1, _GRID - 0.2, body - 0.55)
        _strip(axes, found, names)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7.5)
    return sheet.figure


def _listed(axes: Axes, found: Activations, names: Names) -> None:
    places = np.arange(len(found.values))
    colors = np.where(found.values > 0, VERMILION, BLUE)
    axes.barh(places, found.values, color=list(colors), height=0.7)
    axes.set_yticks(places, [names.text(i, _NAME) for i in range(len(places))])
    names.apply(*axes.get_yticklabels())
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("value", fontsize=8)


def _strip(axes: Axes, found: Activations, names: Names | None) -> None:
    values = found.values
    places = np.arange(len(values))
    width = max(0.7, len(values) / 500)  # thin enough to be told apart, thick enough to be seen
    for positive, color in ((True, VERMILION), (False, BLUE)):
        some = (values > 0) == positive
        axes.vlines(places[some], 0, values[some], color=color, linewidth=0.7)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlim(-width, len(values) - 1 + width)
    axes.set_xlabel("unit, from 0", fontsize=8)
    axes.set_ylabel("value", fontsize=8)
    taken: list[float] = []
    for number in found.strongest(_MARKED):
        text = names.text(number, _NAME) if names else f"{number}"
        room = len(values) * 0.012 * (columns(text) + 1)
        if values[number] <= 0 or any(abs(number - other) < room for other in taken):
            continue
        taken.append(number)
        mark = axes.annotate(
            text, (number, values[number]), (0, 2), textcoords="offset points",
            ha="center", va="bottom", fontsize=7,
        )  # fmt: skip
        if names:
            names.apply(mark)
