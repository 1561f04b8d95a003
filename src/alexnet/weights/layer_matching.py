"""Layers as another program's file has them, and which of ours each one is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alexnet.errors import UserError
from alexnet.spec.architectures import CONVS
from alexnet.text import counted, printable, some
from alexnet.weights.keras_layout import VARIABLES, kind_of

_DENSE = 3
_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Found:
    """A layer with weights, under the name that the file gives it."""

    name: str
    kind: str
    """`conv`, `fc` or `norm`."""
    arrays: Sequence[Any]
    """In the order of `keras_layout.VARIABLES`; not read yet, where the file allows it."""


def identify(layers: Sequence[Found], source: str, *, in_order: bool) -> dict[str, Found]:
    """The layers by canonical name: by the file's own names, or else by their order.

    Args:
        layers: the convolutions, the dense layers and the norms each in an image's order.
        in_order: whether all of them together are in an image's order.

    Raises:
        UserError: not the layers of an AlexNet; the message names what was found.
    """
    of_kind = {kind: [layer for layer in layers if layer.kind == kind] for kind in VARIABLES}
    if len(of_kind["conv"]) != CONVS or len(of_kind["fc"]) != _DENSE:
        raise UserError(f"{source} is no AlexNet: {_inventory(of_kind)}")
    result: dict[str, Found] = {}
    for kind, found in of_kind.items():
        names = [layer.name for layer in found]
        if not _are_canonical(names, kind):
            names = _numbered(kind, layers, source, in_order)
        result |= dict(zip(names, found, strict=True))
    for name, layer in result.items():
        if len(layer.arrays) > len(VARIABLES[layer.kind]):
            raise UserError(
                f"{source}: {printable(layer.name)} has {len(layer.arrays)} arrays for {name}"
            )
    return result


def check_sequence(arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Raise UserError unless each layer takes what the layer before it gives.

    It catches layers in a wrong order, and dense layers that are stored the other way around.
    """
    for number in range(2, CONVS + 1):
        before, weight = arrays[f"conv{number - 1}.weight"], arrays[f"conv{number}.weight"]
        if weight.shape[1] < 1 or len(before) % weight.shape[1]:
            _do_not_follow(
                f"conv{number}", weight.shape[1], f"conv{number - 1}", len(before), source
            )
    maps, inputs = len(arrays["conv5.weight"]), arrays["fc6.weight"].shape[1]
    if maps < 1 or inputs % maps:
        _do_not_follow("fc6", inputs, "conv5", maps, source)
    for number in range(CONVS + 2, CONVS + 4):
        before, weight = arrays[f"fc{number - 1}.weight"], arrays[f"fc{number}.weight"]
        if len(before) != weight.shape[1]:
            _do_not_follow(f"fc{number}", weight.shape[1], f"fc{number - 1}", len(before), source)


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts `conv2d` before `conv2d_1`, and `conv2d_9` before `conv2d_10`."""
    parts = re.findall(r"\d+|\D+", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _are_canonical(names: Sequence[str], kind: str) -> bool:
    try:
        return len(set(names)) == len(names) and all(
            "." not in name and kind_of(name) == kind for name in names
        )
    except UserError:
        return False


def _numbered(kind: str, layers: Sequence[Found], source: str, in_order: bool) -> list[str]:
    """Canonical names by order; a norm has the number of the convolution that it follows."""
    count = sum(layer.kind == kind for layer in layers)
    if kind == "norm" and count not in (0, CONVS):
        return _norms(layers if in_order else (), source)
    first = CONVS + 1 if kind == "fc" else 1
    return [f"{kind}{number}" for number in range(first, first + count)]


def _norms(layers: Sequence[Found], source: str) -> list[str]:
    names, convs = [], 0
    for layer in layers:
        convs += layer.kind == "conv"
        if layer.kind == "norm":
            names.append(f"norm{convs}")
    if not names or not _are_canonical(names, "norm"):
        raise UserError(
            f"{source}: it cannot be told which convolutions the batch norms follow; name the "
            f"layers norm1 to norm5, or save the whole model as .keras"
        )
    return names


def _inventory(of_kind: Mapping[str, Sequence[Found]]) -> str:
    convs, dense = len(of_kind["conv"]), len(of_kind["fc"])
    names = [layer.name for found in of_kind.values() for layer in found]
    return (
        f"it holds {counted(convs, 'convolution')} and {counted(dense, 'dense layer')} where "
        f"{CONVS} and {_DENSE} are expected{f' ({some(names, _SHOWN)})' if names else ''}"
    )


def _do_not_follow(name: str, takes: int, before: str, gives: int, source: str) -> None:
    raise UserError(
        f"{source}: {name} takes {takes} values and {before} gives {gives}, so the layers are "
        f"not in an AlexNet's order"
    )
