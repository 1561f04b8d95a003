"""Weights files: round trips, rejected files, and failed writes."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from alexnet import RunError, UserError, weights

from .conftest import Exploit, read_error

ARRAYS = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "conv1.bias": np.array([0.5, -1.5], np.float32),
}


def test_written_weights_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights.write(ARRAYS, file)
    loaded = weights.read(str(file))
    assert set(loaded) == set(ARRAYS)
    assert all(np.array_equal(loaded[name], array) for name, array in ARRAYS.items())
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_transposed_arrays_are_written_by_value(tmp_path: Path) -> None:
    transposed = np.arange(6, dtype=np.float32).reshape(2, 3).T
    weights.write({"fc6.weight": transposed}, tmp_path / "w.safetensors")
    assert np.array_equal(weights.read(tmp_path / "w.safetensors")["fc6.weight"], transposed)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    weights.write(ARRAYS, tmp_path / "a")
    weights.write(dict(reversed(ARRAYS.items())), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", ["torch", "torch-old", "pickle"])
def test_a_malicious_pickle_is_rejected_and_not_executed(kind: str, tmp_path: Path) -> None:
    marker, file = tmp_path / "marker", tmp_path / "weights.pth"
    state = {"conv1.weight": torch.zeros(2), "conv1.bias": Exploit(marker)}
    if kind == "pickle":
        file.write_bytes(pickle.dumps(state))
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "torch")
    message = read_error(file)
    assert not marker.exists()
    assert message == (
        f"refused to load {file}: its pickle is truncated or contains more than arrays, and was "
        f"not executed; save model.state_dict() instead"
    )
    if kind == "pickle":
        pickle.loads(file.read_bytes())
    else:
        torch.load(file, weights_only=False)
    assert marker.exists(), "the exploit works"


def test_a_pickled_model_is_rejected(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    assert "save model.state_dict() instead" in read_error(tmp_path / "model.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".old.pth"])
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_rejected(suffix: str, fraction: float, tmp_path: Path) -> None:
    file = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        weights.write(ARRAYS, file)
    else:
        state = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
        torch.save(state, file, _use_new_zipfile_serialization=suffix == ".pth")
    content = file.read_bytes()
    file.write_bytes(content[: int(fraction * len(content))])
    message = read_error(file)
    assert "truncated" in message


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    content=st.one_of(st.binary(max_size=60), st.text(max_size=20).map(str.encode)),
    suffix=st.sampled_from([".pth", ".safetensors"]),
)
def test_arbitrary_bytes_are_rejected(
    content: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"anything{suffix}"
    file.write_bytes(content)
    read_error(file)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(position=st.integers(0, 10_000), value=st.integers(0, 255), is_torch=st.booleans())
def test_a_corrupt_byte_never_raises_anything_but_user_error(
    position: int, value: int, is_torch: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"byte{'.pth' if is_torch else '.safetensors'}"
    if is_torch:
        torch.save({name: torch.from_numpy(array) for name, array in ARRAYS.items()}, file)
    else:
        file.write_bytes(save(ARRAYS))
    content = bytearray(file.read_bytes())
    content[position % len(content)] = value
    file.write_bytes(content)
    try:
        loaded = weights.read(file)
    except UserError:
        return
    assert all(array.dtype == np.float32 for array in loaded.values())


def test_missing_files_and_folders_are_rejected(tmp_path: Path) -> None:
    assert read_error(tmp_path / "none.pth") == f"no such weights file: {tmp_path / 'none.pth'}"
    assert read_error(tmp_path) == f"{tmp_path} is a folder, not a weights file"
    (tmp_path / "best.safetensors").touch()
    best = tmp_path / "best.safetensors"
    assert read_error(tmp_path) == f"{tmp_path} is a run folder; use {best}"


@pytest.mark.parametrize("name", ["broken.jpg", "page.pth", "notes"])
def test_files_of_other_formats_are_rejected(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("<html>Not found</html>")
    assert read_error(tmp_path / name) == (
        f"{tmp_path / name} is not a weights file; supported formats: "
        ".safetensors, .pth, .pt, .weights.h5, .h5, .keras, .caffemodel"
    )


def test_pickles_without_weights_are_rejected(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    assert read_error(tmp_path / "list.pth") == (
        f"{tmp_path / 'list.pth'} contains a list, not a state dict"
    )
    torch.save({"epoch": 3}, tmp_path / "epoch.pth")
    assert read_error(tmp_path / "epoch.pth") == (
        f"{tmp_path / 'epoch.pth'}: epoch is not an array of floating-point numbers"
    )


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(2, np.int64),
        np.zeros(2, np.complex64),
        np.array(["a"]),
        torch.zeros(2, dtype=torch.int8),
        torch.zeros(2, dtype=torch.complex64),
        torch.zeros(2, dtype=torch.bool),
        [0.0, 1.0],
        None,
    ],
    ids=str,
)
def test_values_that_are_not_floating_point_arrays_are_rejected(value: Any) -> None:
    expected = "state dict: conv1.bias is not an array of floating-point numbers"
    assert read_error({"conv1.bias": value}) == expected


def test_keys_that_are_not_strings_are_rejected() -> None:
    assert (
        read_error({3: np.zeros(2)}) == "state dict: the name of an array must be a string, got 3"
    )


def test_parameters_that_require_gradients_can_be_read() -> None:
    tensor = torch.nn.Parameter(torch.ones(2))
    assert weights.read({"conv1.bias": tensor})["conv1.bias"].tolist() == [1, 1]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.safetensors"
    weights.write(ARRAYS, file)
    before = file.read_bytes()

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    targets = {"write": (Path, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}
    monkeypatch.setattr(*targets[step], full)
    with pytest.raises(RunError) as caught:
        weights.write({"conv1.bias": np.zeros(2, np.float32)}, file)
    monkeypatch.undo()
    assert str(caught.value) == f"cannot write {file}: No space left on device"
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_unwritable_paths_raise_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reasons = {
        tmp_path / "none" / "w.safetensors": "No such file or directory",
        tmp_path / "file" / "w.safetensors": "Not a directory",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path: "Is a directory",
    }
    for path, reason in reasons.items():
        with pytest.raises(RunError) as caught:
            weights.write(ARRAYS, path)
        assert str(caught.value) == f"cannot write {path}: {reason}"
