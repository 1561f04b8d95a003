"""Features against `AlexNet.activations`, in every format, with whatever goes wrong."""

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
from alexnet.inspect.extraction import features, with_relu

from .conftest import draw


def expected(run, paths, layer):
    """What the network itself says, image by image, with no code of ours between."""
    model = AlexNet(run.architecture).eval()
    model.load_weights(run.folder / "best.safetensors")
    crops = [decode(path, 77)[5:72, 5:72] for path in paths]
    x = torch.from_numpy(np.stack(crops).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model.activations((x - 127.5) / 127.5, [layer])[layer].numpy()


def in_order(images):
    """As a person would list them: numbers by their size."""
    there = [images / name / f"{i}.png" for name in ("daisy", "rose") for i in range(8, 13)]
    return [images / "$x_{1} 玫瑰\n.png", *there]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("layer", ["fc7", "relu7", "fc8", "conv2", "pool5", "flatten"])
def test_npy_is_what_the_network_makes(command, run, images, tmp_path, layer):
    target = tmp_path / "out.npy"
    call = ("features", run.folder, images, "-o", target, "--layer", layer)
    found = command(*call, "--batch-size", 4)
    assert found.status == 0, found.err
    values, rows = np.load(target), table(tmp_path / "out.csv")
    assert found.out.startswith("11 rows of ")
    assert [row["path"] for row in rows] == [str(path) for path in in_order(images)]
    assert [row["label"] for row in rows] == [""] + ["daisy"] * 5 + ["rose"] * 5
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected(run, in_order(images), layer), rtol=1e-4, atol=1e-5)


def test_h5_holds_the_same(command, run, images, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    (images / "rose" / "8.png").rename(images / "rose" / name)
    assert command("features", run.folder, images, "-o", tmp_path / "a.npy").status == 0
    assert command("features", run.folder, images, "-o", tmp_path / "a.h5").status == 0
    rows = table(tmp_path / "a.csv")
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["features"][:] == np.load(tmp_path / "a.npy")).all()
        paths = [os.fsdecode(path) for path in file["paths"][:]]
        labels = [os.fsdecode(label) for label in file["labels"][:]]
    assert paths == [row["path"] for row in rows]
    assert any(path.endswith(name) for path in paths)
    assert labels == [row["label"] for row in rows]


def test_parquet_holds_the_same(command, run, images, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert command("features", run.folder, images, "-o", tmp_path / "a.npy").status == 0
    assert command("features", run.folder, images, "-o", tmp_path / "a.parquet").status == 0
    read = parquet.read_table(tmp_path / "a.parquet").to_pydict()
    assert (np.array(read["feature"], np.float32) == np.load(tmp_path / "a.npy")).all()
    assert read["path"] == [row["path"] for row in table(tmp_path / "a.csv")]
    assert read["label"] == [None] + ["daisy"] * 5 + ["rose"] * 5


def test_parquet_without_its_library_names_the_extra(command, run, images, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    found = command("features", run.folder, images, "-o", tmp_path / "a.parquet")
    assert found.status == 2
    assert "'.[parquet]'" in found.err
    assert found.err.count("\n") == 1
    assert not list(tmp_path.glob("*a.parquet*"))


@pytest.mark.parametrize("ending", ["npy", "h5"])
def test_unreadable_images_are_left_out_and_named(command, run, images, tmp_path, ending):
    broken = images / "daisy" / "9.png"
    broken.write_bytes(broken.read_bytes()[:300])
    target = tmp_path / f"out.{ending}"
    found = command(
        "features", run.folder, images, "-o", target, "--layer", "relu7", "--batch-size", 2
    )
    assert found.status == 0
    assert found.err.startswith("1 of 11 images left out, unreadable: ")
    assert str(broken) in found.err
    whole = [path for path in in_order(images) if path != broken]
    if ending == "npy":
        values, paths = np.load(target), [row["path"] for row in table(tmp_path / "out.csv")]
    else:
        with h5py.File(target) as file:
            values, paths = file["features"][:], [p.decode() for p in file["paths"][:]]
    assert paths == [str(path) for path in whole]
    np.testing.assert_allclose(values, expected(run, whole, "relu7"), rtol=1e-4, atol=1e-5)


def test_not_one_readable_image_leaves_no_file(command, run, tmp_path):
    (tmp_path / "bad").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "bad" / name).write_text("no image")
    found = command("features", run.folder, tmp_path / "bad", "-o", tmp_path / "out.npy")
    assert found.status == 2
    assert "a.png cannot be read: " in found.err
    assert "1 more cannot be read either" in found.err
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_names_can_be_read_back_whatever_they_are(command, run, tmp_path):
    names = ["a, b.png", 'quo"te.png', "cr\rend.png", os.fsdecode(b"caf\xe9.png")]
    for seed, name in enumerate(names):
        draw(tmp_path / "p" / name, seed)
    assert command("features", run.folder, tmp_path / "p", "-o", tmp_path / "out.npy").status == 0
    assert sorted(row["path"] for row in table(tmp_path / "out.csv")) == sorted(
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
def test_before_and_behind_the_relu(command, run, images, tmp_path, layer, option, same_as):
    call = ("features", run.folder, images)
    assert command(*call, "-o", tmp_path / "a.npy", "--layer", layer, option).status == 0
    assert command(*call, "-o", tmp_path / "b.npy", "--layer", same_as).status == 0
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_layers_without_a_relu_of_their_own(run):
    for layer in ("fc8", "pool1", "flatten"):
        with pytest.raises(UserError, match="has no ReLU of its own"):
            with_relu(run.architecture, layer, True)


def test_without_a_place_it_goes_into_the_run(command, run, images):
    expected_file = run.folder / "features" / "images-fc7.npy"
    found = command("features", run.folder, images)
    assert found.status == 0
    assert f"{expected_file}, {expected_file.with_suffix('.csv')}" in found.out
    again = command("features", run.folder, images)
    assert again.status == 2
    assert "exists already; give another name, or replace it (--force, force=True)" in again.err
    assert command("features", run.folder, images, "--force").status == 0


def test_the_table_of_names_is_not_overwritten_either(command, run, images, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    found = command("features", run.folder, images, "-o", tmp_path / "out.npy")
    assert found.status == 2
    assert "out.csv" in found.err
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--layer", "fc17"], "unknown layer 'fc17': did you mean 'fc7'?"),
        (["-o", "features.txt"], ".npy, .h5, .parquet"),
        (["-o", "absent/features.npy"], "there is no folder absent"),
        (["--device", "cuda:9"], "is not on this machine"),
    ],
)
def test_wrong_calls(command, run, images, options, says):
    found = command("features", run.folder, images, *options)
    assert found.status == 2
    assert says in found.err
    assert found.err.count("\n") == 1


def test_a_folder_without_images(command, run, tmp_path):
    (tmp_path / "empty").mkdir()
    found = command("features", run.folder, tmp_path / "empty")
    assert found.status == 2
    assert "no images in" in found.err


def test_damaged_weights_are_said_and_leave_no_file(command, make_run, images, tmp_path):
    from alexnet.weights import read, write

    run = make_run()
    arrays = read(run.folder / "best.safetensors")
    arrays["fc7.bias"][0] = np.nan
    write(arrays, run.folder / "best.safetensors")
    found = command("features", run.folder, images, "-o", tmp_path / "out.npy")
    assert found.status == 1
    assert "not finite" in found.err
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_a_run_of_another_backend_is_opened_in_pytorch(make_run, images, tmp_path):
    import dataclasses

    run = dataclasses.replace(make_run(), compute=Compute(backend="jax"))
    written = features(run, [images], tmp_path / "out.npy")
    assert written.shape == (10,)
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), expected(run, in_order(images), "fc7"), atol=1e-5
    )
