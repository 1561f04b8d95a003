"""HDF5 and .keras files in every layout that Keras writes."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from alexnet import UserError, weights

from .conftest import read_error
from .hdf5_files import (
    CONVS,
    DENSE,
    NET,
    PATHS,
    arrays,
    assert_equal,
    keras3,
    numbered,
)


@pytest.mark.parametrize("paths", PATHS)
def test_layers_without_names_are_matched_by_path(paths: str, tmp_path: Path) -> None:
    expected = keras3(tmp_path / "w.weights.h5", PATHS[paths], {})
    assert_equal(weights.read(tmp_path / "w.weights.h5"), expected)


def test_names_take_precedence_over_paths(tmp_path: Path) -> None:
    paths = {layer: f"layers/conv2d_{9 - i}" for i, layer in enumerate(CONVS)}
    paths |= {layer: f"layers/dense_{9 - i}" for i, layer in enumerate(DENSE)}
    expected = keras3(tmp_path / "w.weights.h5", paths, {name: name for name in paths})
    assert_equal(weights.read(tmp_path / "w.weights.h5"), expected)


def test_unordered_attributes_are_matched_by_generated_names(tmp_path: Path) -> None:
    attributes = ["stem", "widen", "deep", "more", "last", "hidden", "second", "head"]
    paths = dict(zip(CONVS + DENSE, attributes, strict=True))
    names = {layer: f"conv2d_{8 + i}" for i, layer in enumerate(CONVS)}
    names |= {layer: numbered("dense", i) for i, layer in enumerate(DENSE)}
    expected = keras3(tmp_path / "w.weights.h5", paths, names)
    assert_equal(weights.read(tmp_path / "w.weights.h5"), expected)


def test_the_model_configuration_shows_which_layer_a_norm_follows(tmp_path: Path) -> None:
    paths = dict(PATHS["in one container"])
    paths |= {"norm1": "layers/batch_normalization", "norm2": "layers/batch_normalization_1"}
    content = io.BytesIO()
    expected = keras3(content, paths, {}, norm="batch")
    order = ["conv1", "norm1", "conv2", "norm2", "conv3", "conv4", "conv5", *DENSE]
    classes = {"c": "Conv2D", "n": "BatchNormalization", "f": "Dense"}
    layers = [
        {"class_name": classes[layer[0]], "config": {"name": f"my_{layer}"}} for layer in order
    ]
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": layers}}))
        archive.writestr("model.weights.h5", content.getvalue())
    assert_equal(weights.read(file), expected)

    (tmp_path / "w.weights.h5").write_bytes(content.getvalue())
    assert read_error(tmp_path / "w.weights.h5").endswith(
        " does not show which convolutions its batch norm layers follow; name these layers norm1 "
        "to norm5, or save the whole model as .keras"
    )


def test_read_bfloat16_of_keras(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    expected = keras3(file, PATHS["as attributes"], {})
    exact = np.array([1.5, -0.25, 3.0, 0.0, -128.0], np.float32)  # a bfloat16 holds them
    with h5py.File(file, "a") as opened:
        del opened["fc6/vars/1"]
        upper = (exact.view(np.uint32) >> 16).astype(np.uint16)
        opened["fc6/vars/1"] = upper.view("V2")
        opened["fc6/vars/1"].attrs["dtype"] = "bfloat16"
    assert_equal(weights.read(file), expected | {"fc6.bias": exact})


@pytest.mark.parametrize("name", ["net.weights.h5", "net.pth", "net.anything"])
def test_the_content_determines_the_format(name: str, tmp_path: Path) -> None:
    weights.write(arrays(), tmp_path / "w.weights.h5")
    (tmp_path / name).write_bytes((tmp_path / "w.weights.h5").read_bytes())
    assert_equal(weights.read(tmp_path / name), arrays())


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    weights.write(arrays(), tmp_path / "a.weights.h5")
    weights.write(dict(reversed(arrays().items())), tmp_path / "b.weights.h5")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


def test_each_array_is_in_the_file_once(tmp_path: Path) -> None:
    weights.write(arrays(), tmp_path / "w.weights.h5")
    total = sum(array.nbytes for array in arrays().values())
    assert (tmp_path / "w.weights.h5").stat().st_size < total + 60_000


def test_invalid_writes_are_rejected(tmp_path: Path) -> None:
    def write_error(name: str, values: dict[str, np.ndarray], **options: Any) -> str:
        with pytest.raises(UserError) as caught:
            weights.write(values, tmp_path / name, **options)
        assert list(tmp_path.iterdir()) == []
        return str(caught.value).replace(str(tmp_path), "…")

    plain = arrays("none")
    without = {name: array for name, array in plain.items() if name != "fc7.bias"}
    assert write_error("w.weights.h5", without) == (
        "missing fc7.bias; a Keras file needs the weights of all layers"
    )
    assert write_error("w.weights.h5", arrays(), layout="indexed") == (
        "the indexed layout has no name for norm1"
    )
    assert write_error("w.keras", plain) == (
        "cannot write …/w.keras: a .keras file contains the model too; use "
        "alexnet.keras.save_model(weights, path, architecture)"
    )
    assert write_error("w.h5", plain) == (
        "cannot write …/w.h5: .h5 files can only be read; use .safetensors or .weights.h5"
    )
    assert "missing norm1.weight" in write_error("w.weights.h5", plain, architecture=NET)
