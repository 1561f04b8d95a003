"""Keras' files, written so that Keras' own `load_weights` and `load_model` take them."""

import contextlib
import io
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from alexnet.errors import RunError, UserError
from alexnet.spec.architectures import Architecture
from alexnet.weights.keras_layout import VARIABLES, kind_of, to_keras
from alexnet.weights.names import Weights

_CLASSES = {"conv": "conv2d", "fc": "dense", "norm": "batch_normalization"}
_INDEXED_CONTAINERS = {"conv": "features", "fc": "classifier"}


def weights_h5(weights: Weights, layout: str) -> bytes:
    """The content of a `.weights.h5` file.

    Keras finds a layer by its class and by how many layers of this class come before it, and a
    layer that is an attribute of its model by the attribute. Both paths lead to the same data
    here, so one file serves a functional model and one with attributes: `conv1` … `fc8`, or with
    the layout `indexed` the seeds' `features` and `classifier`. This is the only place that
    assumes which classes a model is made of: `Conv2D`, `Dense` and `BatchNormalization`, each in
    the order of the network.

    Raises:
        UserError: arrays that the layout has no place for.
    """
    import h5py

    if "conv5.weight" not in weights:
        raise UserError("a Keras file needs the weights of all layers, and conv5.weight is missing")
    channels = len(weights["conv5.weight"])
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer, (path, *aliases) in _paths(weights, layout).items():
            group = file.create_group(f"{path}/vars")
            group.attrs["name"] = layer
            kinds = VARIABLES[kind_of(layer)]
            for number, kind in enumerate(kinds):
                if f"{layer}.{kind}" not in weights:
                    raise UserError(f"a Keras file needs {layer}.{kind}, which is missing")
                array = to_keras(f"{layer}.{kind}", weights[f"{layer}.{kind}"], channels)
                group[str(number)] = np.ascontiguousarray(array)
            for alias in aliases:
                file[alias] = file[path]
    return content.getvalue()


def save_model(weights: Weights, path: Path, architecture: Architecture) -> None:
    """Write the functional model of an architecture, with its weights, to a `.keras` file.

    Raises:
        UserError: Keras is not there, or the weights do not fit.
        RunError: the file cannot be written; an earlier one of this name is untouched.
    """
    try:
        from alexnet import keras as models
    except ImportError as error:
        raise UserError(
            f"{path}: a .keras file is written by Keras, which is not there ({error}); write "
            f"a .weights.h5 file instead, or install keras with tensorflow or jax"
        ) from error
    model = models.functional(architecture)
    models.load_weights(model, weights)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    try:
        model.save(partial)
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _paths(weights: Weights, layout: str) -> dict[str, tuple[str, str]]:
    """Of each layer, the path of its class and counter, and the path of its attribute."""
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
    """In the order of the network, as far as the counters of a class depend on it."""
    order = {kind: place for place, kind in enumerate(VARIABLES)}
    names = {name.rpartition(".")[0] for name in weights}
    yield from sorted(names, key=lambda name: (order[kind_of(name)], name))
