"""The pictures of a run's folder, drawn without a screen: each is a matplotlib Figure."""

from alexnet.evaluation.figures.canvas import png, write
from alexnet.evaluation.figures.confusion import confusion_matrix
from alexnet.evaluation.figures.curves import curves
from alexnet.evaluation.figures.tiles import Mistake, mistakes, sample_batch

__all__ = [
    "Mistake",
    "confusion_matrix",
    "curves",
    "mistakes",
    "png",
    "sample_batch",
    "write",
]
