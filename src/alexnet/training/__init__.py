"""Train an AlexNet, and go on with a training that was stopped."""

from alexnet.training.loop import Stopped
from alexnet.training.machine import Machine
from alexnet.training.observer import Observer
from alexnet.training.outcome import Outcome
from alexnet.training.train import resume, train

__all__ = ["Machine", "Observer", "Outcome", "Stopped", "resume", "train"]
