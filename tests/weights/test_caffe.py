"""Caffe's files, written here byte by byte as the protocol buffers' wire format has it."""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet import AlexNet, UserError, architecture, weights

from .conftest import refused_with_a_wrong_byte

NET = architecture("caffenet", widths=(4, 6, 8, 6, 4), hidden=(5, 7), num_classes=3, image_size=67)
CONVOLUTION, INNER_PRODUCT = 4, 14


def varint(value: int) -> bytes:
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def old_blob(array: np.ndarray) -> bytes:
    """Always four dimensions, as numbers of their own, before the data."""
    shape = (1,) * (4 - array.ndim) + array.shape
    sizes = b"".join(number(field, size) for field, size in enumerate(shape, start=1))
    return sizes + block(5, struct.pack(f"<{array.size}f", *array.ravel()))


def new_blob(array: np.ndarray) -> bytes:
    shape = block(1, b"".join(varint(size) for size in array.shape))
    return block(5, struct.pack(f"<{array.size}f", *array.ravel())) + block(7, shape)


def double_blob(array: np.ndarray) -> bytes:
    shape = b"".join(number(1, size) for size in array.shape)
    return block(7, shape) + block(8, struct.pack(f"<{array.size}d", *array.ravel()))


def old_layer(name: str, kind: int, blobs: Iterable[bytes]) -> bytes:
    content = block(2, b"data") + block(4, name.encode()) + number(5, kind)
    return block(2, content + b"".join(block(6, blob) for blob in blobs))


def new_layer(name: str, kind: int, blobs: Iterable[bytes]) -> bytes:
    types = {CONVOLUTION: b"Convolution", INNER_PRODUCT: b"InnerProduct"}
    content = block(1, name.encode()) + block(2, types.get(kind, b"ReLU")) + number(10, 1)
    return block(100, content + b"".join(block(7, blob) for blob in blobs))


ENCODERS = {
    "V1": (old_layer, old_blob),
    "new": (new_layer, new_blob),
    "new in double": (new_layer, double_blob),
    "new with old blobs": (new_layer, old_blob),
}


def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = NET.weight_shapes.items()
    return {name: generator.standard_normal(shape, np.float32) for name, shape in shapes}


def caffemodel(
    encoder: str = "V1",
    renamed: Mapping[str, str] | None = None,
    changed: Mapping[str, list[bytes]] | None = None,
) -> bytes:
    """
    Args:
        renamed: layers with another name than ours.
        changed: layers with other blobs.
    """
    layer, blob = ENCODERS[encoder]
    found = arrays()
    content = block(1, b"CaffeNet") + layer("data", 5, [])
    for name in ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]:
        kind = CONVOLUTION if name.startswith("conv") else INNER_PRODUCT
        blobs = [blob(found[f"{name}.weight"]), blob(found[f"{name}.bias"])]
        blobs = (changed or {}).get(name, blobs)
        content += layer(f"relu{name[-1]}", 18, [])
        content += layer((renamed or {}).get(name, name), kind, blobs)
    return content


def said(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        weights.read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_a_caffemodel_holds(encoder: str, tmp_path: Path) -> None:
    file = tmp_path / "bvlc_reference_caffenet.caffemodel"
    file.write_bytes(caffemodel(encoder))
    found = weights.read(file)
    weights.check(found, NET)
    for name, array in arrays().items():
        assert np.array_equal(found[name], array), name
    model = AlexNet(NET)
    model.load_weights(file)
    assert torch.equal(model.state_dict()["fc8.bias"], torch.from_numpy(arrays()["fc8.bias"]))


def test_a_fine_tuned_net_has_a_last_layer_of_another_name(tmp_path: Path) -> None:
    file = tmp_path / "flickr.caffemodel"
    file.write_bytes(caffemodel(renamed={"fc8": "fc8_flickr"}))
    assert np.array_equal(weights.read(file)["fc8.weight"], arrays()["fc8.weight"])


def test_a_file_cut_at_any_place_is_refused(tmp_path: Path) -> None:
    content = caffemodel()
    file = tmp_path / "cut.caffemodel"
    for length in range(len(content)):
        file.write_bytes(content[:length])
        said(file)
    file.write_bytes(content)
    weights.read(file)


@pytest.mark.parametrize("encoder", ["V1", "new"])
def test_one_wrong_byte_is_never_a_traceback(encoder: str, tmp_path: Path) -> None:
    file = tmp_path / "byte.caffemodel"
    file.write_bytes(caffemodel(encoder))
    assert refused_with_a_wrong_byte(file, 400) > 0


def test_nets_that_are_no_alexnet(tmp_path: Path) -> None:
    file = tmp_path / "net.caffemodel"
    kernel = new_blob(np.zeros((2, 3, 1, 1), np.float32))
    file.write_bytes(block(1, b"VGG") + new_layer("conv1_1", CONVOLUTION, [kernel]))
    assert said(file) == (
        f"{file} is no AlexNet: it holds 1 convolution and 0 dense layers where 5 and 3 are "
        f"expected (conv1_1)"
    )
    file.write_bytes(caffemodel("new") + new_layer("scale", 0, [new_blob(np.zeros(2))]))
    assert said(file) == f"{file} is no AlexNet: its layer scale has weights, of type ReLU"
    file.write_bytes(block(1, b"old") + block(2, block(1, block(1, b"conv1"))))
    assert "is in Caffe's oldest format" in said(file)
    file.write_bytes(b"")
    assert "is no AlexNet: it holds 0 convolutions and 0 dense layers" in said(file)


def test_layers_that_do_not_follow_each_other(tmp_path: Path) -> None:
    """A dense layer that Caffe kept the other way around is not taken for one as it should be."""
    file = tmp_path / "turned.caffemodel"
    turned = [new_blob(arrays()["fc7.weight"].T), new_blob(arrays()["fc7.bias"])]
    file.write_bytes(caffemodel("new", changed={"fc7": turned}))
    assert said(file) == (
        f"{file}: fc7 takes 7 values and fc6 gives 5, so the layers are not in an AlexNet's order"
    )


def test_a_blob_that_claims_more_than_it_has(tmp_path: Path) -> None:
    file = tmp_path / "claim.caffemodel"
    shape = block(7, block(1, varint(2**40) + varint(2**20)))
    file.write_bytes(caffemodel("new", changed={"fc8": [block(5, b"\0" * 8) + shape]}))
    assert said(file) == (
        f"{file}: fc8.weight of shape ({2**40}, {2**20}) should take {2**62} bytes and has 8"
    )
