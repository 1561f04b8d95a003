"""Train an AlexNet, and go on with a training that was stopped."""

from alexnet.training.diagnosis import Diagnosis, diagnose
from alexnet.training.loop import Stopped
from alexnet.training.machine import Machine
from alexnet.training.measured import Measured
from alexnet.training.observer import Observer
from alexnet.training.outcome import Outcome
from alexnet.training.train import resume, train

__all__ = [
    "Diagnosis",
    "Machine",
    "Measured",
    "Observer",
    "Outcome",
    "Stopped",
    "diagnose",
    "resume",
    "train",
]
