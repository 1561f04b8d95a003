"""Weights of Keras models by canonical name."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from alexnet import weights
from alexnet.errors import UserError
from alexnet.weights import keras_layout
from alexnet.weights.compatibility import check_shapes

_FIRST = "conv1"
_WITH_WEIGHTS = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.BatchNormalization,
)


def variables(model: keras.Model) -> dict[str, Any]:
    """The variables of a model with the usual layer names, by canonical name.

    Raises:
        UserError: a model without such names.
    """
    if _FIRST not in {layer.name for layer in model.layers}:
        raise UserError(
            f"the Keras model {model.name!r} is no AlexNet: it has no layer {_FIRST}; make it by "
            "alexnet.keras.functional or AlexNet, or name its layers as theirs"
        )
    found: dict[str, Any] = {}
    for layer in model.layers:
        if isinstance(layer, _WITH_WEIGHTS):
            names = keras_layout.VARIABLES[keras_layout.kind_of(layer.name)]
            found |= {f"{layer.name}.{ours}": getattr(layer, its) for ours, its in names.items()}
    return found


def flat_channels(model: keras.Model) -> int:
    """Channels of the maps that are flattened for fc6."""
    convs = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if not convs:
        raise UserError(f"{model.name} has no convolution; is it an AlexNet?")
    return int(convs[-1].filters)


def load_weights(model: keras.Model, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
    """Put weights into a functional or subclassed AlexNet.

    Args:
        model: what `functional` or `AlexNet` gave, or a Keras model with layers of the same names.
        source: whatever `alexnet.weights.read` takes, or what it gave.

    Raises:
        UserError: naming the variants that they are of, or the first array that is missing,
            unknown or of another shape; the weights are then as they were.

    Example:
        >>> from alexnet.keras import functional
        >>> first, second = functional("half", num_classes=5), functional("half", num_classes=5)
        >>> load_weights(second, read_weights(first))
    """
    arrays = weights.read(source)
    own, channels = variables(model), flat_channels(model)
    expected = {name: _canonical_shape(tuple(variable.shape)) for name, variable in own.items()}
    check_shapes(arrays, expected, f"Keras model {model.name!r}")
    for name, variable in own.items():
        variable.assign(keras_layout.to_keras(name, arrays[name], channels))


def read_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Copies of the weights of a functional or subclassed AlexNet by canonical name, float32."""
    channels = flat_channels(model)
    return {
        name: np.array(
            keras_layout.from_keras(name, keras.ops.convert_to_numpy(variable.value), channels),
            np.float32,
        )
        for name, variable in variables(model).items()
    }


def _canonical_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of the canonical array of a variable: kernels (…, in, out) become (out, in, …)."""
    return (*reversed(shape[-2:]), *shape[:-2]) if len(shape) > 1 else shape
