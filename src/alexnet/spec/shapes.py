"""The trace of a network: each layer's output size, parameters, operations and memory.

Works on the layers as data; no framework is imported.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alexnet.errors import UserError
from alexnet.spec.layers import AdaptivePool, Conv, Dense, Flatten, Layer, MaxPool, Shape
from alexnet.spec.windows import Window

_FLOAT32_BYTES = 4
_LARGEST_SEARCHED_PX = 4096


class ShapeError(UserError):
    """At some layer nothing is left of the image."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One layer with the shapes before and behind it, for one sample."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    receptive_field_px: int
    """Width of the square of input pixels that one output value depends on."""
    stride_px: int | None
    """Input pixels between neighboring output values; None where the image has been flattened,
    or where an adaptive pool's windows are not equally far apart."""

    @property
    def weights(self) -> dict[str, Shape]:
        """Shape of each array by canonical name, such as `conv1.weight`."""
        shapes = self.layer.weight_shapes(self.input_shape)
        return {f"{self.layer.name}.{name}": shape for name, shape in shapes.items()}

    @property
    def num_parameters(self) -> int:
        """Trained values; running means and variances are not among them."""
        shapes = self.layer.weight_shapes(self.input_shape)
        return sum(math.prod(shapes[name]) for name in ("weight", "bias") if name in shapes)

    @property
    def macs(self) -> int:
        """Multiplications with a weight, each with its addition; biases are not counted."""
        if isinstance(self.layer, Conv):
            weight = self.layer.weight_shapes(self.input_shape)["weight"]
            return math.prod(weight) * math.prod(self.output_shape[1:])
        return self.input_shape[0] * self.layer.units if isinstance(self.layer, Dense) else 0

    @property
    def activation_bytes(self) -> int:
        """Memory of the output of one image in float32, every layer's output being kept.

        Flattening takes none: it is another view of the same values.
        """
        is_view = isinstance(self.layer, Flatten)
        return 0 if is_view else _FLOAT32_BYTES * math.prod(self.output_shape)

    @property
    def window(self) -> Window | None:
        """The window that slides over the map, along its width; None for other layers."""
        size, layer = self.input_shape[-1], self.layer
        if isinstance(layer, Conv):
            return Window(
                size=size, window=layer.kernel, stride=layer.stride, padding=layer.padding
            )
        if isinstance(layer, MaxPool):
            return Window(size=size, window=layer.window, stride=layer.stride)
        return None


def trace(layers: Sequence[Layer], input_shape: Shape) -> tuple[Step, ...]:
    """Follow one sample of shape (C, H, W) through the layers.

    Raises:
        ShapeError: nothing is left at some layer; the message names it, and the least
            image size with which the network works.
    """
    steps: list[Step] = []
    shape, seen = input_shape, _Seen(field=1, stride=1)
    for layer in layers:
        output = layer.output_shape(shape)
        if min(output) < 1:
            raise ShapeError(_nothing_left(layers, input_shape, layer, shape))
        seen = _seen(seen, layer, shape, output, input_shape)
        steps.append(
            Step(
                layer=layer,
                input_shape=shape,
                output_shape=output,
                receptive_field_px=seen.field,
                stride_px=seen.stride,
            )
        )
        shape = output
    return tuple(steps)


@dataclass(frozen=True)
class _Seen:
    """What one value depends on: a square of `field` pixels, the next one `stride` further."""

    field: int
    stride: int | None


def _seen(seen: _Seen, layer: Layer, shape: Shape, output: Shape, input_shape: Shape) -> _Seen:
    """The same behind the layer, which makes `output` of `shape`."""
    # Only an adaptive pool and the flattening give None, and no window slides behind these.
    stride = seen.stride or 1
    if isinstance(layer, Conv):
        return _Seen(seen.field + (layer.kernel - 1) * stride, stride * layer.stride)
    if isinstance(layer, MaxPool):
        return _Seen(seen.field + (layer.window - 1) * stride, stride * layer.stride)
    if isinstance(layer, AdaptivePool):
        size, places = shape[-1], output[-1]
        # From floor(i * size / places) to ceil((i + 1) * size / places), as PyTorch has it.
        widest = max(-(-(i + 1) * size // places) - i * size // places for i in range(places))
        even = size % places == 0
        return _Seen(seen.field + (widest - 1) * stride, stride * size // places if even else None)
    if isinstance(layer, Flatten):
        return _Seen(seen.field, None)
    if isinstance(layer, Dense):
        return _Seen(max(seen.field, *input_shape[1:]), None)
    return seen


def least_size(layers: Sequence[Layer], in_channels: int) -> int | None:
    """The smallest square image, in pixels, that the layers can take; None if there is none."""
    for size in range(1, _LARGEST_SEARCHED_PX + 1):
        shape: Shape = (in_channels, size, size)
        for layer in layers:
            shape = layer.output_shape(shape)
            if min(shape) < 1:
                break
        else:
            return size
    return None


def _nothing_left(layers: Sequence[Layer], input_shape: Shape, layer: Layer, shape: Shape) -> str:
    window = layer.kernel if isinstance(layer, Conv) else getattr(layer, "window", 1)
    least = least_size(layers, input_shape[0])
    remedy = (
        f"the least image_size is {least}"
        if least is not None
        else "no image size works; use smaller windows or strides"
    )
    return (
        f"at {layer.name} nothing is left of a {input_shape[2]}x{input_shape[1]} image: its "
        f"{window}x{window} window does not fit into {shape[2]}x{shape[1]}; {remedy}"
    )
