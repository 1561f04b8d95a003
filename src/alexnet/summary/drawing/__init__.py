"""The network drawn in the manner of the paper's figure 2."""

from alexnet.summary.drawing.output import FORMATS, draw, require_drawable

__all__ = ["FORMATS", "draw", "require_drawable"]
