"""The pictures of a run's folder, drawn without a screen: each is a matplotlib Figure."""

from alexnet.evaluation.figures.canvas import png, svg, write
from alexnet.evaluation.figures.confusion import confusion_matrix, confusion_pattern
from alexnet.evaluation.figures.curves import curve, curves
from alexnet.evaluation.figures.reliability import reliability
from alexnet.evaluation.figures.tiles import Mistake, mistakes, sample_batch

__all__ = [
    "Mistake",
    "confusion_matrix",
    "confusion_pattern",
    "curve",
    "curves",
    "mistakes",
    "png",
    "reliability",
    "sample_batch",
    "svg",
    "write",
]
