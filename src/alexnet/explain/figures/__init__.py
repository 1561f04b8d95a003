"""What a run learned as figures: each is a matplotlib Figure, drawn without a screen."""

from alexnet.explain.figures.activations import activations_figure
from alexnet.explain.figures.attention import attention_figure
from alexnet.explain.figures.files import save
from alexnet.explain.figures.filters import filters_figure
from alexnet.explain.figures.predictions import predictions_figure
from alexnet.explain.figures.similar import similar_figure

__all__ = [
    "activations_figure",
    "attention_figure",
    "filters_figure",
    "predictions_figure",
    "save",
    "similar_figure",
]
