"""HDF5 and .keras files, written independently of the package."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from alexnet import architecture

NET = architecture(
    "half", widths=(4, 6, 8, 6, 4), hidden=(5, 7), num_classes=3, image_size=127, norm="batch"
)
CONVS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
DENSE = ["fc6", "fc7", "fc8"]


def arrays(norm: str = "batch", layers: tuple[int, ...] = (1, 2)) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    net = architecture(NET, norm=norm, norm_layers=layers)
    shapes = net.weight_shapes.items()
    return {name: generator.standard_normal(shape, np.float32) for name, shape in shapes}


def keras_variables(values: Mapping[str, np.ndarray], layer: str) -> list[np.ndarray]:
    """Return a layer's variables in Keras' layout, converted independently of the package."""
    own = {name.partition(".")[2]: a for name, a in values.items() if name.startswith(layer)}
    if layer.startswith("conv"):
        return [own["weight"].transpose(2, 3, 1, 0), own["bias"]]
    if layer == "fc6":
        units, side = len(own["weight"]), 3
        maps = own["weight"].reshape(units, -1, side, side)
        return [maps.transpose(2, 3, 1, 0).reshape(-1, units), own["bias"]]
    if layer.startswith("fc"):
        return [own["weight"].T, own["bias"]]
    return [own[kind] for kind in ("weight", "bias", "running_mean", "running_var")]


def keras3(
    path: Any, paths: Mapping[str, str], names: Mapping[str, str], norm: str = "none"
) -> dict[str, np.ndarray]:
    """Write a `.weights.h5` with the path and the name of each layer, and return its arrays."""
    values = arrays(norm)
    with h5py.File(path, "w") as file:
        for layer, layer_path in paths.items():
            group = file.create_group(f"{layer_path}/vars")
            if layer in names:
                group.attrs["name"] = names[layer]
            for number, array in enumerate(keras_variables(values, layer)):
                group[str(number)] = array
    return values


def assert_equal(loaded: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert set(loaded) == set(expected)
    for name, array in expected.items():
        assert np.array_equal(loaded[name], array), name


def numbered(stem: str, number: int) -> str:
    return f"{stem}_{number}" if number else stem


PATHS = {
    "in one container": {
        **{layer: f"layers/{numbered('conv2d', i)}" for i, layer in enumerate(CONVS)},
        **{layer: f"layers/{numbered('dense', i)}" for i, layer in enumerate(DENSE)},
    },
    "in two containers": {
        **{layer: f"features/layers/{numbered('conv2d', i)}" for i, layer in enumerate(CONVS)},
        **{layer: f"classifier/layers/{numbered('dense', i)}" for i, layer in enumerate(DENSE)},
    },
    "as attributes": {layer: layer for layer in CONVS + DENSE},
    "of Keras 2.13": {
        **{
            layer: f"_layer_checkpoint_dependencies/{numbered('conv2d', i)}"
            for i, layer in enumerate(CONVS)
        },
        **{
            layer: f"_layer_checkpoint_dependencies/{numbered('dense', i)}"
            for i, layer in enumerate(DENSE)
        },
    },
}


def archive(file: Path, compression: int = zipfile.ZIP_STORED) -> None:
    content = io.BytesIO()
    keras3(content, PATHS["in one container"], {})
    with zipfile.ZipFile(file, "w", compression) as opened:
        opened.writestr("config.json", "{}")
        opened.writestr("model.weights.h5", content.getvalue())


def open_without(file: Path, target: str) -> h5py.File:
    keras3(file, PATHS["as attributes"], {})
    opened = h5py.File(file, "a")
    del opened[target]
    return opened
