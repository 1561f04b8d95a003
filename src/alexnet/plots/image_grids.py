"""Sheets of images: the worst mistakes, and a batch as the network sees it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.plots.canvas import VERMILION, figure
from alexnet.plots.class_labels import Names, drawable

_TILE_INCHES = 1.75
_GAP_INCHES = 0.08
_LINE_INCHES = 0.15
_ACROSS = 5
_COLUMNS = 26
"""Room for a name under a tile, in columns of a terminal."""
_BATCH_LIMIT = 32


class Mistake(NamedTuple):
    """An image (S, S, 3) with what it is and what it was taken for."""

    image: NDArray[np.uint8]
    truth: str
    prediction: str
    confidence: float


def mistakes(
    worst: Sequence[Mistake],
    classes: Sequence[str],
    title: str = "",
    wrong: int | None = None,
    count: int | None = None,
) -> Figure:
    """The given mistakes, each with its truth, its prediction and how sure the network was.

    Args:
        worst: in the order in which they are shown.
        classes: the model's names.
        wrong: how many mistakes there are in all.
        count: among how many images.
    """
    names = Names(classes)
    wrong, count = len(worst) if wrong is None else wrong, count or 0
    of = f" of {count:,}" if count else ""
    said = f"{wrong:,}{of} images taken for something else"
    if wrong > len(worst):
        said += f"; the {len(worst)} that the network was surest of"
    title = f"{title}: {said}" if title else said
    drawn, tiles = _sheet(len(worst), 2, title, names.note)
    for axes, one in zip(tiles, worst, strict=True):
        _show(axes, one.image)
        _caption(axes, names, 0, f"is {names.of(one.truth, _COLUMNS - 3)}")
        # The share comes first: after a name in Arabic it would be drawn within it.
        took = f"{one.confidence:.0%} sure: {names.of(one.prediction, _COLUMNS - 10)}"
        _caption(axes, names, 1, took, color=VERMILION)
    return drawn


def sample_batch(
    values: NDArray[np.float32],
    preprocessing: Preprocessing,
    labels: Sequence[int] | NDArray[np.int64],
    classes: Sequence[str],
    title: str = "a training batch as it enters the network, after crops and other variation",
) -> Figure:
    """Images as they enter the network, its normalization undone so that they can be seen.

    Args:
        values: (N, H, W, C); the first 32 are shown.
        preprocessing: whose mean, divisor and order of channels are undone. Where a mean image
            was subtracted, the mean color is added back: the crop's part of it is not known.
        labels: (N,), numbers of classes.
    """
    names, shown = Names(classes), min(len(values), _BATCH_LIMIT)
    drawn, tiles = _sheet(shown, 1, title, names.note, across=8)
    for axes, image, label in zip(tiles, values, labels, strict=False):
        _show(axes, displayed(image, preprocessing))
        _caption(axes, names, 0, names.text(int(label), _COLUMNS))
    return drawn


def displayed(values: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """One normalized image (H, W, C) as RGB from 0 to 255, (H, W, 3).

    >>> settings = Preprocessing(mean=(100.0, 100.0, 100.0), std=(50.0, 50.0, 50.0))
    >>> displayed(np.zeros((1, 1, 3), np.float32), settings).tolist()
    [[[100, 100, 100]]]
    """
    # Mean and divisor are those of red, green and blue, or one for all of them.
    mean, std = (np.asarray(v, np.float32) for v in (preprocessing.mean, preprocessing.std))
    if preprocessing.channels == "gray":
        values = np.repeat(values, 3, axis=-1)
    elif preprocessing.channels == "bgr":
        values = values[..., ::-1]
    shown: NDArray[np.uint8] = np.rint(values * std + mean).clip(0, 255).astype(np.uint8)
    return shown


def _sheet(
    count: int, captions: int, title: str, note: str, across: int = _ACROSS
) -> tuple[Figure, list[Axes]]:
    """A figure with this many tiles, each with room for lines of text under it.

    The places are worked out here: a layout engine would make the tiles of different sizes.
    """
    across = max(1, min(across, count))
    down = -(-count // across)
    tile, step = _TILE_INCHES, _TILE_INCHES + _LINE_INCHES * captions + 2 * _GAP_INCHES
    head, foot = 0.45, 0.3 if note else 0.1
    width = max(across * (tile + _GAP_INCHES) + _GAP_INCHES, 6.0)
    height = head + down * step + foot
    drawn = figure(width, height)
    drawn.set_layout_engine("none")
    left = (width - across * (tile + _GAP_INCHES) + _GAP_INCHES) / 2
    places = [(i % across, i // across) for i in range(count)]
    tiles = [
        drawn.add_axes(
            (
                (left + x * (tile + _GAP_INCHES)) / width,
                1 - (head + y * step + tile) / height,
                tile / width,
                tile / height,
            )
        )
        for x, y in places
    ]
    shown, families = drawable(title)
    style: dict[str, Any] = {"ha": "center", "fontfamily": list(families), "parse_math": False}
    drawn.text(0.5, 1 - 0.15 / height, shown, va="top", fontsize=10, **style)
    drawn.text(0.5, 0.08 / height, note, va="bottom", fontsize=7.5, color="#404040", **style)
    return drawn, tiles


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(image, interpolation="nearest" if len(image) < 64 else "antialiased")
    axes.set_axis_off()


def _caption(axes: Axes, names: Names, line: int, text: str, **style: Any) -> None:
    """A line of text under a tile; line 0 is next to it."""
    points = -72 * (0.04 + line * _LINE_INCHES)
    names.apply(
        axes.annotate(
            text,
            (0.5, 0),
            (0, points),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            **style,
        )
    )
