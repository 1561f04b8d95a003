"""Classify images with a trained network."""

from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.predictor import Prediction, Predictor, load, predict

__all__ = ["Input", "Prediction", "Predictor", "find_inputs", "load", "predict"]
