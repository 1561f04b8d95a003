"""Weight files: what is in them, what is refused, and what is left after a failure."""

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

ARRAYS = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "conv1.bias": np.array([0.5, -1.5], np.float32),
}


def said(source: Any) -> str:
    """What reading it says, in one line."""
    with pytest.raises(UserError) as caught:
        weights.read(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights.write(ARRAYS, file)
    found = weights.read(str(file))
    assert set(found) == set(ARRAYS)
    assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items())
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_arrays_in_any_memory_order_are_written_as_they_read(tmp_path: Path) -> None:
    turned = {"fc6.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    weights.write(turned, tmp_path / "w.safetensors")
    assert np.array_equal(
        weights.read(tmp_path / "w.safetensors")["fc6.weight"], turned["fc6.weight"]
    )


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    weights.write(ARRAYS, tmp_path / "a")
    weights.write(dict(reversed(ARRAYS.items())), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Intruder:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("kind", ["torch", "torch-old", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_and_not_run(kind: str, tmp_path: Path) -> None:
    marker, file = tmp_path / "marker", tmp_path / "weights.pth"
    state = {"conv1.weight": torch.zeros(2), "conv1.bias": Intruder(marker)}
    if kind == "pickle":
        file.write_bytes(pickle.dumps(state))
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "torch")
    message = said(file)
    assert not marker.exists()
    assert message.startswith(f"{file} is refused: it is a pickle")
    assert message.endswith("nothing of it was run; save model.state_dict() instead")
    if kind == "pickle":
        pickle.loads(file.read_bytes())
    else:
        torch.load(file, weights_only=False)
    assert marker.exists(), "the file does what the test is about"


def test_a_whole_model_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    assert "save model.state_dict() instead" in said(tmp_path / "model.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".old.pth"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_is_cut_short(suffix: str, share: float, tmp_path: Path) -> None:
    file = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        weights.write(ARRAYS, file)
    else:
        state = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
        torch.save(state, file, _use_new_zipfile_serialization=suffix == ".pth")
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    message = said(file)
    assert message.startswith(str(file))
    assert "is not a complete" in message or "cut short" in message


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    content=st.one_of(st.binary(max_size=60), st.text(max_size=20).map(str.encode)),
    suffix=st.sampled_from([".pth", ".safetensors"]),
)
def test_bytes_that_are_anything(
    content: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"anything{suffix}"
    file.write_bytes(content)
    assert said(file).startswith(str(file))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255), is_torch=st.booleans())
def test_one_wrong_byte_is_never_a_traceback(
    place: int, value: int, is_torch: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"byte{'.pth' if is_torch else '.safetensors'}"
    if is_torch:
        torch.save({name: torch.from_numpy(array) for name, array in ARRAYS.items()}, file)
    else:
        file.write_bytes(save(ARRAYS))
    content = bytearray(file.read_bytes())
    content[place % len(content)] = value
    file.write_bytes(content)
    try:
        found = weights.read(file)
    except UserError:
        return
    assert all(array.dtype == np.float32 for array in found.values())


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert said(tmp_path / "none.pth") == f"{tmp_path / 'none.pth'}: no such weights file"
    assert said(tmp_path) == f"{tmp_path} is a folder and neither a run nor a weights file"


@pytest.mark.parametrize("name", ["broken.jpg", "page.pth", "notes"])
def test_a_file_of_another_kind_is_called_no_pickle(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("<html>Not found</html>")
    assert said(tmp_path / name) == (
        f"{tmp_path / name} is not a weights file; these are read: "
        ".safetensors, .pth, .pt, .weights.h5, .h5, .keras, .caffemodel"
    )


def test_contents_that_are_no_weights(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    assert (
        said(tmp_path / "list.pth") == f"{tmp_path / 'list.pth'} holds a list and not a state dict"
    )
    torch.save({"epoch": 3}, tmp_path / "epoch.pth")
    assert said(tmp_path / "epoch.pth") == (
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
def test_values_that_are_no_floating_point_arrays(value: Any) -> None:
    expected = "state dict: conv1.bias is not an array of floating-point numbers"
    assert said({"conv1.bias": value}) == expected


def test_keys_that_are_no_names() -> None:
    assert said({3: np.zeros(2)}) == "state dict: 3 is not the name of an array"


def test_tensors_that_are_trained_can_be_read() -> None:
    tensor = torch.nn.Parameter(torch.ones(2))
    found = weights.read({"conv1.bias": tensor})
    assert found["conv1.bias"].tolist() == [1, 1]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
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


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    places = {
        tmp_path / "none" / "w.safetensors": "No such file or directory",
        tmp_path / "file" / "w.safetensors": "Not a directory",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path: "Is a directory",
    }
    for place, reason in places.items():
        with pytest.raises(RunError) as caught:
            weights.write(ARRAYS, place)
        assert str(caught.value) == f"cannot write {place}: {reason}"
