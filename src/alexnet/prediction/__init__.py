"""What a run takes images for, one after the other."""

from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.predictor import Prediction, predict

__all__ = ["Input", "Prediction", "find_inputs", "predict"]
