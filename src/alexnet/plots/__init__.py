"""Figures, drawn without a screen: each is a matplotlib Figure."""

from alexnet.plots.canvas import png, svg, write
from alexnet.plots.confusion import confusion_matrix, confusion_pattern
from alexnet.plots.feature_maps import activations_figure
from alexnet.plots.files import save
from alexnet.plots.heat_maps import attention_figure
from alexnet.plots.image_grids import Mistake, mistakes, sample_batch
from alexnet.plots.kernels import filters_figure
from alexnet.plots.learning_curves import curve, curves
from alexnet.plots.neighbors import similar_figure
from alexnet.plots.prediction_bars import predictions_figure
from alexnet.plots.reliability_diagram import reliability

__all__ = [
    "Mistake",
    "activations_figure",
    "attention_figure",
    "confusion_matrix",
    "confusion_pattern",
    "curve",
    "curves",
    "filters_figure",
    "mistakes",
    "png",
    "predictions_figure",
    "reliability",
    "sample_batch",
    "save",
    "similar_figure",
    "svg",
    "write",
]
