"""Train an AlexNet, and go on with a training that was stopped."""

from alexnet.diagnosis.diagnosing import Diagnosis, diagnose
from alexnet.diagnosis.measurements import Measured
from alexnet.training.loop import TrainingInterrupted
from alexnet.training.observers import Observer
from alexnet.training.results import TrainingResult
from alexnet.training.runner import resume, train

__all__ = [
    "Diagnosis",
    "Measured",
    "Observer",
    "TrainingInterrupted",
    "TrainingResult",
    "diagnose",
    "resume",
    "train",
]
