"""AlexNet in Keras 3, on TensorFlow or JAX: `pip install 'alexnet[tensorflow]'` or `[jax]`.

Keras computes with what `KERAS_BACKEND` names when it is first imported.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alexnet.keras.arrays import load_weights, read_weights
    from alexnet.keras.lrn import LocalResponseNorm
    from alexnet.keras.model import AlexNet, functional

__all__ = ["AlexNet", "LocalResponseNorm", "functional", "load_weights", "read_weights"]

_MODULES = {
    "AlexNet": "model",
    "functional": "model",
    "LocalResponseNorm": "lrn",
    "load_weights": "arrays",
    "read_weights": "arrays",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if importlib.util.find_spec("keras") is None:
        raise ImportError(
            "alexnet.keras needs Keras: pip install 'alexnet[tensorflow]' or 'alexnet[jax]'"
        )
    return getattr(importlib.import_module(f"alexnet.keras.{_MODULES[name]}"), name)
