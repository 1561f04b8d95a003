"""Canonical names of the weights, and their names in the indexed layout."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from alexnet.errors import UserError

Weights: TypeAlias = Mapping[str, np.ndarray]
"""`conv1.weight` (out, in / groups, height, width), `fc6.weight` (out, in), biases (out,)."""

INDEXED = {
    "features.0": "conv1",
    "features.3": "conv2",
    "features.6": "conv3",
    "features.8": "conv4",
    "features.10": "conv5",
    "classifier.1": "fc6",
    "classifier.4": "fc7",
    "classifier.6": "fc8",
}
"""Layers of the seeds and torchvision by their index in two `nn.Sequential`s."""

_CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
_COUNTERS = ".num_batches_tracked"
"""Counters of batch norm, which do not affect its output here."""


def canonical(state: Mapping[str, object], source: str) -> dict[str, object]:
    """Return the values under canonical names, from our layout or the indexed one.

    Wrappers of training programs are removed: a dict under `state_dict`, the prefix `module.` of
    `DataParallel`.

    Raises:
        UserError: A key that is not a string, or two keys for the same array.
    """
    for container in _CONTAINERS:
        inner = state.get(container)
        if isinstance(inner, Mapping):
            return canonical(inner, source)
    result: dict[str, object] = {}
    for key, value in state.items():
        if not isinstance(key, str):
            raise UserError(f"{source}: the name of an array must be a string, got {key!r}")
        name = _without_prefixes(key)
        if name.endswith(_COUNTERS):
            continue
        layer, dot, array = name.rpartition(".")
        name = f"{INDEXED.get(layer, layer)}{dot}{array}"
        if name in result:
            raise UserError(f"{source}: two arrays for {name}")
        result[name] = value
    return result


def indexed(weights: Weights) -> dict[str, np.ndarray]:
    """Return the arrays under their names in the indexed layout, `features.0.weight` ….

    Raises:
        UserError: The indexed layout has no name for an array.
    """
    names = {layer: index for index, layer in INDEXED.items()}
    result = {}
    for name, array in weights.items():
        layer, _, kind = name.rpartition(".")
        if layer not in names:
            raise UserError(f"the indexed layout has no name for {name}")
        result[f"{names[layer]}.{kind}"] = array
    return result


def sorted_by_layer(names: Iterable[str]) -> list[str]:
    """Sort names by the order of the layers in the forward pass.

    >>> sorted_by_layer(["fc6.bias", "norm1.bias", "conv2.weight", "conv1.bias", "conv1.weight"])
    ['conv1.weight', 'conv1.bias', 'norm1.bias', 'conv2.weight', 'fc6.bias']
    """

    def position(name: str) -> tuple[bool, str, bool, bool, str]:
        layer, _, array = name.rpartition(".")
        number = layer[-1:]
        return not number.isdigit(), number, layer.startswith("norm"), array != "weight", name

    return sorted(names, key=position)


def _without_prefixes(key: str) -> str:
    for prefix in _PREFIXES:
        if key.startswith(prefix):
            return _without_prefixes(key.removeprefix(prefix))
    return key
