"""A figure with absolute positions, in inches from the upper left corner."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from alexnet.plots.canvas import DPI, figure
from alexnet.plots.class_labels import drawable, shorten

MARGIN = 0.15
HEAD = 0.55
"""Height of the title in inches."""
_FOOT = 0.12
"""Margin at the bottom in inches."""
_NOTE_LINE = 0.15

GRAY_TEXT = "#505050"
_COLUMNS_PER_INCH, _NOTE_COLUMNS_PER_INCH = 12.5, 16
"""Letters of a title and of a note per inch."""


class Sheet:
    """A figure with a title above and a note below, and absolute positions in inches.

    A layout engine would give tiles, and so kernels, different sizes.

    Args:
        width: width of the figure, rounded to whole pixels so that positions are exact.
        body: height of the content between the title, which ends at HEAD, and the note.
    """

    def __init__(self, width: float, body: float, title: str, note: str = "") -> None:
        notes = textwrap.wrap(note, int((width - 2 * MARGIN) * _NOTE_COLUMNS_PER_INCH))
        height = HEAD + body + _FOOT + len(notes) * _NOTE_LINE
        self.width, self.height = round(width * DPI) / DPI, round(height * DPI) / DPI
        width, height = self.width, self.height
        self.figure: Figure = figure(width, height)
        self.figure.set_layout_engine("none")
        room = int((width - 2 * MARGIN) * _COLUMNS_PER_INCH)
        self.text(width / 2, 0.14, shorten(title, room), ha="center", fontsize=10.5)
        for i, line in enumerate(notes):
            y = height - _FOOT - (len(notes) - i) * _NOTE_LINE + 0.05
            self.text(width / 2, y, line, ha="center", fontsize=7.5, color=GRAY_TEXT)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes with this upper left corner and size."""
        bottom = self.height - top - height
        box = (left, bottom, width, height)
        sizes = (self.width, self.height, self.width, self.height)
        scaled = tuple(value / size for value, size in zip(box, sizes, strict=True))
        return self.figure.add_axes(scaled)  # type: ignore[arg-type]

    def image(
        self, pixels: NDArray[np.uint8], left: float, top: float, width: float, height: float
    ) -> Axes:
        """Add an image (H, W, 3) without a frame."""
        axes = self.axes(left, top, width, height)
        # With nearest-neighbor interpolation, slightly enlarged pixels would differ in width.
        axes.imshow(pixels, interpolation="antialiased", aspect="auto")
        axes.set_axis_off()
        return axes

    def text(self, x: float, y: float, text: str, **style: Any) -> Text:
        """Add text below this point, in fonts that cover its letters; `$` is literal."""
        displayed, families = drawable(text)
        style = {"va": "top", "fontsize": 8, **style}
        return self.figure.text(
            x / self.width,
            1 - y / self.height,
            displayed,
            fontfamily=list(families),
            parse_math=False,
            **style,
        )
