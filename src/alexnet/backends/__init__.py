"""The backends: PyTorch, and Keras on TensorFlow or JAX. Each is imported on first use."""

from alexnet.backends.compute import Compute
from alexnet.backends.devices import check_device, libraries, threads
from alexnet.backends.interfaces import InferenceModel, Trainer
from alexnet.backends.names import BACKENDS, TORCH, check_backend

__all__ = [
    "BACKENDS",
    "TORCH",
    "Compute",
    "InferenceModel",
    "Trainer",
    "check_backend",
    "check_device",
    "libraries",
    "threads",
]
