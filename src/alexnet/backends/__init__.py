"""The frameworks that compute; each is imported when it is asked for."""

from alexnet.backends.opening import (
    BACKENDS,
    TORCH,
    InferenceModel,
    Trainer,
    check_backend,
    check_device,
    libraries,
    open_inference_model,
    open_trainer,
    threads,
)

__all__ = [
    "BACKENDS",
    "TORCH",
    "InferenceModel",
    "Trainer",
    "check_backend",
    "check_device",
    "libraries",
    "open_inference_model",
    "open_trainer",
    "threads",
]
