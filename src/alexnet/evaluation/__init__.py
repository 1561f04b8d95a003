"""How good a run is: its figures on pictures whose classes are known, and their pictures."""

from alexnet.evaluation.evaluate import evaluate
from alexnet.evaluation.metrics import ClassMetrics, Metrics, measure, softmax, wilson
from alexnet.evaluation.results import Evaluation, Judged, NotSavedError
from alexnet.evaluation.views import CROPS, probabilities

__all__ = [
    "CROPS",
    "ClassMetrics",
    "Evaluation",
    "Judged",
    "Metrics",
    "NotSavedError",
    "evaluate",
    "measure",
    "probabilities",
    "softmax",
    "wilson",
]
