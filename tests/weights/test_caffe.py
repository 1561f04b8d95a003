"""Caffe's files, encoded here byte by byte in the wire format of protocol buffers."""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet import AlexNet, architecture, weights

from .conftest import count_rejected_corruptions, read_error

NET = architecture("caffenet", widths=(4, 6, 8, 6, 4), hidden=(5, 7), num_classes=3, image_size=67)
CONVOLUTION, INNER_PRODUCT = 4, 14


def varint(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        encoded.append(low | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def old_blob(array: np.ndarray) -> bytes:
    """Four dimensions in fields of their own, before the data."""
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
    """Encode a network of Caffe.

    Args:
        renamed: Names of layers in the file, by our names.
        changed: Blobs of layers, by our names.
    """
    layer, blob = ENCODERS[encoder]
    values = arrays()
    content = block(1, b"CaffeNet") + layer("data", 5, [])
    for name in ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]:
        kind = CONVOLUTION if name.startswith("conv") else INNER_PRODUCT
        blobs = [blob(values[f"{name}.weight"]), blob(values[f"{name}.bias"])]
        blobs = (changed or {}).get(name, blobs)
        content += layer(f"relu{name[-1]}", 18, [])
        content += layer((renamed or {}).get(name, name), kind, blobs)
    return content


@pytest.mark.parametrize("encoder", ENCODERS)
def test_read_and_load_a_caffemodel(encoder: str, tmp_path: Path) -> None:
    file = tmp_path / "bvlc_reference_caffenet.caffemodel"
    file.write_bytes(caffemodel(encoder))
    loaded = weights.read(file)
    weights.check(loaded, NET)
    for name, array in arrays().items():
        assert np.array_equal(loaded[name], array), name
    model = AlexNet(NET)
    model.load_weights(file)
    assert torch.equal(model.state_dict()["fc8.bias"], torch.from_numpy(arrays()["fc8.bias"]))


def test_layers_with_other_names_are_matched_by_order(tmp_path: Path) -> None:
    file = tmp_path / "flickr.caffemodel"
    file.write_bytes(caffemodel(renamed={"fc8": "fc8_flickr"}))
    assert np.array_equal(weights.read(file)["fc8.weight"], arrays()["fc8.weight"])


@pytest.mark.slow
def test_a_file_truncated_anywhere_is_rejected(tmp_path: Path) -> None:
    content = caffemodel()
    file = tmp_path / "cut.caffemodel"
    for length in range(len(content)):
        file.write_bytes(content[:length])
        read_error(file)
    file.write_bytes(content)
    weights.read(file)


@pytest.mark.parametrize("encoder", ["V1", "new"])
def test_a_corrupt_byte_never_raises_anything_but_user_error(encoder: str, tmp_path: Path) -> None:
    file = tmp_path / "byte.caffemodel"
    file.write_bytes(caffemodel(encoder))
    assert count_rejected_corruptions(file, 400) > 0


def test_other_networks_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "net.caffemodel"
    kernel = new_blob(np.zeros((2, 3, 1, 1), np.float32))
    file.write_bytes(block(1, b"VGG") + new_layer("conv1_1", CONVOLUTION, [kernel]))
    assert read_error(file) == (
        f"{file} is not an AlexNet: expected 5 convolutions and 3 dense layers, got 1 and 0 "
        f"(conv1_1)"
    )
    file.write_bytes(caffemodel("new") + new_layer("scale", 0, [new_blob(np.zeros(2))]))
    assert read_error(file) == f"{file} is not an AlexNet: layer scale of type ReLU has weights"
    file.write_bytes(block(1, b"old") + block(2, block(1, block(1, b"conv1"))))
    assert "has the format of Caffe before 2014" in read_error(file)
    file.write_bytes(b"")
    assert "expected 5 convolutions and 3 dense layers, got 0 and 0" in read_error(file)


def test_a_transposed_dense_layer_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "transposed.caffemodel"
    transposed = [new_blob(arrays()["fc7.weight"].T), new_blob(arrays()["fc7.bias"])]
    file.write_bytes(caffemodel("new", changed={"fc7": transposed}))
    assert read_error(file) == (
        f"{file}: fc7 has 7 inputs, but fc6 before it has 5 outputs; the layers are not in the "
        f"order of an AlexNet"
    )


def test_a_blob_smaller_than_its_shape_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "claim.caffemodel"
    shape = block(7, block(1, varint(2**40) + varint(2**20)))
    file.write_bytes(caffemodel("new", changed={"fc8": [block(5, b"\0" * 8) + shape]}))
    assert read_error(file) == (
        f"{file} is corrupt: fc8.weight with shape ({2**40}, {2**20}) must have {2**62} bytes, "
        f"got 8"
    )
