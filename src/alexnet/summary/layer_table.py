"""The layers of a network as a table: output sizes with their arithmetic, and costs."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from alexnet.settings import as_text
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
class LayerRow:
    """One layer, for one image."""

    layer: str
    kind: str
    """conv, relu, tanh, sigmoid, lrn, batch norm, max pool, average pool, flatten,
    dropout, or dense."""
    output_shape: Shape
    """(C, H, W), or (C,) after the flatten layer."""
    arithmetic: str
    """The output size formula with its numbers, or what the layer does."""
    dropped: int | None
    """Rows and columns at the end that no window reaches; None for layers without a window."""
    num_parameters: int
    macs: int
    receptive_field_px: int
    stride_px: int | None
    activation_bytes: int


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """The layers of an architecture in order, and the totals."""

    architecture: Architecture
    rows: tuple[LayerRow, ...]

    @property
    def num_parameters(self) -> int:
        """Trainable parameters."""
        return sum(row.num_parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the forward pass of one image."""
        return sum(row.macs for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Memory of all layer outputs of one image in float32, which training retains."""
        return sum(row.activation_bytes for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "architecture": self.architecture.to_dict(),
            "input_shape": list(self.architecture.input_shape),
            "layers": [dataclasses.asdict(row) for row in self.rows],
            "num_parameters": self.num_parameters,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
        }


def summarize(architecture: Architecture) -> LayerTable:
    """Return the output size, its arithmetic and the costs of every layer.

    Example:
        >>> from alexnet import architecture
        >>> conv1 = summarize(architecture("paper")).rows[0]
        >>> conv1.output_shape, conv1.arithmetic
        ((96, 55, 55), '(224 - 11 + 2*2)/4 + 1 = 55.25, 1 dropped')
    """
    return LayerTable(architecture=architecture, rows=tuple(map(_row, architecture.trace())))


def _row(step: Step) -> LayerRow:
    kind, arithmetic = _describe(step)
    window = step.window
    return LayerRow(
        layer=step.layer.name,
        kind=kind,
        output_shape=step.output_shape,
        arithmetic=arithmetic,
        dropped=None if window is None else window.dropped,
        num_parameters=step.num_parameters,
        macs=step.macs,
        receptive_field_px=step.receptive_field_px,
        stride_px=step.stride_px,
        activation_bytes=step.activation_bytes,
    )


def _describe(step: Step) -> tuple[str, str]:
    """Return the kind of the layer and the arithmetic of its output."""
    layer, window = step.layer, step.window
    match layer:
        case Conv():
            kind, arithmetic = "conv", window.arithmetic if window else ""
        case MaxPool():
            kind, arithmetic = "max pool", window.arithmetic if window else ""
        case AdaptivePool():
            sizes = f"{step.input_shape[-1]} to {layer.size}"
            kind, arithmetic = "average pool", f"adaptive average pool, {sizes}"
        case Activation():
            kind, arithmetic = layer.function, layer.function
        case LRN():
            kind, arithmetic = "lrn", f"LRN over {layer.size} channels"
        case BatchNorm():
            kind, arithmetic = "batch norm", "batch norm"
        case Dropout():
            kind, arithmetic = "dropout", f"dropout {as_text(layer.rate)}"
        case Flatten():
            product = "*".join(map(str, step.input_shape))
            kind, arithmetic = "flatten", f"{product} = {math.prod(step.input_shape)}"
        case Dense():
            kind, arithmetic = "dense", f"{step.input_shape[0]} to {layer.units}"
    return kind, arithmetic
