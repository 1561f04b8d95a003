"""Run these tests on the backend in KERAS_BACKEND, else TensorFlow, else JAX; skip without one.

`make test` runs this folder on both backends.
"""

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

INSTALLED = [name for name in ("tensorflow", "jax") if importlib.util.find_spec(name)]

if not INSTALLED or importlib.util.find_spec("keras") is None:
    pytest.skip("requires alexnet[tensorflow] or alexnet[jax]", allow_module_level=True)
BACKEND = os.environ.get("KERAS_BACKEND") or INSTALLED[0]

from alexnet.backends import keras_startup  # noqa: E402

keras_startup.start(BACKEND, "cpu")


@pytest.fixture(scope="session")
def backend() -> str:
    return BACKEND


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def gradients() -> Callable[[Callable[[Any], Any], np.ndarray, np.ndarray], tuple[Any, Any]]:
    """Return a function's output and the gradient of its product with `upstream`."""

    def with_tensorflow(function: Any, x: np.ndarray, upstream: np.ndarray) -> tuple[Any, Any]:
        import tensorflow as tf

        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = function(inputs)
        return y.numpy(), tape.gradient(y, inputs, tf.constant(upstream)).numpy()

    def with_jax(function: Any, x: np.ndarray, upstream: np.ndarray) -> tuple[Any, Any]:
        import jax

        y, vjp = jax.vjp(function, x)
        return np.asarray(y), np.asarray(vjp(upstream)[0])

    return with_tensorflow if BACKEND == "tensorflow" else with_jax
