"""The network as a table: every layer with its size and how that comes about, and its costs."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from alexnet.config.settings import as_text
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import (
    LRN,
    Activation,
    AdaptivePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Shape,
)
from alexnet.spec.shapes import Step


@dataclass(frozen=True, kw_only=True)
class Row:
    """One layer, for one image."""

    layer: str
    kind: str
    """conv, relu, tanh, sigmoid, lrn, batch norm, max pool, mean pool, flatten, dropout, dense."""
    output_shape: Shape
    """(C, H, W), or (C,) behind the flatten."""
    how: str
    """The formula of the output size with the numbers put in, or what the layer does."""
    dropped: int | None
    """Rows and columns at the end that no window reaches; None where no window slides."""
    num_parameters: int
    macs: int
    receptive_field_px: int
    stride_px: int | None
    activation_bytes: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """Every layer of an architecture in order, and the totals."""

    architecture: Architecture
    rows: tuple[Row, ...]

    @property
    def num_parameters(self) -> int:
        """Trained values."""
        return sum(row.num_parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """For one image, forward."""
        return sum(row.macs for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Memory of all outputs of one image in float32, as training keeps them."""
        return sum(row.activation_bytes for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "architecture": self.architecture.to_dict(),
            "input_shape": list(self.architecture.input_shape),
            "layers": [dataclasses.asdict(row) for row in self.rows],
            "num_parameters": self.num_parameters,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
        }


def table(architecture: Architecture) -> Table:
    """Work out every layer's size and costs.

    Example:
        >>> from alexnet import architecture
        >>> conv1 = table(architecture("paper")).rows[0]
        >>> conv1.output_shape, conv1.how
        ((96, 55, 55), '(224 - 11 + 2*2)/4 + 1 = 55.25, 1 dropped')
    """
    return Table(architecture=architecture, rows=tuple(map(_row, architecture.trace())))


def _row(step: Step) -> Row:
    kind, how = _described(step)
    window = step.window
    return Row(
        layer=step.layer.name,
        kind=kind,
        output_shape=step.output_shape,
        how=how,
        dropped=None if window is None else window.dropped,
        num_parameters=step.num_parameters,
        macs=step.macs,
        receptive_field_px=step.receptive_field_px,
        stride_px=step.stride_px,
        activation_bytes=step.activation_bytes,
    )


def _described(step: Step) -> tuple[str, str]:
    """The kind of the layer, and how its output comes about."""
    layer, window = step.layer, step.window
    match layer:
        case Conv():
            kind, how = "conv", window.arithmetic if window else ""
        case MaxPool():
            kind, how = "max pool", window.arithmetic if window else ""
        case AdaptivePool():
            sizes = f"{step.input_shape[-1]} to {layer.size}"
            kind, how = "mean pool", f"mean pool from {sizes}"
        case Activation():
            kind, how = layer.function, layer.function
        case LRN():
            kind, how = "lrn", f"LRN over {layer.size} channels"
        case BatchNorm():
            kind, how = "batch norm", "batch norm"
        case Dropout():
            kind, how = "dropout", f"dropout of {as_text(layer.rate)}"
        case Flatten():
            product = "*".join(map(str, step.input_shape))
            kind, how = "flatten", f"{product} = {math.prod(step.input_shape)}"
        case Dense():
            kind, how = "dense", f"{step.input_shape[0]} to {layer.units}"
    return kind, how
