"""The font of the drawing and the size of texts set in it."""

import functools
from typing import Any

from alexnet.summary.drawing.scene import Box, Text

FAMILY = "STIXGeneral"
"""Shipped with matplotlib, so that texts have the same size on every machine."""
FALLBACKS = ("STIX Two Text", "Times New Roman", "Times", "serif")
"""For SVG viewers without it; the widths are stored in the file."""

_ASCENT, _DESCENT = 0.70, 0.22
"""Of the tallest and the deepest letters, relative to the font size."""


def properties(size: float, bold: bool) -> Any:
    """Return the font properties for matplotlib."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")


@functools.lru_cache(maxsize=4096)
def width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a text in points."""
    from matplotlib.textpath import text_to_path

    width_pt, _, _ = text_to_path.get_text_width_height_descent(
        text, properties(size, bold), ismath=False
    )
    return float(width_pt)


def box(text: Text) -> Box:
    """Return the bounding box of a text, for the tallest and deepest letters of the font."""
    text_width = width(text.text, text.size, text.bold)
    left = text.at.x - {"start": 0.0, "middle": text_width / 2, "end": text_width}[text.anchor]
    top = text.at.y - _ASCENT * text.size
    return Box(left, top, left + text_width, text.at.y + _DESCENT * text.size)
