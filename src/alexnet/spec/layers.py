"""The kinds of layer that an AlexNet is made of, as data, each with its output size."""

from dataclasses import dataclass
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, ...]
"""Of one sample, channels first: `(C, H, W)`, or `(C,)` after the flatten."""


def output_size(size: int, window: int, stride: int, padding: Pair = (0, 0)) -> int:
    """N = (W - F + P_before + P_after) / S + 1, rounded down; 0 when the window does not fit.

    >>> output_size(224, window=11, stride=4, padding=(2, 2))
    55
    """
    room = size - window + sum(padding)
    return room // stride + 1 if room >= 0 else 0


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """What most layers do: keep the shape, and have no weights."""

    name: str

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one sample behind the layer; sizes are 0 where nothing is left."""
        return shape

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        """The arrays of the layer by name, for an input of this shape."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Conv(_Layer):
    """Convolution; `weight` (channels, in_channels / groups, kernel, kernel) and `bias`."""

    channels: int
    kernel: int
    stride: int
    padding: Pair
    """Zeros before (top and left) and after (bottom and right)."""
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
    """`relu`, `tanh` or `sigmoid`, element by element."""

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
    """Batch normalization of each channel, in the place of an LRN."""

    eps: float
    momentum: float
    """Share of the new batch in the running mean and variance, as PyTorch counts it."""

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        names = ("weight", "bias", "running_mean", "running_var")
        return dict.fromkeys(names, (shape[0],))


@dataclass(frozen=True, kw_only=True)
class MaxPool(_Layer):
    """Maximum over windows; they overlap where the stride is less than the window."""

    window: int
    stride: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(output_size(s, self.window, self.stride) for s in shape[1:]))


@dataclass(frozen=True, kw_only=True)
class AdaptivePool(_Layer):
    """Mean over as many windows as make the output `size` pixels wide and high."""

    size: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.size, self.size) if min(shape) else (shape[0], 0, 0)


@dataclass(frozen=True, kw_only=True)
class Flatten(_Layer):
    """(C, H, W) to (C * H * W,), the channel varying slowest."""

    def output_shape(self, shape: Shape) -> Shape:
        total = 1
        for size in shape:
            total *= size
        return (total,)


@dataclass(frozen=True, kw_only=True)
class Dropout(_Layer):
    """In training sets a share `rate` of the values to 0 and scales the others to make up."""

    rate: float


@dataclass(frozen=True, kw_only=True)
class Dense(_Layer):
    """Fully connected; `weight` (units, inputs) and `bias`."""

    units: int

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.units, shape[0]), "bias": (self.units,)}


Layer: TypeAlias = (
    Conv | Activation | LRN | BatchNorm | MaxPool | AdaptivePool | Flatten | Dropout | Dense
)
