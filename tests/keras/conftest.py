"""Keras on the backend that KERAS_BACKEND names, else TensorFlow, else JAX; skipped without one.

`make test` runs this folder on both.
"""

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

HERE = [name for name in ("tensorflow", "jax") if importlib.util.find_spec(name)]

if not HERE or importlib.util.find_spec("keras") is None:
    pytest.skip("needs alexnet[tensorflow] or alexnet[jax]", allow_module_level=True)
BACKEND = os.environ.get("KERAS_BACKEND") or HERE[0]

from alexnet.backends import keras_startup  # noqa: E402

keras_startup.start(BACKEND, "cpu")


@pytest.fixture(scope="session")
def backend() -> str:
    return BACKEND


@pytest.fixture(autouse=True)
def same_weights_each_time() -> None:
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def gradients() -> Callable[[Callable[[Any], Any], np.ndarray, np.ndarray], tuple[Any, Any]]:
    """What a function of an array gives, and the gradient of its product with `upstream`."""

    def with_tensorflow(function: Any, x: np.ndarray, upstream: np.ndarray) -> tuple[Any, Any]:
        import tensorflow as tf

        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = function(inputs)
        return y.numpy(), tape.gradient(y, inputs, tf.constant(upstream)).numpy()

    def with_jax(function: Any, x: np.ndarray, upstream: np.ndarray) -> tuple[Any, Any]:
        import jax

        y, back = jax.vjp(function, x)
        return np.asarray(y), np.asarray(back(upstream)[0])

    return with_tensorflow if BACKEND == "tensorflow" else with_jax
