"""`.keras` files from weights: what they contain, and failed writes."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from alexnet import RunError, UserError, architecture, weights
from alexnet.keras import read_weights, save_model

NET = architecture(
    "half", widths=4, hidden=5, num_classes=3, norm="batch", groups=(1, 2, 1, 2, 2), image_size=63
)
ARRAYS = weights.initial(NET, seed=0)


def test_a_saved_model_contains_its_weights(tmp_path: Path) -> None:
    file = tmp_path / "net.keras"
    save_model(ARRAYS, str(file), NET)
    for loaded in (weights.read(file), read_weights(keras.models.load_model(file))):
        assert set(loaded) == set(ARRAYS)
        assert all(np.array_equal(loaded[name], array) for name, array in ARRAYS.items())
    assert [path.name for path in tmp_path.iterdir()] == ["net.keras"]


def test_invalid_arguments_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^the name of a Keras model file must end in \.keras, "):
        save_model(ARRAYS, tmp_path / "net.h5", NET)
    plain = weights.initial(architecture(NET, norm="none"), 0)
    with pytest.raises(UserError, match=r"do not fit the Keras model .*: missing norm1"):
        save_model(plain, tmp_path / "net.keras", NET)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "net.keras"
    file.write_text("old")

    def full(*_: Any) -> Any:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError) as caught:
        save_model(ARRAYS, file, NET)
    assert str(caught.value) == f"cannot write {file}: No space left on device"
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
