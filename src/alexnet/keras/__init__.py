"""AlexNet in Keras 3, on TensorFlow or JAX (install the extra `tensorflow` or `jax`).

Keras reads its backend from `KERAS_BACKEND` on first import. Importing this package registers its
custom layers, so that `keras.models.load_model` can load models saved from it.
"""

from alexnet.backends.keras_startup import import_keras as _import_keras
from alexnet.text import install_command as _install_command

try:
    _import_keras()
except ImportError as error:
    raise ImportError(
        f"alexnet.keras requires Keras with TensorFlow or JAX ({error}); "
        f"{_install_command('tensorflow')}, or '.[jax]'"
    ) from error

from alexnet.keras.adaptive_pool import AdaptiveMeanPooling2D
from alexnet.keras.arrays import load_weights, read_weights
from alexnet.keras.lrn import LocalResponseNorm
from alexnet.keras.model import AlexNet, functional
from alexnet.keras.saving import save_model

__all__ = [
    "AdaptiveMeanPooling2D",
    "AlexNet",
    "LocalResponseNorm",
    "functional",
    "load_weights",
    "read_weights",
    "save_model",
]
