"""The network as data, written once: every AlexNet that people use, as one frozen `Architecture`.

Everything else that knows a layer's width, its name or its order has it from here: the PyTorch
and the Keras models, the table of sizes, the drawing, the weight files and the export.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from alexnet.config.settings import Settings, check_names, fields, setting
from alexnet.errors import UserError
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
"""conv1 … conv5; the dense layers are counted on from there: fc6, fc7, fc8."""


@dataclass(frozen=True, kw_only=True)
class Architecture(Settings):
    """An AlexNet: five convolutions and three dense layers, and everything between them.

    A field with one value for each convolution also takes one value that stands for all five.
    Images go in channels first, (N, in_channels, image_size, image_size).

    Raises:
        UserError: a value out of range, widths that the groups do not divide, or an image
            so small that nothing is left of it at some layer.

    Example:
        >>> net = architecture("paper", num_classes=10)
        >>> [step.output_shape for step in net.trace() if step.layer.name == "conv1"]
        [(96, 55, 55)]
        >>> architecture("paper").num_parameters
        60965224
    """

    variant: str = setting("custom", "name of the variant that this one started from")
    num_classes: int = setting(1000, "outputs of fc8", low=1)
    in_channels: int = setting(3, "channels of an image: 3 for RGB, 1 for gray", low=1)
    image_size: int = setting(224, "width and height of the image that goes in, pixels", low=1)
    # --8<-- [start:paper-3-5]
    widths: FiveInts = setting((96, 256, 384, 384, 256), "channels of conv1 to conv5", low=1)
    kernels: FiveInts = setting((11, 5, 3, 3, 3), "kernel sizes of conv1 to conv5", low=1)
    strides: FiveInts = setting((4, 1, 1, 1, 1), "strides of conv1 to conv5", low=1)
    paddings: FivePairs = setting(
        ((2, 2), (2, 2), (1, 1), (1, 1), (1, 1)),
        "zeros before:after each side in conv1 to conv5; one number for both",
        low=0,
    )
    # --8<-- [end:paper-3-5]
    # --8<-- [start:paper-3-2]
    groups: FiveInts = setting((1, 1, 1, 1, 1), "columns that conv1 to conv5 are split into", low=1)
    # --8<-- [end:paper-3-2]
    # --8<-- [start:paper-3-1]
    activation: str = setting("relu", "after each layer", choices=("relu", "tanh", "sigmoid"))
    # --8<-- [end:paper-3-1]
    order: tuple[str, str, str] = setting(
        ("activation", "norm", "pool"),
        "what follows a convolution, in this order",
        choices=("activation", "norm", "pool"),
    )
    norm: str = setting(
        "none",
        "normalization after the convolutions of norm_layers, conv1 and conv2 unless that is set",
        choices=("none", "lrn", "batch"),
    )
    norm_layers: tuple[int, ...] = setting(
        (1, 2),
        "convolutions that norm follows; 1,2,3,4,5 for all, as is usual for batch norm",
        low=1,
        high=5,
    )
    # --8<-- [start:paper-3-3]
    lrn_size: int = setting(5, "LRN: neighboring channels, n", low=1)
    lrn_alpha: float = setting(1e-4, "LRN: alpha", low=0)
    lrn_beta: float = setting(0.75, "LRN: exponent beta", low=0)
    lrn_k: float = setting(2.0, "LRN: constant k", low=0)
    lrn_alpha_divided: bool = setting(False, "LRN: whether alpha is divided by lrn_size")
    # --8<-- [end:paper-3-3]
    batch_norm_eps: float = setting(1e-5, "batch norm: added to the variance", low=0)
    batch_norm_momentum: float = setting(
        0.1, "batch norm: share of a new batch in the running values", low=0, high=1
    )
    pool_layers: tuple[int, ...] = setting(
        (1, 2, 5), "convolutions that max pooling follows", low=1, high=5
    )
    # --8<-- [start:paper-3-4]
    pool_window: int = setting(3, "window of max pooling", low=1)
    pool_stride: int = setting(2, "stride of max pooling; less than the window overlaps", low=1)
    # --8<-- [end:paper-3-4]
    adaptive_pool: int | None = setting(
        None,
        "size that a mean pool gives the last maps, for any image size; none: no pool",
        low=1,
    )
    hidden: tuple[int, int] = setting((4096, 4096), "units of fc6 and fc7", low=1)
    dropout: float = setting(0.5, "share of values dropped; 0: no dropout", low=0, high=0.99)
    dropout_position: str = setting(
        "after", "dropout stands before or after fc6 and fc7", choices=("before", "after")
    )
    init: str = setting("kaiming", "initial weights", choices=tuple(INITS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.order)) != len(self.order):
            raise UserError(f"order names each of activation, norm, pool once, got {self.order}")
        self._check_groups()
        self.trace()

    def _check_groups(self) -> None:
        inputs = (self.in_channels, *self.widths)
        for i, groups in enumerate(self.groups):
            for what, channels in (("input", inputs[i]), ("output", self.widths[i])):
                if channels % groups:
                    raise UserError(
                        f"conv{i + 1} cannot have {groups} groups: its {channels} {what} "
                        f"channels are not divisible by {groups}"
                    )

    @property
    def input_shape(self) -> Shape:
        """(C, H, W) of one image."""
        return (self.in_channels, self.image_size, self.image_size)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer in the order in which an image passes it."""
        found: list[Layer] = []
        for number in range(1, CONVS + 1):
            found += self._conv_block(number)
        if self.adaptive_pool is not None:
            found.append(AdaptivePool(name="adaptive_pool", size=self.adaptive_pool))
        found.append(Flatten(name="flatten"))
        for number, units in enumerate(self.hidden, start=CONVS + 1):
            found += self._hidden_block(number, units)
        found.append(Dense(name=f"fc{CONVS + 3}", units=self.num_classes))
        return tuple(found)

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
            place = 0 if self.dropout_position == "before" else len(block)
            block.insert(place, Dropout(name=f"dropout{number}", rate=self.dropout))
        # --8<-- [end:paper-4-2]
        return block

    def trace(self) -> tuple[shapes.Step, ...]:
        """Every layer with the shapes before and behind it, for one image."""
        return shapes.trace(self.layers, self.input_shape)

    @property
    def weight_shapes(self) -> dict[str, Shape]:
        """Shape of every array by its canonical name, `conv1.weight` … `fc8.bias`."""
        return {name: shape for step in self.trace() for name, shape in step.weights.items()}

    @property
    def num_parameters(self) -> int:
        """Number of trained values."""
        return sum(step.num_parameters for step in self.trace())


def _variants() -> dict[str, Architecture]:
    """The named networks; where each comes from stands beside it."""
    caffe: dict[str, Any] = {
        "image_size": 227,
        "paddings": (0, 2, 1, 1, 1),
        "groups": (1, 2, 1, 2, 2),
        "norm": "lrn",
        "lrn_k": 1.0,
        "lrn_alpha_divided": True,
    }
    seed: dict[str, Any] = {
        "hidden": (2048, 2048),
        "dropout_position": "before",
        "init": "tutorial",
    }
    return {
        # Seed 004: half the paper's channels.
        "half": Architecture(variant="half", widths=(48, 128, 192, 192, 128), **seed),
        # Seed 000 in PyTorch: conv1 pads 2 on every side and drops what does not fit.
        "full": Architecture(variant="full", **seed),
        # Seed 000 in TensorFlow: pads 1 before and 2 after, 224 -> 227 exactly.
        "full-227": Architecture(
            variant="full-227",
            paddings=((1, 2), (2, 2), (1, 1), (1, 1), (1, 1)),
            **seed | {"dropout": 0.2},
        ),
        # Krizhevsky, Sutskever, Hinton, NIPS 2012, sections 3 and 4.
        # --8<-- [start:paper]
        "paper": Architecture(variant="paper", groups=(1, 2, 1, 2, 2), norm="lrn", init="paper"),
        # --8<-- [end:paper]
        # Caffe, models/bvlc_alexnet: alpha on the mean, k 1, 227 pixels without padding.
        "bvlc": Architecture(variant="bvlc", init="bvlc", **caffe),
        # Caffe, models/bvlc_reference_caffenet: pooling before normalization.
        "caffenet": Architecture(
            variant="caffenet", order=("activation", "pool", "norm"), init="caffenet", **caffe
        ),
        # One weird trick, arXiv 1404.5997, as torchvision has it.
        "owt": Architecture(
            variant="owt",
            widths=(64, 192, 384, 256, 256),
            adaptive_pool=6,
            dropout_position="before",
            init="torch",
        ),
    }


VARIANTS = _variants()


def variants() -> tuple[str, ...]:
    """The names of the variants.

    >>> variants()
    ('half', 'full', 'full-227', 'paper', 'bvlc', 'caffenet', 'owt')
    """
    return tuple(VARIANTS)


def check_variant(name: str) -> None:
    """Raise UserError when there is no variant of this name, with the nearest that is."""
    if name.lower() == "alexnet":  # all of them are one; by this name torchvision has owt
        raise UserError(
            f"unknown variant {name!r}: did you mean 'owt', torchvision's alexnet, or 'paper'? "
            f"choose from {', '.join(VARIANTS)}"
        )
    check_names([name], VARIANTS, "variant")


def architecture(variant: "str | Architecture", **changes: Any) -> Architecture:
    """The variant of this name, or the given architecture, with some fields changed.

    Args:
        variant: one of `variants()`, or an `Architecture`.
        changes: fields of `Architecture` with their new values, as values or as texts.

    Raises:
        UserError: a variant or a field that does not exist (with the nearest that does), a
            value out of range, or a combination that leaves nothing at some layer.

    Example:
        >>> architecture("half", num_classes=5).num_parameters
        14591685
        >>> architecture("paper", norm="none", pool_window=2).pool_window
        2
    """
    if isinstance(variant, str):
        check_variant(variant)
        variant = VARIANTS[variant]
    check_names(changes, [field.name for field in fields(Architecture)], "architecture field")
    return dataclasses.replace(variant, **changes)
