"""Load and read the weights of Keras models by canonical name."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from alexnet import weights
from alexnet.errors import UserError
from alexnet.weights import keras_layout
from alexnet.weights.compatibility import check_shapes

_FIRST_LAYER = "conv1"
_LAYERS_WITH_WEIGHTS = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.BatchNormalization,
)


def variables(model: keras.Model) -> dict[str, Any]:
    """Return the variables of a model whose layers are named conv1 … fc8, by canonical name.

    Raises:
        UserError: if the model has no layer conv1.
    """
    if _FIRST_LAYER not in {layer.name for layer in model.layers}:
        raise UserError(
            f"the Keras model {model.name!r} is not an AlexNet: it has no layer {_FIRST_LAYER}; "
            "create it with alexnet.keras.functional or AlexNet, or use their layer names"
        )
    variables_by_name: dict[str, Any] = {}
    for layer in model.layers:
        if isinstance(layer, _LAYERS_WITH_WEIGHTS):
            names = keras_layout.VARIABLES[keras_layout.kind_of(layer.name)]
            variables_by_name |= {
                f"{layer.name}.{canonical}": getattr(layer, attribute)
                for canonical, attribute in names.items()
            }
    return variables_by_name


def flat_channels(model: keras.Model) -> int:
    """Return the number of channels of the feature maps that are flattened for fc6."""
    convs = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if not convs:
        raise UserError(
            f"the Keras model {model.name!r} is not an AlexNet: it has no convolution layer"
        )
    return int(convs[-1].filters)


def load_weights(model: keras.Model, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
    """Load weights into a functional or subclassed AlexNet.

    Args:
        model: a model created by `functional` or `AlexNet`, or a Keras model with the same layer
            names.
        source: a weights file that `alexnet.weights.read` supports, or arrays by canonical name.

    Raises:
        UserError: if the weights do not fit; names the variants that they fit, or the first
            array that is missing, unexpected or of another shape. The model is then unchanged.

    Example:
        >>> from alexnet.keras import functional
        >>> first, second = functional("half", num_classes=5), functional("half", num_classes=5)
        >>> load_weights(second, read_weights(first))
    """
    arrays = weights.read(source)
    targets, channels = variables(model), flat_channels(model)
    expected = {name: _canonical_shape(tuple(variable.shape)) for name, variable in targets.items()}
    check_shapes(arrays, expected, f"Keras model {model.name!r}")
    for name, variable in targets.items():
        variable.assign(keras_layout.to_keras(name, arrays[name], channels))


def read_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return copies of the weights of an AlexNet by canonical name, float32."""
    channels = flat_channels(model)
    return {
        name: np.array(
            keras_layout.from_keras(name, keras.ops.convert_to_numpy(variable.value), channels),
            np.float32,
        )
        for name, variable in variables(model).items()
    }


def _canonical_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the canonical shape of a variable: kernels (…, in, out) become (out, in, …)."""
    return (*reversed(shape[-2:]), *shape[:-2]) if len(shape) > 1 else shape
