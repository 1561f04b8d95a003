"""`Architecture`: an AlexNet as frozen data, the single source of its layers.

The PyTorch and Keras models, the layer table, the drawing, the weight files and the export are
all derived from it.
"""

from dataclasses import dataclass

from alexnet.errors import UserError
from alexnet.settings import Settings, setting
from alexnet.spec import shapes
from alexnet.spec.initializers import INITS
from alexnet.spec.layers import (
    LRN,
    Activation,
    AdaptivePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool,
    Pair,
    Shape,
)

FiveInts = tuple[int, int, int, int, int]
FivePairs = tuple[Pair, Pair, Pair, Pair, Pair]

CONVS = 5
"""Number of convolutions, conv1 to conv5; the dense layers continue as fc6, fc7 and fc8."""


@dataclass(frozen=True, kw_only=True)
class Architecture(Settings):
    """An AlexNet: five convolutions, three dense layers, and everything in between.

    A field with one value per convolution also accepts a single value for all five. Inputs are
    channels first, (N, in_channels, image_size, image_size).

    Raises:
        UserError: a value is out of range, the groups do not divide the channels, or the image
            is too small for a layer.

    Example:
        >>> from alexnet import architecture
        >>> net = architecture("paper", num_classes=10)
        >>> [step.output_shape for step in net.trace() if step.layer.name == "conv1"]
        [(96, 55, 55)]
        >>> architecture("paper").num_parameters
        60965224
    """

    variant: str = setting("custom", "name of the variant this architecture is based on")
    num_classes: int = setting(1000, "number of classes (outputs of fc8)", low=1)
    in_channels: int = setting(3, "image channels: 3 for RGB, 1 for gray", low=1)
    image_size: int = setting(224, "input height and width, pixels", low=1)
    # --8<-- [start:paper-3-5]
    widths: FiveInts = setting((96, 256, 384, 384, 256), "output channels of conv1 to conv5", low=1)
    kernels: FiveInts = setting((11, 5, 3, 3, 3), "kernel sizes of conv1 to conv5", low=1)
    strides: FiveInts = setting((4, 1, 1, 1, 1), "strides of conv1 to conv5", low=1)
    paddings: FivePairs = setting(
        ((2, 2), (2, 2), (1, 1), (1, 1), (1, 1)),
        "zero padding of conv1 to conv5: one number for all sides, or before:after",
        low=0,
    )
    # --8<-- [end:paper-3-5]
    # --8<-- [start:paper-3-2]
    groups: FiveInts = setting((1, 1, 1, 1, 1), "number of groups in conv1 to conv5", low=1)
    # --8<-- [end:paper-3-2]
    # --8<-- [start:paper-3-1]
    activation: str = setting("relu", "activation function", choices=("relu", "tanh", "sigmoid"))
    # --8<-- [end:paper-3-1]
    order: tuple[str, str, str] = setting(
        ("activation", "norm", "pool"),
        "order of the layers that follow a convolution",
        choices=("activation", "norm", "pool"),
    )
    norm: str = setting(
        "none",
        "normalization layer after the convolutions in norm_layers",
        choices=("none", "lrn", "batch"),
    )
    norm_layers: tuple[int, ...] = setting(
        (1, 2),
        "convolutions followed by a normalization layer; batch norm usually follows all, 1,2,3,4,5",
        low=1,
        high=5,
    )
    # --8<-- [start:paper-3-3]
    lrn_size: int = setting(5, "LRN: number of neighboring channels n", low=1)
    lrn_alpha: float = setting(1e-4, "LRN: multiplicative factor alpha", low=0)
    lrn_beta: float = setting(0.75, "LRN: exponent beta", low=0)
    lrn_k: float = setting(2.0, "LRN: additive constant k", low=0)
    lrn_alpha_divided: bool = setting(False, "LRN: divide alpha by lrn_size")
    # --8<-- [end:paper-3-3]
    batch_norm_eps: float = setting(1e-5, "batch norm: value added to the variance", low=0)
    batch_norm_momentum: float = setting(
        0.1, "batch norm: weight of the current batch in the running statistics", low=0, high=1
    )
    pool_layers: tuple[int, ...] = setting(
        (1, 2, 5), "convolutions followed by max pooling", low=1, high=5
    )
    # --8<-- [start:paper-3-4]
    pool_window: int = setting(3, "window size of max pooling", low=1)
    pool_stride: int = setting(2, "stride of max pooling; less than the window: overlapping", low=1)
    # --8<-- [end:paper-3-4]
    adaptive_pool: int | None = setting(
        None,
        "output size of an adaptive average pool before fc6, for any image size; none: no pool",
        low=1,
    )
    hidden: tuple[int, int] = setting((4096, 4096), "units of fc6 and fc7", low=1)
    dropout: float = setting(0.5, "dropout probability; 0: no dropout", low=0, high=0.99)
    dropout_position: str = setting(
        "after", "whether dropout precedes or follows fc6 and fc7", choices=("before", "after")
    )
    init: str = setting("kaiming", "weight initialization", choices=tuple(INITS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.order)) != len(self.order):
            raise UserError(
                "invalid value for order: expected each of activation, norm, pool once, "
                f"got {self.order}"
            )
        self._check_groups()
        self.trace()

    def _check_groups(self) -> None:
        inputs = (self.in_channels, *self.widths)
        for i, groups in enumerate(self.groups):
            for side, channels in (("input", inputs[i]), ("output", self.widths[i])):
                if channels % groups:
                    raise UserError(
                        f"invalid value for groups: the {channels} {side} channels of "
                        f"conv{i + 1} are not divisible by {groups}"
                    )

    @property
    def input_shape(self) -> Shape:
        """Shape (C, H, W) of one image."""
        return (self.in_channels, self.image_size, self.image_size)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in forward order."""
        layers: list[Layer] = []
        for number in range(1, CONVS + 1):
            layers += self._conv_block(number)
        if self.adaptive_pool is not None:
            layers.append(AdaptivePool(name="adaptive_pool", size=self.adaptive_pool))
        layers.append(Flatten(name="flatten"))
        for number, units in enumerate(self.hidden, start=CONVS + 1):
            layers += self._hidden_block(number, units)
        layers.append(Dense(name=f"fc{CONVS + 3}", units=self.num_classes))
        return tuple(layers)

    def _conv_block(self, number: int) -> list[Layer]:
        i = number - 1
        conv = Conv(
            name=f"conv{number}",
            channels=self.widths[i],
            kernel=self.kernels[i],
            stride=self.strides[i],
            padding=self.paddings[i],
            groups=self.groups[i],
        )
        followers: dict[str, Layer | None] = {
            "activation": Activation(name=f"relu{number}", function=self.activation),
            "norm": self._norm(number) if number in self.norm_layers else None,
            "pool": MaxPool(name=f"pool{number}", window=self.pool_window, stride=self.pool_stride)
            if number in self.pool_layers
            else None,
        }
        return [conv, *(layer for name in self.order if (layer := followers[name]) is not None)]

    def _norm(self, number: int) -> Layer | None:
        name = f"norm{number}"
        if self.norm == "lrn":
            return LRN(
                name=name,
                size=self.lrn_size,
                alpha=self.lrn_alpha,
                beta=self.lrn_beta,
                k=self.lrn_k,
                alpha_divided=self.lrn_alpha_divided,
            )
        if self.norm == "batch":
            return BatchNorm(name=name, eps=self.batch_norm_eps, momentum=self.batch_norm_momentum)
        return None

    def _hidden_block(self, number: int, units: int) -> list[Layer]:
        block: list[Layer] = [
            Dense(name=f"fc{number}", units=units),
            Activation(name=f"relu{number}", function=self.activation),
        ]
        # --8<-- [start:paper-4-2]
        if self.dropout:
            index = 0 if self.dropout_position == "before" else len(block)
            block.insert(index, Dropout(name=f"dropout{number}", rate=self.dropout))
        # --8<-- [end:paper-4-2]
        return block

    def trace(self) -> tuple[shapes.Step, ...]:
        """Return each layer with its input and output shape for one image."""
        return shapes.trace(self.layers, self.input_shape)

    @property
    def weight_shapes(self) -> dict[str, Shape]:
        """Shape of each array by canonical name, `conv1.weight` to `fc8.bias`."""
        return {name: shape for step in self.trace() for name, shape in step.weights.items()}

    @property
    def num_parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(step.num_parameters for step in self.trace())
