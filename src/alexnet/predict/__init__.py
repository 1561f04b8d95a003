"""What a run takes pictures for, one after the other."""

from alexnet.predict.inputs import Input, find_inputs
from alexnet.predict.stream import Prediction, predict

__all__ = ["Input", "Prediction", "find_inputs", "predict"]
