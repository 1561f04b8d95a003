"""Convert arrays between the canonical layout and Keras', both ways from one table.

Keras stores the kernel of a convolution as (height, width, in / groups, out) and that of a dense
layer as (in, out). In its `Flatten` the channel varies fastest, even in a channels-first model,
which it transposes first; in ours, as in PyTorch's, the channel varies slowest. So the inputs of
fc6 are in a different order too.
"""

import math
import re
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet.errors import UserError
from alexnet.text import pluralize

Array: TypeAlias = NDArray[Any]

VARIABLES = {
    "conv": {"weight": "kernel", "bias": "bias"},
    "fc": {"weight": "kernel", "bias": "bias"},
    "norm": {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
}
"""By kind of layer: our arrays and Keras' variables, in the order in which Keras stores them."""

_WINDOW_AXES = (2, 3, 1, 0)
"""(out, in, height, width) to (height, width, in, out)."""
_AXES = {"conv": _WINDOW_AXES, "fc": (1, 0)}
_FLATTENED = "fc6.weight"
"""The layer after the flatten: a kernel whose window is the whole feature map."""


def to_keras(name: str, array: Array, channels: int) -> Array:
    """Convert a canonical array, or an optimizer's slot of its shape, to Keras' layout.

    Args:
        name: The canonical name of the array, `conv1.weight` … `fc8.bias`, `norm1.running_mean` ….
        array: In the canonical layout.
        channels: Channels of the flattened feature maps, those of conv5.

    Returns:
        The values in Keras' layout; a view where possible.

    Raises:
        UserError: The name is not canonical, the array has the wrong number of dimensions, or
            the inputs of fc6 are not square feature maps with this number of channels.

    Example:
        >>> to_keras("conv2.weight", np.zeros((256, 48, 5, 5)), channels=256).shape
        (5, 5, 48, 256)
        >>> to_keras("fc6.weight", np.arange(8).reshape(1, 8), channels=2)[:, 0].tolist()
        [0, 4, 1, 5, 2, 6, 3, 7]
    """
    axes = _axes(name, array)
    if name == _FLATTENED:
        side = _side(name, array.shape[1], channels)
        window = array.reshape(len(array), channels, side, side)
        transposed: Array = window.transpose(_WINDOW_AXES).reshape(-1, len(array))
    else:
        transposed = array.transpose(axes)
    return transposed


def from_keras(name: str, array: Array, channels: int) -> Array:
    """Convert an array in Keras' layout to the canonical layout, the inverse of `to_keras`.

    Args:
        name: The canonical name.
        array: In Keras' layout.
        channels: Channels of the flattened feature maps, those of conv5.

    Raises:
        UserError: See `to_keras`.

    Example:
        >>> from_keras("fc7.weight", np.zeros((4096, 2048)), channels=256).shape
        (2048, 4096)
    """
    axes = _axes(name, array)
    if name == _FLATTENED:
        rows, units = array.shape
        side = _side(name, rows, channels)
        window = array.reshape(side, side, channels, units)
        transposed: Array = window.transpose(np.argsort(_WINDOW_AXES)).reshape(units, -1)
    else:
        transposed = array.transpose(np.argsort(axes))
    return transposed


def kind_of(name: str) -> str:
    """Return `conv`, `fc` or `norm`, the kind of a canonical layer or array name.

    Raises:
        UserError: Not the name of a layer with weights, or of one of its arrays.
    """
    match = re.fullmatch(r"(?:(conv)[1-5]|(fc)[678]|(norm)[1-5])(?:\.(\w+))?", name)
    kind = match and (match[1] or match[2] or match[3])
    if not match or not kind or (match[4] and match[4] not in VARIABLES[kind]):
        raise UserError(f"{name!r} is not the name of a layer or array of weights")
    return str(kind)


def _axes(name: str, array: Array) -> tuple[int, ...]:
    kind = kind_of(name)
    is_kernel = name.endswith(".weight") and kind in _AXES
    axes = _AXES[kind] if is_kernel else (0,)
    if array.ndim != len(axes):
        expected = pluralize(len(axes), "dimension")
        raise UserError(f"{name} must have {expected}, got {array.ndim}")
    return axes


def _side(name: str, inputs: int, channels: int) -> int:
    """Return the width and height of the flattened feature maps."""
    side = math.isqrt(inputs // channels) if channels > 0 else 0
    if not side or side * side * channels != inputs:
        raise UserError(
            f"{name}: {inputs} inputs are not square feature maps with {channels} channels"
        )
    return side
