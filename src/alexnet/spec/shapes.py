"""Shape inference: each layer's output shape, receptive field, parameters, MACs and memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alexnet.errors import UserError
from alexnet.spec.layers import AdaptivePool, Conv, Dense, Flatten, Layer, MaxPool, Shape
from alexnet.spec.windows import Window

_FLOAT32_BYTES = 4
_LARGEST_SEARCHED_PX = 4096


class ShapeError(UserError):
    """The image is too small for a layer."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One layer with its input and output shape for one sample."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape
    receptive_field_px: int
    """Side of the square of input pixels that one output value depends on."""
    stride_px: int | None
    """Input pixels between neighboring output values; None after the flatten layer, or where the
    windows of an adaptive pool are unevenly spaced."""

    @property
    def weights(self) -> dict[str, Shape]:
        """Shape of each array by canonical name, such as `conv1.weight`."""
        shapes = self.layer.weight_shapes(self.input_shape)
        return {f"{self.layer.name}.{name}": shape for name, shape in shapes.items()}

    @property
    def num_parameters(self) -> int:
        """Number of trainable parameters; running means and variances are not counted."""
        shapes = self.layer.weight_shapes(self.input_shape)
        return sum(math.prod(shapes[name]) for name in ("weight", "bias") if name in shapes)

    @property
    def macs(self) -> int:
        """Multiply-accumulates; biases are not counted."""
        if isinstance(self.layer, Conv):
            weight = self.layer.weight_shapes(self.input_shape)["weight"]
            return math.prod(weight) * math.prod(self.output_shape[1:])
        return self.input_shape[0] * self.layer.units if isinstance(self.layer, Dense) else 0

    @property
    def activation_bytes(self) -> int:
        """Memory of the output for one image in float32; 0 for the flatten layer, a view."""
        is_view = isinstance(self.layer, Flatten)
        return 0 if is_view else _FLOAT32_BYTES * math.prod(self.output_shape)

    @property
    def window(self) -> Window | None:
        """The sliding window along the width; None for layers without one."""
        size, layer = self.input_shape[-1], self.layer
        if isinstance(layer, Conv):
            return Window(
                size=size, window=layer.kernel, stride=layer.stride, padding=layer.padding
            )
        if isinstance(layer, MaxPool):
            return Window(size=size, window=layer.window, stride=layer.stride)
        return None


def trace(layers: Sequence[Layer], input_shape: Shape) -> tuple[Step, ...]:
    """Return the shapes of each layer for one sample of shape (C, H, W).

    Raises:
        ShapeError: the image is too small for a layer; the message names it and the minimum
            image size.
    """
    steps: list[Step] = []
    shape, field = input_shape, _Field(size=1, stride=1)
    for layer in layers:
        output = layer.output_shape(shape)
        if min(output) < 1:
            raise ShapeError(_too_small(layers, input_shape, layer, shape))
        field = _next_field(field, layer, shape, output, input_shape)
        steps.append(
            Step(
                layer=layer,
                input_shape=shape,
                output_shape=output,
                receptive_field_px=field.size,
                stride_px=field.stride,
            )
        )
        shape = output
    return tuple(steps)


@dataclass(frozen=True)
class _Field:
    """Receptive field of one value in input pixels, and the offset to its neighbor's."""

    size: int
    stride: int | None


def _next_field(
    field: _Field, layer: Layer, shape: Shape, output: Shape, input_shape: Shape
) -> _Field:
    """Return the receptive field after a layer that maps `shape` to `output`."""
    # The stride is None only after an adaptive pool or the flatten layer: no window follows these.
    stride = field.stride or 1
    if isinstance(layer, Conv):
        return _Field(field.size + (layer.kernel - 1) * stride, stride * layer.stride)
    if isinstance(layer, MaxPool):
        return _Field(field.size + (layer.window - 1) * stride, stride * layer.stride)
    if isinstance(layer, AdaptivePool):
        size, bins = shape[-1], output[-1]
        # PyTorch: bin i covers floor(i * size / bins) to ceil((i + 1) * size / bins).
        widest = max(-(-(i + 1) * size // bins) - i * size // bins for i in range(bins))
        even = size % bins == 0
        return _Field(field.size + (widest - 1) * stride, stride * size // bins if even else None)
    if isinstance(layer, Flatten):
        return _Field(field.size, None)
    if isinstance(layer, Dense):
        return _Field(max(field.size, *input_shape[1:]), None)
    return field


def min_image_size(layers: Sequence[Layer], in_channels: int) -> int | None:
    """Return the smallest square image in pixels that fits all layers; None if there is none."""
    for size in range(1, _LARGEST_SEARCHED_PX + 1):
        shape: Shape = (in_channels, size, size)
        for layer in layers:
            shape = layer.output_shape(shape)
            if min(shape) < 1:
                break
        else:
            return size
    return None


def _too_small(layers: Sequence[Layer], input_shape: Shape, layer: Layer, shape: Shape) -> str:
    window = layer.kernel if isinstance(layer, Conv) else getattr(layer, "window", 1)
    minimum = min_image_size(layers, input_shape[0])
    remedy = (
        f"the minimum image_size is {minimum}"
        if minimum is not None
        else "no image size works; use smaller windows or strides"
    )
    return (
        f"a {input_shape[2]}x{input_shape[1]} image is too small: the {window}x{window} window of "
        f"{layer.name} does not fit into {shape[2]}x{shape[1]}; {remedy}"
    )
