"""How good a run is: its figures on images whose classes are known, and their images."""

from alexnet.evaluation.evaluator import evaluate
from alexnet.evaluation.metrics import ClassMetrics, Metrics, measure, wilson
from alexnet.evaluation.reliability import Bin, Calibration, calibration
from alexnet.evaluation.results import Evaluation, Judged, NotSavedError

__all__ = [
    "Bin",
    "Calibration",
    "ClassMetrics",
    "Evaluation",
    "Judged",
    "Metrics",
    "NotSavedError",
    "calibration",
    "evaluate",
    "measure",
    "wilson",
]
