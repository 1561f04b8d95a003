"""Draw a network in the style of figure 2 of the paper."""

from alexnet.summary.drawing.output import FORMATS, draw, require_drawable

__all__ = ["FORMATS", "draw", "require_drawable"]
