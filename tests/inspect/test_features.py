"""Extracted features equal `AlexNet.activations` in every format; errors are reported."""

import csv
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from alexnet import AlexNet, UserError
from alexnet.backends import Compute
from alexnet.data.decoding import decode
from alexnet.inspect.extraction import extract_features, resolve_relu

from .conftest import draw


def expected(run, paths, layer):
    """Compute the layer with the network alone, without the code under test."""
    model = AlexNet(run.architecture).eval()
    model.load_weights(run.folder / "best.safetensors")
    crops = [decode(path, 77)[5:72, 5:72] for path in paths]
    x = torch.from_numpy(np.stack(crops).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model.activations((x - 127.5) / 127.5, [layer])[layer].numpy()


def natural_order(images):
    """Return the images in natural order."""
    there = [images / name / f"{i}.png" for name in ("daisy", "rose") for i in range(8, 13)]
    return [images / "$x_{1} 玫瑰\n.png", *there]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("layer", ["fc7", "relu7", "fc8", "conv2", "pool5", "flatten"])
def test_npy_equals_the_activations_of_the_network(command, run, images, tmp_path, layer):
    target = tmp_path / "out.npy"
    call = ("features", run.folder, images, "-o", target, "--layer", layer)
    result = command(*call, "--batch-size", 4)
    assert result.status == 0, result.err
    values, rows = np.load(target), read_csv(tmp_path / "out.csv")
    assert result.out.startswith("11 rows of ")
    assert [row["path"] for row in rows] == [str(path) for path in natural_order(images)]
    assert [row["label"] for row in rows] == [""] + ["daisy"] * 5 + ["rose"] * 5
    assert values.dtype == np.float32
    np.testing.assert_allclose(
        values, expected(run, natural_order(images), layer), rtol=1e-4, atol=1e-5
    )


def test_h5_equals_npy(command, run, images, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    (images / "rose" / "8.png").rename(images / "rose" / name)
    assert command("features", run.folder, images, "-o", tmp_path / "a.npy").status == 0
    assert command("features", run.folder, images, "-o", tmp_path / "a.h5").status == 0
    rows = read_csv(tmp_path / "a.csv")
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["features"][:] == np.load(tmp_path / "a.npy")).all()
        paths = [os.fsdecode(path) for path in file["paths"][:]]
        labels = [os.fsdecode(label) for label in file["labels"][:]]
    assert paths == [row["path"] for row in rows]
    assert any(path.endswith(name) for path in paths)
    assert labels == [row["label"] for row in rows]


def test_parquet_equals_npy(command, run, images, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert command("features", run.folder, images, "-o", tmp_path / "a.npy").status == 0
    assert command("features", run.folder, images, "-o", tmp_path / "a.parquet").status == 0
    read = parquet.read_table(tmp_path / "a.parquet").to_pydict()
    assert (np.array(read["feature"], np.float32) == np.load(tmp_path / "a.npy")).all()
    assert read["path"] == [row["path"] for row in read_csv(tmp_path / "a.csv")]
    assert read["label"] == [None] + ["daisy"] * 5 + ["rose"] * 5


def test_parquet_without_pyarrow_names_the_extra(command, run, images, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    result = command("features", run.folder, images, "-o", tmp_path / "a.parquet")
    assert result.status == 2
    assert "'.[parquet]'" in result.err
    assert result.err.count("\n") == 1
    assert not list(tmp_path.glob("*a.parquet*"))


@pytest.mark.parametrize("suffix", ["npy", "h5"])
def test_unreadable_images_are_skipped_and_named(command, run, images, tmp_path, suffix):
    truncated = images / "daisy" / "9.png"
    truncated.write_bytes(truncated.read_bytes()[:300])
    target = tmp_path / f"out.{suffix}"
    result = command(
        "features", run.folder, images, "-o", target, "--layer", "relu7", "--batch-size", 2
    )
    assert result.status == 0
    assert result.err.startswith("skipped 1 of 11 images, unreadable: ")
    assert str(truncated) in result.err
    readable = [path for path in natural_order(images) if path != truncated]
    if suffix == "npy":
        values, paths = np.load(target), [row["path"] for row in read_csv(tmp_path / "out.csv")]
    else:
        with h5py.File(target) as file:
            values, paths = file["features"][:], [p.decode() for p in file["paths"][:]]
    assert paths == [str(path) for path in readable]
    np.testing.assert_allclose(values, expected(run, readable, "relu7"), rtol=1e-4, atol=1e-5)


def test_no_readable_image_leaves_no_file(command, run, tmp_path):
    (tmp_path / "bad").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "bad" / name).write_text("no image")
    result = command("features", run.folder, tmp_path / "bad", "-o", tmp_path / "out.npy")
    assert result.status == 2
    assert f"cannot read {tmp_path / 'bad' / 'a.png'}: " in result.err
    assert "1 more is unreadable" in result.err
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_unusual_file_names_survive_a_round_trip(command, run, tmp_path):
    names = ["a, b.png", 'quo"te.png', "cr\rend.png", os.fsdecode(b"caf\xe9.png")]
    for seed, name in enumerate(names):
        draw(tmp_path / "p" / name, seed)
    assert command("features", run.folder, tmp_path / "p", "-o", tmp_path / "out.npy").status == 0
    assert sorted(row["path"] for row in read_csv(tmp_path / "out.csv")) == sorted(
        str(tmp_path / "p" / name) for name in names
    )


@pytest.mark.parametrize(
    ("layer", "option", "same_as"),
    [
        ("fc7", "--post-relu", "relu7"),
        ("relu6", "--pre-relu", "fc6"),
        ("conv2", "--post-relu", "relu2"),
        ("relu7", "--post-relu", "relu7"),
    ],
)
def test_pre_and_post_relu(command, run, images, tmp_path, layer, option, same_as):
    call = ("features", run.folder, images)
    assert command(*call, "-o", tmp_path / "a.npy", "--layer", layer, option).status == 0
    assert command(*call, "-o", tmp_path / "b.npy", "--layer", same_as).status == 0
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_post_relu_of_a_layer_without_relu_fails(run):
    for layer in ("fc8", "pool1", "flatten"):
        with pytest.raises(UserError, match="is not followed by a ReLU"):
            resolve_relu(run.architecture, layer, True)


def test_default_output_is_in_the_run_folder(command, run, images):
    expected_file = run.folder / "features" / "images-fc7.npy"
    result = command("features", run.folder, images)
    assert result.status == 0
    assert f"{expected_file}, {expected_file.with_suffix('.csv')}" in result.out
    again = command("features", run.folder, images)
    assert again.status == 2
    expected = "already exists; choose another name, or replace it with --force (force=True)"
    assert expected in again.err
    assert command("features", run.folder, images, "--force").status == 0


def test_existing_csv_is_not_overwritten(command, run, images, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    result = command("features", run.folder, images, "-o", tmp_path / "out.npy")
    assert result.status == 2
    assert "out.csv" in result.err
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "fc17"], "unknown layer 'fc17': did you mean 'fc7'?"),
        (["-o", "features.txt"], ".npy, .h5, .parquet"),
        (["-o", "absent/features.npy"], "no such folder: absent"),
        (["--device", "cuda:9"], "device 'cuda:9' is not available"),
    ],
)
def test_invalid_arguments_exit_with_2(command, run, images, options, message):
    result = command("features", run.folder, images, *options)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_folder_without_images_fails(command, run, tmp_path):
    (tmp_path / "empty").mkdir()
    result = command("features", run.folder, tmp_path / "empty")
    assert result.status == 2
    assert "no images in" in result.err


def test_non_finite_weights_fail_and_leave_no_file(command, make_run, images, tmp_path):
    from alexnet.weights import read, write

    run = make_run()
    arrays = read(run.folder / "best.safetensors")
    arrays["fc7.bias"][0] = np.nan
    write(arrays, run.folder / "best.safetensors")
    result = command("features", run.folder, images, "-o", tmp_path / "out.npy")
    assert result.status == 1
    assert "non-finite" in result.err
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_run_of_another_backend_opens_in_pytorch(make_run, images, tmp_path):
    import dataclasses

    run = dataclasses.replace(make_run(), compute=Compute(backend="jax"))
    extraction = extract_features(run, [images], tmp_path / "out.npy")
    assert extraction.shape == (10,)
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), expected(run, natural_order(images), "fc7"), atol=1e-5
    )
