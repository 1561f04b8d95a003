"""Match the layers of other programs' files to ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from alexnet.errors import UserError
from alexnet.spec.architectures import CONVS
from alexnet.text import join_limited, printable
from alexnet.weights.keras_layout import VARIABLES, kind_of

_DENSE = 3
_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class FileLayer:
    """A layer with weights, under its name in the file."""

    name: str
    kind: str
    """`conv`, `fc` or `norm`."""
    arrays: Sequence[Any]
    """In the order of `keras_layout.VARIABLES`; read lazily where the format allows it."""


def match_layers(
    layers: Sequence[FileLayer], source: str, *, in_order: bool
) -> dict[str, FileLayer]:
    """Return the layers by canonical name: by their names in the file, or else by their order.

    Args:
        layers: The convolutions, the dense layers and the norms, each kind in the order of the
            forward pass.
        in_order: Whether all of them together are in that order.

    Raises:
        UserError: Not the layers of an AlexNet; the message lists them.
    """
    of_kind = {kind: [layer for layer in layers if layer.kind == kind] for kind in VARIABLES}
    if len(of_kind["conv"]) != CONVS or len(of_kind["fc"]) != _DENSE:
        raise UserError(f"{source} is not an AlexNet: {_inventory(of_kind)}")
    matches: dict[str, FileLayer] = {}
    for kind, members in of_kind.items():
        names = [layer.name for layer in members]
        if not _are_canonical(names, kind):
            names = _numbered(kind, layers, source, in_order)
        matches |= dict(zip(names, members, strict=True))
    for name, layer in matches.items():
        if len(layer.arrays) > len(VARIABLES[layer.kind]):
            raise UserError(
                f"{source}: {printable(layer.name)} has {len(layer.arrays)} arrays, more than "
                f"{name} has"
            )
    return matches


def check_layer_order(arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Raise UserError unless the inputs of each layer match the outputs of the previous one.

    This catches layers in the wrong order and transposed dense layers.
    """
    for number in range(2, CONVS + 1):
        before, weight = arrays[f"conv{number - 1}.weight"], arrays[f"conv{number}.weight"]
        if weight.shape[1] < 1 or len(before) % weight.shape[1]:
            _raise_wrong_order(
                f"conv{number}", weight.shape[1], f"conv{number - 1}", len(before), source
            )
    maps, inputs = len(arrays["conv5.weight"]), arrays["fc6.weight"].shape[1]
    if maps < 1 or inputs % maps:
        _raise_wrong_order("fc6", inputs, "conv5", maps, source)
    for number in range(CONVS + 2, CONVS + 4):
        before, weight = arrays[f"fc{number - 1}.weight"], arrays[f"fc{number}.weight"]
        if len(before) != weight.shape[1]:
            _raise_wrong_order(
                f"fc{number}", weight.shape[1], f"fc{number - 1}", len(before), source
            )


def _are_canonical(names: Sequence[str], kind: str) -> bool:
    try:
        return len(set(names)) == len(names) and all(
            "." not in name and kind_of(name) == kind for name in names
        )
    except UserError:
        return False


def _numbered(kind: str, layers: Sequence[FileLayer], source: str, in_order: bool) -> list[str]:
    """Return canonical names by order; a norm has the number of the convolution before it."""
    count = sum(layer.kind == kind for layer in layers)
    if kind == "norm" and count not in (0, CONVS):
        return _norms(layers if in_order else (), source)
    first = CONVS + 1 if kind == "fc" else 1
    return [f"{kind}{number}" for number in range(first, first + count)]


def _norms(layers: Sequence[FileLayer], source: str) -> list[str]:
    names, convs = [], 0
    for layer in layers:
        convs += layer.kind == "conv"
        if layer.kind == "norm":
            names.append(f"norm{convs}")
    if not names or not _are_canonical(names, "norm"):
        raise UserError(
            f"{source} does not show which convolutions its batch norm layers follow; name these "
            f"layers norm1 to norm5, or save the whole model as .keras"
        )
    return names


def _inventory(of_kind: Mapping[str, Sequence[FileLayer]]) -> str:
    convs, dense = len(of_kind["conv"]), len(of_kind["fc"])
    names = [layer.name for layers in of_kind.values() for layer in layers]
    return (
        f"expected {CONVS} convolutions and {_DENSE} dense layers, got {convs} and {dense}"
        f"{f' ({join_limited(names, _SHOWN)})' if names else ''}"
    )


def _raise_wrong_order(
    name: str, inputs: int, previous: str, outputs: int, source: str
) -> NoReturn:
    raise UserError(
        f"{source}: {name} has {inputs} inputs, but {previous} before it has {outputs} outputs; "
        f"the layers are not in the order of an AlexNet"
    )
