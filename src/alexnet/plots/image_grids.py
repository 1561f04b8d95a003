"""Plot grids of images: misclassified images and a training batch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.plots.canvas import VERMILION, figure
from alexnet.plots.class_labels import ClassNames, drawable

_TILE_INCHES = 1.75
_GAP_INCHES = 0.08
_LINE_INCHES = 0.15
_TILES_PER_ROW = 5
_COLUMNS = 26
"""Maximum width of a name under a tile, in terminal columns."""
_MAX_BATCH = 32


class Misclassified(NamedTuple):
    """A misclassified RGB image (S, S, 3) with its true and predicted class."""

    image: NDArray[np.uint8]
    truth: str
    prediction: str
    confidence: float


def plot_misclassified(
    errors: Sequence[Misclassified],
    classes: Sequence[str],
    title: str = "",
    error_count: int | None = None,
    image_count: int | None = None,
) -> Figure:
    """Plot misclassified images with their true class, predicted class and confidence.

    Args:
        errors: the images in display order, most confident first.
        classes: the class names of the model.
        title: what was evaluated.
        error_count: the number of all misclassified images.
        image_count: the number of all evaluated images.
    """
    names = ClassNames(classes)
    error_count = len(errors) if error_count is None else error_count
    total = f" of {image_count:,}" if image_count else ""
    summary = f"{error_count:,}{total} images misclassified"
    if error_count > len(errors):
        summary += f"; the {len(errors)} most confident errors"
    fig, tiles = _grid(len(errors), 2, f"{title}: {summary}" if title else summary, names.note)
    for axes, error in zip(tiles, errors, strict=True):
        _show(axes, error.image)
        _caption(axes, names, 0, f"true: {names.shorten(error.truth, _COLUMNS - 6)}")
        # The number comes first: after an Arabic name it would be displayed within the name.
        prediction = names.shorten(error.prediction, _COLUMNS - 12)
        _caption(axes, names, 1, f"pred. {error.confidence:.0%}: {prediction}", color=VERMILION)
    return fig


def plot_sample_batch(
    values: NDArray[np.float32],
    preprocessing: Preprocessing,
    labels: Sequence[int] | NDArray[np.int64],
    classes: Sequence[str],
    title: str = "training batch after data augmentation",
) -> Figure:
    """Plot a batch of network inputs, with the input normalization undone.

    Args:
        values: the inputs (N, H, W, C), of which the first 32 are shown.
        preprocessing: defines the mean, standard deviation and channel order to undo. For a mean
            image the mean color is added back, since the crop positions are unknown.
        labels: the class indices (N,).
        classes: the class names of the model.
        title: the title of the plot.
    """
    names, count = ClassNames(classes), min(len(values), _MAX_BATCH)
    fig, tiles = _grid(count, 1, title, names.note, per_row=8)
    for axes, image, label in zip(tiles, values, labels, strict=False):
        _show(axes, denormalize(image, preprocessing))
        _caption(axes, names, 0, names.text(int(label), _COLUMNS))
    return fig


def denormalize(values: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Convert a normalized image (H, W, C) to RGB from 0 to 255, (H, W, 3).

    >>> settings = Preprocessing(mean=(100.0, 100.0, 100.0), std=(50.0, 50.0, 50.0))
    >>> denormalize(np.zeros((1, 1, 3), np.float32), settings).tolist()
    [[[100, 100, 100]]]
    """
    # Mean and standard deviation are per RGB channel, or scalars.
    mean, std = (np.asarray(v, np.float32) for v in (preprocessing.mean, preprocessing.std))
    if preprocessing.channels == "gray":
        values = np.repeat(values, 3, axis=-1)
    elif preprocessing.channels == "bgr":
        values = values[..., ::-1]
    image: NDArray[np.uint8] = np.rint(values * std + mean).clip(0, 255).astype(np.uint8)
    return image


def _grid(
    count: int, captions: int, title: str, note: str, per_row: int = _TILES_PER_ROW
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its tiles, each with room for `captions` lines of text below it.

    Positions are absolute: a layout engine would give the tiles different sizes.
    """
    per_row = max(1, min(per_row, count))
    row_count = -(-count // per_row)
    tile, step = _TILE_INCHES, _TILE_INCHES + _LINE_INCHES * captions + 2 * _GAP_INCHES
    head, foot = 0.45, 0.3 if note else 0.1
    width = max(per_row * (tile + _GAP_INCHES) + _GAP_INCHES, 6.0)
    height = head + row_count * step + foot
    fig = figure(width, height)
    fig.set_layout_engine("none")
    left = (width - per_row * (tile + _GAP_INCHES) + _GAP_INCHES) / 2
    positions = [(i % per_row, i // per_row) for i in range(count)]
    tiles = [
        fig.add_axes(
            (
                (left + x * (tile + _GAP_INCHES)) / width,
                1 - (head + y * step + tile) / height,
                tile / width,
                tile / height,
            )
        )
        for x, y in positions
    ]
    displayed, families = drawable(title)
    style: dict[str, Any] = {"ha": "center", "fontfamily": list(families), "parse_math": False}
    fig.text(0.5, 1 - 0.15 / height, displayed, va="top", fontsize=10, **style)
    fig.text(0.5, 0.08 / height, note, va="bottom", fontsize=7.5, color="#404040", **style)
    return fig, tiles


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(image, interpolation="nearest" if len(image) < 64 else "antialiased")
    axes.set_axis_off()


def _caption(axes: Axes, names: ClassNames, line: int, text: str, **style: Any) -> None:
    """Add a line of text below a tile; line 0 is next to it."""
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
