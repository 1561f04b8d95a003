"""Write `.weights.h5` files that Keras' `load_weights` can load."""

import io
from collections import Counter
from collections.abc import Iterator

import numpy as np

from alexnet.errors import UserError
from alexnet.weights.keras_layout import VARIABLES, kind_of, to_keras
from alexnet.weights.names import Weights

_CLASSES = {"conv": "conv2d", "fc": "dense", "norm": "batch_normalization"}
_INDEXED_CONTAINERS = {"conv": "features", "fc": "classifier"}


def weights_h5(weights: Weights, layout: str) -> bytes:
    """Return the content of a `.weights.h5` file.

    Keras looks up a layer of a functional model by its class and the number of layers of this
    class before it, and a layer of a subclassed model by its attribute. Both paths lead to the
    same data here, so one file serves both: attributes `conv1` … `fc8`, or `features` and
    `classifier` with the layout `indexed`. This is the only place that assumes the classes of the
    layers: `Conv2D`, `Dense` and `BatchNormalization`, each in the order of the forward pass.

    Raises:
        UserError: An array is missing, or the layout has no name for one.
    """
    import h5py

    if "conv5.weight" not in weights:
        raise UserError("missing conv5.weight; a Keras file needs the weights of all layers")
    channels = len(weights["conv5.weight"])
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer, (path, *aliases) in _paths(weights, layout).items():
            group = file.create_group(f"{path}/vars")
            group.attrs["name"] = layer
            kinds = VARIABLES[kind_of(layer)]
            for number, kind in enumerate(kinds):
                if f"{layer}.{kind}" not in weights:
                    raise UserError(
                        f"missing {layer}.{kind}; a Keras file needs the weights of all layers"
                    )
                array = to_keras(f"{layer}.{kind}", weights[f"{layer}.{kind}"], channels)
                group[str(number)] = np.ascontiguousarray(array)
            for alias in aliases:
                file[alias] = file[path]
    return content.getvalue()


def _paths(weights: Weights, layout: str) -> dict[str, tuple[str, str]]:
    """Return two paths of each layer: by its class and counter, and by its attribute."""
    counts: Counter[str] = Counter()
    paths = {}
    for layer in _layers(weights):
        kind = kind_of(layer)
        numbered = f"{_CLASSES[kind]}_{counts[kind]}" if counts[kind] else _CLASSES[kind]
        counts[kind] += 1
        attribute = layer
        if layout == "indexed":
            if kind not in _INDEXED_CONTAINERS:
                raise UserError(f"the indexed layout has no name for {layer}")
            attribute = f"{_INDEXED_CONTAINERS[kind]}/layers/{numbered}"
        paths[layer] = (f"layers/{numbered}", attribute)
    return paths


def _layers(weights: Weights) -> Iterator[str]:
    """Yield the layers kind by kind, each kind in the order of the forward pass."""
    order = {kind: position for position, kind in enumerate(VARIABLES)}
    names = {name.rpartition(".")[0] for name in weights}
    yield from sorted(names, key=lambda name: (order[kind_of(name)], name))
