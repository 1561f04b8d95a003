"""Classify images with a trained network."""

from alexnet.prediction.entry_points import load, predict
from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.predictor import Predictor
from alexnet.prediction.results import Prediction

__all__ = ["Input", "Prediction", "Predictor", "find_inputs", "load", "predict"]
