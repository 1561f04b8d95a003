"""The layer types of an AlexNet as data, with their output and weight shapes."""

from dataclasses import dataclass
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, ...]
"""Shape of one sample, channels first: `(C, H, W)`, or `(C,)` after the flatten layer."""


def output_size(size: int, window: int, stride: int, padding: Pair = (0, 0)) -> int:
    """Return (W - F + P_before + P_after) / S + 1, rounded down; 0 if the window does not fit.

    >>> output_size(224, window=11, stride=4, padding=(2, 2))
    55
    """
    room = size - window + sum(padding)
    return room // stride + 1 if room >= 0 else 0


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Base of the layers; by default, the shape is unchanged and there are no weights."""

    name: str

    def output_shape(self, shape: Shape) -> Shape:
        """Return the output shape of one sample; a size is 0 where the window does not fit."""
        return shape

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the shape of each array of the layer by name, for an input of this shape."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Conv(_Layer):
    """Convolution; `weight` (channels, in_channels / groups, kernel, kernel) and `bias`."""

    channels: int
    kernel: int
    stride: int
    padding: Pair
    """Zero padding before (top and left) and after (bottom and right)."""
    groups: int

    def output_shape(self, shape: Shape) -> Shape:
        sizes = (output_size(s, self.kernel, self.stride, self.padding) for s in shape[1:])
        return (self.channels, *sizes)

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        window = (self.kernel, self.kernel)
        return {
            "weight": (self.channels, shape[0] // self.groups, *window),
            "bias": (self.channels,),
        }


@dataclass(frozen=True, kw_only=True)
class Activation(_Layer):
    """Elementwise `relu`, `tanh` or `sigmoid`."""

    function: str


@dataclass(frozen=True, kw_only=True)
class LRN(_Layer):
    """Local response normalization over `size` neighboring channels (paper, section 3.3)."""

    size: int
    alpha: float
    beta: float
    k: float
    alpha_divided: bool
    """Whether alpha is divided by `size`: the 2012 program and Caffe do, the paper does not."""


@dataclass(frozen=True, kw_only=True)
class BatchNorm(_Layer):
    """Batch normalization over each channel."""

    eps: float
    momentum: float
    """Weight of the current batch in the running mean and variance, as in PyTorch."""

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        names = ("weight", "bias", "running_mean", "running_var")
        return dict.fromkeys(names, (shape[0],))


@dataclass(frozen=True, kw_only=True)
class MaxPool(_Layer):
    """Max pooling; windows overlap where the stride is less than the window."""

    window: int
    stride: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(output_size(s, self.window, self.stride) for s in shape[1:]))


@dataclass(frozen=True, kw_only=True)
class AdaptivePool(_Layer):
    """Average pooling to an output of `size` x `size` for any input size."""

    size: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.size, self.size) if min(shape) else (shape[0], 0, 0)


@dataclass(frozen=True, kw_only=True)
class Flatten(_Layer):
    """(C, H, W) to (C * H * W,), channels slowest."""

    def output_shape(self, shape: Shape) -> Shape:
        total = 1
        for size in shape:
            total *= size
        return (total,)


@dataclass(frozen=True, kw_only=True)
class Dropout(_Layer):
    """Dropout with probability `rate`; the remaining values are scaled by 1 / (1 - rate)."""

    rate: float


@dataclass(frozen=True, kw_only=True)
class Dense(_Layer):
    """Fully connected layer; `weight` (units, inputs) and `bias`."""

    units: int

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.units, shape[0]), "bias": (self.units,)}


Layer: TypeAlias = (
    Conv | Activation | LRN | BatchNorm | MaxPool | AdaptivePool | Flatten | Dropout | Dense
)
