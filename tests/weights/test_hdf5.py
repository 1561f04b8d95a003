"""HDF5 and .keras files: what Keras may have written, and what someone may have forged."""

import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from alexnet import UserError, architecture, weights

from .conftest import refused_with_a_wrong_byte

NET = architecture(
    "half", widths=(4, 6, 8, 6, 4), hidden=(5, 7), num_classes=3, image_size=127, norm="batch"
)
CONVS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
DENSE = ["fc6", "fc7", "fc8"]


def said(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        weights.read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def arrays(norm: str = "batch", layers: tuple[int, ...] = (1, 2)) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    net = architecture(NET, norm=norm, norm_layers=layers)
    shapes = net.weight_shapes.items()
    return {name: generator.standard_normal(shape, np.float32) for name, shape in shapes}


def by_hand(found: Mapping[str, np.ndarray], layer: str) -> list[np.ndarray]:
    """A layer's variables as Keras has them, written out once more for these tests."""
    own = {name.partition(".")[2]: a for name, a in found.items() if name.startswith(layer)}
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
    path: Any, places: Mapping[str, str], names: Mapping[str, str], norm: str = "none"
) -> dict[str, np.ndarray]:
    """A `.weights.h5` with each layer's variables at a place, under a name of its own."""
    found = arrays(norm)
    with h5py.File(path, "w") as file:
        for layer, place in places.items():
            group = file.create_group(f"{place}/vars")
            if layer in names:
                group.attrs["name"] = names[layer]
            for number, array in enumerate(by_hand(found, layer)):
                group[str(number)] = array
    return found


def same(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert np.array_equal(found[name], array), name


def numbered(stem: str, number: int) -> str:
    return f"{stem}_{number}" if number else stem


PLACES = {
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


@pytest.mark.parametrize("places", PLACES)
def test_layers_without_names_go_by_their_places(places: str, tmp_path: Path) -> None:
    expected = keras3(tmp_path / "w.weights.h5", PLACES[places], {})
    same(weights.read(tmp_path / "w.weights.h5"), expected)


def test_names_go_before_places(tmp_path: Path) -> None:
    places = {layer: f"layers/conv2d_{9 - i}" for i, layer in enumerate(CONVS)}
    places |= {layer: f"layers/dense_{9 - i}" for i, layer in enumerate(DENSE)}
    expected = keras3(tmp_path / "w.weights.h5", places, {name: name for name in places})
    same(weights.read(tmp_path / "w.weights.h5"), expected)


def test_attributes_in_no_order_go_by_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    attributes = ["stem", "widen", "deep", "more", "last", "hidden", "second", "head"]
    places = dict(zip(CONVS + DENSE, attributes, strict=True))
    names = {layer: f"conv2d_{8 + i}" for i, layer in enumerate(CONVS)}
    names |= {layer: numbered("dense", i) for i, layer in enumerate(DENSE)}
    expected = keras3(tmp_path / "w.weights.h5", places, names)
    same(weights.read(tmp_path / "w.weights.h5"), expected)


def test_a_whole_model_tells_which_layer_a_norm_follows(tmp_path: Path) -> None:
    places = dict(PLACES["in one container"])
    places |= {"norm1": "layers/batch_normalization", "norm2": "layers/batch_normalization_1"}
    content = io.BytesIO()
    expected = keras3(content, places, {}, norm="batch")
    order = ["conv1", "norm1", "conv2", "norm2", "conv3", "conv4", "conv5", *DENSE]
    classes = {"c": "Conv2D", "n": "BatchNormalization", "f": "Dense"}
    layers = [
        {"class_name": classes[layer[0]], "config": {"name": f"my_{layer}"}} for layer in order
    ]
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": layers}}))
        archive.writestr("model.weights.h5", content.getvalue())
    same(weights.read(file), expected)

    (tmp_path / "w.weights.h5").write_bytes(content.getvalue())
    assert said(tmp_path / "w.weights.h5").endswith(
        "it cannot be told which convolutions the batch norms follow; name the layers norm1 to "
        "norm5, or save the whole model as .keras"
    )


def test_half_precision_of_keras(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    expected = keras3(file, PLACES["as attributes"], {})
    exact = np.array([1.5, -0.25, 3.0, 0.0, -128.0], np.float32)  # a bfloat16 holds them
    with h5py.File(file, "a") as opened:
        del opened["fc6/vars/1"]
        upper = (exact.view(np.uint32) >> 16).astype(np.uint16)
        opened["fc6/vars/1"] = upper.view("V2")
        opened["fc6/vars/1"].attrs["dtype"] = "bfloat16"
    same(weights.read(file), expected | {"fc6.bias": exact})


@pytest.mark.parametrize("name", ["net.weights.h5", "net.pth", "net.anything"])
def test_the_content_tells_the_format(name: str, tmp_path: Path) -> None:
    weights.write(arrays(), tmp_path / "w.weights.h5")
    (tmp_path / name).write_bytes((tmp_path / "w.weights.h5").read_bytes())
    same(weights.read(tmp_path / name), arrays())


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    weights.write(arrays(), tmp_path / "a.weights.h5")
    weights.write(dict(reversed(arrays().items())), tmp_path / "b.weights.h5")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


def test_each_array_is_in_the_file_once(tmp_path: Path) -> None:
    weights.write(arrays(), tmp_path / "w.weights.h5")
    total = sum(array.nbytes for array in arrays().values())
    assert (tmp_path / "w.weights.h5").stat().st_size < total + 60_000


def test_what_cannot_be_written(tmp_path: Path) -> None:
    def refused(name: str, found: dict[str, np.ndarray], **more: Any) -> str:
        with pytest.raises(UserError) as caught:
            weights.write(found, tmp_path / name, **more)
        assert list(tmp_path.iterdir()) == []
        return str(caught.value).replace(str(tmp_path), "…")

    plain = arrays("none")
    without = {name: array for name, array in plain.items() if name != "fc7.bias"}
    assert refused("w.weights.h5", without) == "a Keras file needs fc7.bias, which is missing"
    assert refused("w.weights.h5", arrays(), layout="indexed") == (
        "the indexed layout has no name for norm1"
    )
    assert refused("w.keras", plain) == (
        "…/w.keras: a .keras file holds the model too, so say of what it is: "
        "write(weights, path, architecture=…)"
    )
    assert refused("w.h5", plain) == (
        "…/w.h5: .h5 files are read and not written; end the name in .safetensors, .weights.h5 "
        "or .keras"
    )
    assert "missing norm1.weight" in refused("w.weights.h5", plain, architecture=NET)


class Intruder:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5", "w.keras", "w.caffemodel", "w.pth"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_by_any_name_is_not_run(name: str, protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / name).write_bytes(pickle.dumps(Intruder(marker), protocol))
    said(tmp_path / name)
    assert not marker.exists()
    pickle.loads((tmp_path / name).read_bytes())
    assert marker.exists(), "the file does what the test is about"


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_a_file_cut_short(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"net{suffix}"
    if suffix == ".keras":
        archive(file)
    else:
        keras3(file, PLACES["in one container"], {})
    content = file.read_bytes()
    weights.read(file)
    for length in [*range(0, 40), *range(40, len(content) - 1, 997), len(content) - 1]:
        file.write_bytes(content[:length])
        said(file)


def archive(file: Path, compression: int = zipfile.ZIP_STORED) -> None:
    content = io.BytesIO()
    keras3(content, PLACES["in one container"], {})
    with zipfile.ZipFile(file, "w", compression) as opened:
        opened.writestr("config.json", "{}")
        opened.writestr("model.weights.h5", content.getvalue())


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_one_wrong_byte_is_never_a_traceback(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"net.{kind}"
    if kind == "keras":
        archive(file)
    else:
        keras3(file, PLACES["in one container"], {})
    refused = refused_with_a_wrong_byte(file, 300)
    assert refused > 0
    if kind == "keras":
        assert refused > 200, "a zip file has checksums"


def test_a_file_that_is_no_alexnet(tmp_path: Path) -> None:
    file = tmp_path / "vgg.weights.h5"
    with h5py.File(file, "w") as opened:
        for i in range(1, 3):
            opened[f"layers/conv2d_{i}/vars/0"] = np.zeros((3, 3, 2, 2), np.float32)
    assert said(file) == (
        f"{file} is no AlexNet: it holds 2 convolutions and 0 dense layers where 5 and 3 are "
        f"expected (conv2d_1, conv2d_2)"
    )
    with h5py.File(file, "w") as opened:
        opened["layers/lstm/vars/0"] = np.zeros((3, 3, 3), np.float32)
    assert "is no AlexNet: lstm has arrays of [3] dimensions" in said(file)
    with h5py.File(file, "w") as opened:
        opened["layers/a\n\x1b[31m/vars/0"] = np.zeros((3, 3, 2, 2), np.float32)
    assert said(file).endswith(
        "1 convolution and 0 dense layers where 5 and 3 are expected (a\\x0a\\x1b[31m)"
    )
    with h5py.File(file, "w") as opened:
        opened["table"] = np.zeros(3)
    assert "is no AlexNet: it holds 0 convolutions and 0 dense layers" in said(file)


def test_maps_that_are_not_square(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    keras3(file, PLACES["as attributes"], {})
    with h5py.File(file, "a") as opened:
        del opened["fc6/vars/0"]
        opened["fc6/vars/0"] = np.zeros((2 * 3 * 4, 5), np.float32)
    assert said(file) == f"{file}: fc6.weight: 24 inputs are not square maps of 4 channels"


def forged(file: Path, target: str) -> h5py.File:
    keras3(file, PLACES["as attributes"], {})
    opened = h5py.File(file, "a")
    del opened[target]
    return opened


@pytest.mark.parametrize("place", ["fc7", "fc7/vars", "fc7/vars/0"])
def test_links_are_not_followed(place: str, tmp_path: Path) -> None:
    weights.write(arrays("none"), tmp_path / "secret.h5.weights.h5")
    for link in (
        h5py.ExternalLink("secret.h5.weights.h5", place),
        h5py.SoftLink("/fc6"),
        h5py.SoftLink("/nowhere"),
    ):
        with forged(tmp_path / "w.weights.h5", place) as opened:
            opened[place] = link
        assert said(tmp_path / "w.weights.h5").endswith(
            f"is refused: {place} is a link, which is not followed"
        )


def test_numbers_in_another_file_are_not_read(tmp_path: Path) -> None:
    file, secret = tmp_path / "w.weights.h5", tmp_path / "secret"
    secret.write_bytes(b"\1" * 400)
    with forged(file, "fc7/vars/0") as opened:
        opened["fc7/vars"].create_dataset("0", (5, 7), np.float32, external=[(str(secret), 0, 140)])
    assert "is refused: /fc7/vars/0 lies in another file, which is not read" in said(file)
    with forged(file, "fc7/vars/0") as opened:
        layout = h5py.VirtualLayout((5, 7), np.float32)
        layout[:] = h5py.VirtualSource(str(secret), "x", (5, 7))
        opened["fc7/vars"].create_virtual_dataset("0", layout)
    assert "is refused: /fc7/vars/0 lies in another file, which is not read" in said(file)


def test_a_vast_array_that_is_not_there_is_not_allocated(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    with forged(file, "fc8/vars/0") as opened:
        opened["fc8/vars"].create_dataset("0", (7, 2**40), np.float32, chunks=(7, 1024))
    assert "is refused: /fc8/vars/0 claims 30.8 TB in a file of " in said(file)


def test_a_group_that_holds_itself(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    expected = keras3(file, PLACES["as attributes"], {})
    with h5py.File(file, "a") as opened:
        opened["fc8/again"] = opened["/"]
    same(weights.read(file), expected)


def test_a_heap_that_never_ends(tmp_path: Path) -> None:
    """HDF5 itself stands still at it; a wrong byte is enough."""
    file = tmp_path / "w.weights.h5"
    keras3(file, PLACES["as attributes"], {"conv1": "conv1"})
    content = bytearray(file.read_bytes())
    heap = content.index(b"GCOL\x01")
    content[heap + 16 : heap + 32] = bytes(16)
    file.write_bytes(content)
    assert said(file) == f"{file} is damaged in its texts; save or download it again"


def test_an_archive_that_would_fill_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "bomb.keras"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("config.json", "{}")
        opened.writestr("model.weights.h5", b"\0" * 2**24)
    assert said(file) == f"{file} is refused: its model.weights.h5 claims 17 MB"


@pytest.mark.parametrize("config", ["", "[]", "{", "[" * 100_000, '{"config": {"layers": [3]}}'])
def test_a_configuration_that_is_none(config: str, tmp_path: Path) -> None:
    file = tmp_path / "net.keras"
    content = io.BytesIO()
    expected = keras3(content, PLACES["in one container"], {})
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("config.json", config)
        opened.writestr("model.weights.h5", content.getvalue())
    if config == "[]":
        same(weights.read(file), expected)
    else:
        assert said(file) == f"{file} is not a complete .keras file; save or download it again"


def test_an_archive_with_a_path_out_of_it_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "net.keras"
    archive(file)
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("../out", b"x")
        opened.writestr("assets/../../out", b"x")
    weights.read(file)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "net.keras"]
