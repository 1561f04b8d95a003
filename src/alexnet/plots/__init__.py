"""Plots as matplotlib figures, without a display. Each plot is imported when first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alexnet.plots.confusion import plot_compact_confusion_matrix, plot_confusion_matrix
    from alexnet.plots.feature_maps import plot_feature_maps
    from alexnet.plots.files import figure_bytes, save_figure
    from alexnet.plots.grad_cam import plot_grad_cam
    from alexnet.plots.image_grids import Misclassified, plot_misclassified, plot_sample_batch
    from alexnet.plots.kernels import plot_kernels
    from alexnet.plots.learning_curves import plot_learning_curve, plot_learning_curves
    from alexnet.plots.neighbors import plot_neighbors
    from alexnet.plots.prediction_bars import plot_predictions
    from alexnet.plots.reliability_diagram import plot_reliability_diagram

_MODULES = {
    "Misclassified": "image_grids",
    "figure_bytes": "files",
    "plot_compact_confusion_matrix": "confusion",
    "plot_confusion_matrix": "confusion",
    "plot_feature_maps": "feature_maps",
    "plot_grad_cam": "grad_cam",
    "plot_kernels": "kernels",
    "plot_learning_curve": "learning_curves",
    "plot_learning_curves": "learning_curves",
    "plot_misclassified": "image_grids",
    "plot_neighbors": "neighbors",
    "plot_predictions": "prediction_bars",
    "plot_reliability_diagram": "reliability_diagram",
    "plot_sample_batch": "image_grids",
    "save_figure": "files",
}

__all__ = [
    "Misclassified",
    "figure_bytes",
    "plot_compact_confusion_matrix",
    "plot_confusion_matrix",
    "plot_feature_maps",
    "plot_grad_cam",
    "plot_kernels",
    "plot_learning_curve",
    "plot_learning_curves",
    "plot_misclassified",
    "plot_neighbors",
    "plot_predictions",
    "plot_reliability_diagram",
    "plot_sample_batch",
    "save_figure",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"alexnet.plots.{_MODULES[name]}"), name)
