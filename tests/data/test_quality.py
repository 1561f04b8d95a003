"""The report of `check`, and the output of the commands check and cache."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from alexnet.cli import cache_command as cache_command
from alexnet.cli.check_command import check as check_command
from alexnet.data import cache_entries, check, find, open_store
from alexnet.errors import UserError

from .conftest import MakeImage

app = typer.Typer()
app.command("check")(check_command)
app.add_typer(cache_command.app, name="cache")


@pytest.fixture
def mixed(flat: Path, image: MakeImage) -> Path:
    """Return a dataset with an unreadable file and duplicates across splits and classes."""
    root = flat.parent / "mixed"
    shutil.copytree(flat, root / "train")
    image("mixed/val/cat/a.png", seed=500, width=40, height=20)
    image("mixed/val/dog/b.png", seed=501)
    shutil.copy(root / "train/cat/1.png", root / "val/cat/same.png")
    shutil.copy(root / "train/cat/2.png", root / "train/dog/twice.png")
    Image.open(root / "train/cat/3.png").save(root / "train/cat/3.jpg")
    (root / "train/cat/3.png").write_bytes((root / "train/cat/3.png").read_bytes()[:150])
    return root


def test_check_report(mixed: Path) -> None:
    report = check(mixed)
    assert report.classes == {"cat": {"train": 10, "val": 2}, "dog": {"train": 11, "val": 1}}
    assert report.images == 24
    assert report.split_by == "folders"
    assert report.unreadable == {"train/cat/3.png": "image file is truncated"}
    assert {name: str(size) for name, size in report.sizes.items()} == {
        "smallest": "12x9",
        "median": "12x9",
        "largest": "40x20",
    }
    assert report.sizes["largest"].path == "val/cat/a.png"
    assert report.formats == {"PNG": 23, "JPEG": 1}
    assert report.across_splits == [["train/cat/1.png", "val/cat/same.png"]]
    assert report.across_classes == [["train/cat/2.png", "train/dog/twice.png"]]
    assert len(report.duplicates) == 2
    assert report.imbalance == 1.0
    assert report.trainable
    assert json.loads(json.dumps(report.to_dict()))["trainable"] is True


def test_check_splits_a_dataset_as_training_does(flat: Path) -> None:
    report = check(flat)
    assert report.split_by == "hash"
    assert all(counts["train"] and counts["val"] for counts in report.classes.values())


def test_classes_without_readable_images_are_problems(flat: Path) -> None:
    for path in (flat / "dog").iterdir():
        path.write_bytes(b"x")
    report = check(flat)
    assert len(report.unreadable) == 10
    assert any("dog" in notice for notice in [*report.notices, *report.problems])
    assert not report.trainable
    shutil.rmtree(flat / "cat")
    assert check(flat).problems[0].endswith("none of the images is readable")


def test_sizes_are_those_of_existing_images(image: MakeImage, tmp_path: Path) -> None:
    image("data/a/wide.png", seed=1, width=90, height=10)
    image("data/a/tall.png", seed=2, width=8, height=80)
    image("data/b/square.png", seed=3, width=40, height=40)
    image("data/b/odd.png", seed=4, width=41, height=40)
    sizes = check(tmp_path / "data").sizes
    assert {name: (size.width, size.height, size.path) for name, size in sizes.items()} == {
        "smallest": (8, 80, "a/tall.png"),
        "median": (90, 10, "a/wide.png"),
        "largest": (41, 40, "b/odd.png"),
    }


def test_check_command(mixed: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(mixed)])
    assert done.exit_code == 0, done.output
    for text in (
        "cat",
        "24 readable images: 23 PNG, 1 JPEG",
        "largest 40x20 (val/cat/a.png)",
    ):
        assert text in done.stdout
    assert "train/cat/3.png: image file is truncated" in done.stdout
    assert "train/cat/1.png = val/cat/same.png" in done.stdout
    assert "This dataset can be trained on." in done.stdout


def test_check_command_writes_json(mixed: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(mixed), "--json", "-"])
    report = json.loads(done.stdout)
    assert report["unreadable"] == {"train/cat/3.png": "image file is truncated"}
    target = tmp_path / "report.json"
    done = CliRunner().invoke(app, ["check", str(mixed), "--json", str(target)])
    assert json.loads(target.read_text()) == report
    assert "24 readable images" in done.stdout
    done = CliRunner().invoke(app, ["check", str(mixed), "--json", str(tmp_path / "no/x.json")])
    assert isinstance(done.exception, UserError)
    assert "no such folder" in str(done.exception)
    assert not done.stdout


def test_check_command_exits_with_2_for_untrainable_datasets(
    image: MakeImage, tmp_path: Path
) -> None:
    image("one/cat/1.png")
    done = CliRunner().invoke(app, ["check", str(tmp_path / "one")])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {tmp_path}/one: only one class, cat; training needs")
    assert done.stderr.count("\n") == 1
    done = CliRunner().invoke(app, ["check", str(tmp_path / "no")])
    assert isinstance(done.exception, UserError)


def test_control_characters_in_names_are_escaped(image: MakeImage, tmp_path: Path) -> None:
    for i, name in enumerate(("[bold]x", "\x1b[2Jy", "caf\udce9", "玫瑰")):
        for j in range(5):
            path = image(f"data/x/{j}.png", seed=10 * i + j)
        (path.parent / "bro\x1bken.png").write_bytes(b"")
        path.parent.rename(tmp_path / "data" / name)
    done = CliRunner().invoke(app, ["check", str(tmp_path / "data")])
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout
    for text in ("[bold]x", r"\x1b[2Jy", r"caf\xe9", "玫瑰", r"bro\x1bken.png: the file is empty"):
        assert text in done.stdout
    done = CliRunner().invoke(app, ["check", str(tmp_path / "data"), "--json", "-"])
    assert r"caf\xe9" in json.loads(done.stdout)["classes"]


def test_cache_commands_list_and_clear(flat: Path, cache: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["cache", "path"]).stdout == f"{cache}\n"
    assert "the cache is empty" in run(app, ["cache", "list"]).stdout
    open_store(find(flat).samples, 16)
    find("digits")
    listed = run(app, ["cache", "list"]).stdout
    assert "images" in listed
    assert "datasets" in listed
    assert any(line.endswith(f"  {flat}") for line in listed.splitlines())
    assert run(app, ["cache", "clear"], input="n\n").exit_code == 1
    assert {entry.kind for entry in cache_entries()} == {"images", "datasets", "hashes"}
    assert "freed" in run(app, ["cache", "clear", "--yes"]).stdout
    assert cache_entries() == []
    assert "the cache is empty" in run(app, ["cache", "clear", "--yes"]).stdout
