"""Corrupt and malicious HDF5 and .keras files."""

import io
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from alexnet import weights

from .conftest import Exploit, count_rejected_corruptions, read_error
from .hdf5_files import (
    PATHS,
    archive,
    arrays,
    assert_equal,
    keras3,
    open_without,
)


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5", "w.keras", "w.caffemodel", "w.pth"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_malicious_pickle_of_any_name_is_not_executed(
    name: str, protocol: int, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    (tmp_path / name).write_bytes(pickle.dumps(Exploit(marker), protocol))
    read_error(tmp_path / name)
    assert not marker.exists()
    pickle.loads((tmp_path / name).read_bytes())
    assert marker.exists(), "the exploit works"


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_a_truncated_file_is_rejected(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"net{suffix}"
    if suffix == ".keras":
        archive(file)
    else:
        keras3(file, PATHS["in one container"], {})
    content = file.read_bytes()
    weights.read(file)
    for length in [*range(0, 40), *range(40, len(content) - 1, 997), len(content) - 1]:
        file.write_bytes(content[:length])
        read_error(file)


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_a_corrupt_byte_never_raises_anything_but_user_error(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"net.{kind}"
    if kind == "keras":
        archive(file)
    else:
        keras3(file, PATHS["in one container"], {})
    rejected = count_rejected_corruptions(file, 300)
    assert rejected > 0
    if kind == "keras":
        assert rejected > 200, "a zip file has checksums"


def test_other_networks_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "vgg.weights.h5"
    with h5py.File(file, "w") as opened:
        for i in range(1, 3):
            opened[f"layers/conv2d_{i}/vars/0"] = np.zeros((3, 3, 2, 2), np.float32)
    assert read_error(file) == (
        f"{file} is not an AlexNet: expected 5 convolutions and 3 dense layers, got 2 and 0 "
        f"(conv2d_1, conv2d_2)"
    )
    with h5py.File(file, "w") as opened:
        opened["layers/lstm/vars/0"] = np.zeros((3, 3, 3), np.float32)
    assert "is not an AlexNet: lstm has arrays of [3] dimensions" in read_error(file)
    with h5py.File(file, "w") as opened:
        opened["layers/a\n\x1b[31m/vars/0"] = np.zeros((3, 3, 2, 2), np.float32)
    assert read_error(file).endswith(
        "expected 5 convolutions and 3 dense layers, got 1 and 0 (a\\x0a\\x1b[31m)"
    )
    with h5py.File(file, "w") as opened:
        opened["table"] = np.zeros(3)
    assert "expected 5 convolutions and 3 dense layers, got 0 and 0" in read_error(file)


def test_feature_maps_that_are_not_square_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    keras3(file, PATHS["as attributes"], {})
    with h5py.File(file, "a") as opened:
        del opened["fc6/vars/0"]
        opened["fc6/vars/0"] = np.zeros((2 * 3 * 4, 5), np.float32)
    assert (
        read_error(file)
        == f"{file}: fc6.weight: 24 inputs are not square feature maps with 4 channels"
    )


@pytest.mark.parametrize("path", ["fc7", "fc7/vars", "fc7/vars/0"])
def test_links_are_not_followed(path: str, tmp_path: Path) -> None:
    weights.write(arrays("none"), tmp_path / "secret.h5.weights.h5")
    for link in (
        h5py.ExternalLink("secret.h5.weights.h5", path),
        h5py.SoftLink("/fc6"),
        h5py.SoftLink("/nowhere"),
    ):
        with open_without(tmp_path / "w.weights.h5", path) as opened:
            opened[path] = link
        file = tmp_path / "w.weights.h5"
        assert read_error(file) == f"refused to load {file}: {path} is a link"


def test_arrays_in_other_files_are_not_read(tmp_path: Path) -> None:
    file, secret = tmp_path / "w.weights.h5", tmp_path / "secret"
    secret.write_bytes(b"\1" * 400)
    with open_without(file, "fc7/vars/0") as opened:
        opened["fc7/vars"].create_dataset("0", (5, 7), np.float32, external=[(str(secret), 0, 140)])
    assert read_error(file) == f"refused to load {file}: /fc7/vars/0 refers to another file"
    with open_without(file, "fc7/vars/0") as opened:
        layout = h5py.VirtualLayout((5, 7), np.float32)
        layout[:] = h5py.VirtualSource(str(secret), "x", (5, 7))
        opened["fc7/vars"].create_virtual_dataset("0", layout)
    assert read_error(file) == f"refused to load {file}: /fc7/vars/0 refers to another file"


def test_a_huge_array_without_data_is_not_allocated(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    with open_without(file, "fc8/vars/0") as opened:
        opened["fc8/vars"].create_dataset("0", (7, 2**40), np.float32, chunks=(7, 1024))
    assert ": /fc8/vars/0 claims 30.8 TB in a file of " in read_error(file)


def test_a_cycle_of_groups_is_read(tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    expected = keras3(file, PATHS["as attributes"], {})
    with h5py.File(file, "a") as opened:
        opened["fc8/again"] = opened["/"]
    assert_equal(weights.read(file), expected)


def test_an_endless_heap_is_rejected(tmp_path: Path) -> None:
    """HDF5 itself hangs at it; a single corrupt byte is enough."""
    file = tmp_path / "w.weights.h5"
    keras3(file, PATHS["as attributes"], {"conv1": "conv1"})
    content = bytearray(file.read_bytes())
    heap = content.index(b"GCOL\x01")
    content[heap + 16 : heap + 32] = bytes(16)
    file.write_bytes(content)
    assert read_error(file) == f"{file} has corrupt strings; save or download it again"


def test_a_zip_bomb_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "bomb.keras"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("config.json", "{}")
        opened.writestr("model.weights.h5", b"\0" * 2**24)
    assert read_error(file) == f"refused to load {file}: model.weights.h5 claims 17 MB"


@pytest.mark.parametrize("config", ["", "[]", "{", "[" * 100_000, '{"config": {"layers": [3]}}'])
def test_an_invalid_model_configuration_is_rejected(config: str, tmp_path: Path) -> None:
    file = tmp_path / "net.keras"
    content = io.BytesIO()
    expected = keras3(content, PATHS["in one container"], {})
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("config.json", config)
        opened.writestr("model.weights.h5", content.getvalue())
    if config == "[]":
        assert_equal(weights.read(file), expected)
    else:
        assert read_error(file) == (
            f"{file} is not a valid .keras file, or is truncated; save or download it again"
        )


def test_an_archive_with_paths_outside_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "net.keras"
    archive(file)
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("../out", b"x")
        opened.writestr("assets/../../out", b"x")
    weights.read(file)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "net.keras"]
