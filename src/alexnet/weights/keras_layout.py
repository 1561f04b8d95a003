"""How Keras lays out what the canonical arrays hold: one table, used both ways.

Keras has a convolution's kernel as (height, width, in / groups, out) and a dense layer's as
(in, out). Its `Flatten` lets the channel vary fastest, also in a channels-first model, which it
turns first; ours, as PyTorch's, lets it vary slowest. So the inputs of fc6 stand in another
order as well.
"""

import math
import re
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet.errors import UserError

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
"""By kind of layer: our arrays and Keras' variables, in the order in which Keras keeps them."""

_WINDOW_AXES = (2, 3, 1, 0)
"""(out, in, height, width) to (height, width, in, out)."""
_AXES = {"conv": _WINDOW_AXES, "fc": (1, 0)}
_FLATTENED = "fc6.weight"
"""Behind the flatten: a kernel whose window is the whole map."""


def to_keras(name: str, array: Array, channels: int) -> Array:
    """A canonical array as Keras' variable; also anything of its shape, as an optimizer keeps.

    Args:
        name: the array's canonical name, `conv1.weight` … `fc8.bias`, `norm1.running_mean` ….
        array: in the canonical layout.
        channels: of the maps that are flattened, so of conv5.

    Returns:
        The values in Keras' layout; a view where the order in memory allows it.

    Raises:
        UserError: a name without a place in Keras, an array of other dimensions, or fc6 whose
            inputs are no square maps of so many channels.

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
        turned: Array = window.transpose(_WINDOW_AXES).reshape(-1, len(array))
    else:
        turned = array.transpose(axes)
    return turned


def from_keras(name: str, array: Array, channels: int) -> Array:
    """Keras' variable as the canonical array of this name: what undoes `to_keras`, bit for bit.

    Args:
        name: the canonical name.
        array: in Keras' layout.
        channels: of the maps that are flattened, so of conv5.

    Raises:
        UserError: as `to_keras`.

    Example:
        >>> from_keras("fc7.weight", np.zeros((4096, 2048)), channels=256).shape
        (2048, 4096)
    """
    axes = _axes(name, array)
    if name == _FLATTENED:
        rows, units = array.shape
        side = _side(name, rows, channels)
        window = array.reshape(side, side, channels, units)
        turned: Array = window.transpose(np.argsort(_WINDOW_AXES)).reshape(units, -1)
    else:
        turned = array.transpose(np.argsort(axes))
    return turned


def kind_of(name: str) -> str:
    """`conv`, `fc` or `norm`, of a canonical layer's or array's name.

    Raises:
        UserError: not the name of a layer with weights, or of an array of one.
    """
    found = re.fullmatch(r"(?:(conv)[1-5]|(fc)[678]|(norm)[1-5])(?:\.(\w+))?", name)
    kind = found and (found[1] or found[2] or found[3])
    if not found or not kind or (found[4] and found[4] not in VARIABLES[kind]):
        raise UserError(f"{name!r} is not the name of a layer's weights")
    return str(kind)


def _axes(name: str, array: Array) -> tuple[int, ...]:
    kind = kind_of(name)
    is_kernel = name.endswith(".weight") and kind in _AXES
    axes = _AXES[kind] if is_kernel else (0,)
    if array.ndim != len(axes):
        raise UserError(f"{name} has {array.ndim} dimensions and not {len(axes)}")
    return axes


def _side(name: str, inputs: int, channels: int) -> int:
    """Width and height of the maps that were flattened."""
    side = math.isqrt(inputs // channels) if channels > 0 else 0
    if not side or side * side * channels != inputs:
        raise UserError(f"{name}: {inputs} inputs are not square maps of {channels} channels")
    return side
