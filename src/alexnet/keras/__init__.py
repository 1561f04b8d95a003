"""AlexNet in Keras 3, on TensorFlow or JAX: the extras `tensorflow` and `jax`.

Keras computes with what `KERAS_BACKEND` names when it is first imported. Importing this package
makes its layers known to Keras, so that `keras.models.load_model` reads what was saved from it.
"""

from alexnet.backends.keras_startup import import_keras as _import_keras
from alexnet.text import how_to_install as _how_to_install

try:
    _import_keras()
except ImportError as error:
    raise ImportError(
        f"alexnet.keras needs Keras on TensorFlow or JAX ({error}); "
        f"{_how_to_install('tensorflow')}, or '.[jax]'"
    ) from error

from alexnet.keras.adaptive_pool import AdaptiveMeanPooling2D
from alexnet.keras.arrays import load_weights, read_weights
from alexnet.keras.lrn import LocalResponseNorm
from alexnet.keras.model import AlexNet, functional

__all__ = [
    "AdaptiveMeanPooling2D",
    "AlexNet",
    "LocalResponseNorm",
    "functional",
    "load_weights",
    "read_weights",
]
