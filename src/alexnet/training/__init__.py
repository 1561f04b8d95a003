"""Train an AlexNet, and resume an interrupted training."""

from alexnet.diagnosis.diagnosing import Diagnosis, diagnose
from alexnet.diagnosis.measurements import Measurements
from alexnet.training.loop import TrainingInterrupted
from alexnet.training.observers import Observer
from alexnet.training.results import TrainingResult
from alexnet.training.runner import resume, train

__all__ = [
    "Diagnosis",
    "Measurements",
    "Observer",
    "TrainingInterrupted",
    "TrainingResult",
    "diagnose",
    "resume",
    "train",
]
