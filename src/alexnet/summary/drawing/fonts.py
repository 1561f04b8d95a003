"""The fonts of the drawing, and how wide a text is in them."""

import functools
from typing import Any

from alexnet.summary.drawing.scene import Box, Text

FAMILY = "STIXGeneral"
"""Comes with matplotlib, so every machine measures alike; looks like the text of a paper."""
FALLBACKS = ("STIX Two Text", "Times New Roman", "Times", "serif")
"""For a viewer of the SVG that lacks it; the widths are written into the file."""

_ASCENT, _DESCENT = 0.70, 0.22
"""Of the tallest and the deepest letters, in parts of the font's size."""


def properties(size: float, bold: bool) -> Any:
    """matplotlib's description of the font."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")


@functools.lru_cache(maxsize=4096)
def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text in points."""
    from matplotlib.textpath import text_to_path

    measured, _, _ = text_to_path.get_text_width_height_descent(
        text, properties(size, bold), ismath=False
    )
    return float(measured)


def box(text: Text) -> Box:
    """The place that a text takes, with its highest and lowest letters whatever it says."""
    wide = width(text.text, text.size, text.bold)
    left = text.at.x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.anchor]
    top = text.at.y - _ASCENT * text.size
    return Box(left, top, left + wide, text.at.y + _DESCENT * text.size)
