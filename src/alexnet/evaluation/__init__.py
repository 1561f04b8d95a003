"""Evaluate a run on labeled images: metrics, confusion matrix, predictions, calibration."""

from alexnet.evaluation.evaluator import evaluate
from alexnet.evaluation.metrics import ClassMetrics, Metrics, measure, wilson
from alexnet.evaluation.reliability import Bin, Calibration, calibration
from alexnet.evaluation.results import Evaluation, LabeledPrediction, NotSavedError

__all__ = [
    "Bin",
    "Calibration",
    "ClassMetrics",
    "Evaluation",
    "LabeledPrediction",
    "Metrics",
    "NotSavedError",
    "calibration",
    "evaluate",
    "measure",
    "wilson",
]
