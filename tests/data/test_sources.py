"""What is taken for an image and a class, in the layouts that people have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet.data import Dataset, find, natural_key, require_trainable
from alexnet.errors import UserError

from .conftest import MakeImage


def names(dataset: Dataset) -> list[str]:
    return [os.path.relpath(s.path, dataset.root) for s in dataset.samples]


def failure(source: object) -> str:
    with pytest.raises(UserError) as caught:
        find(source)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_classes_in_folders(image: MakeImage, tmp_path: Path) -> None:
    for name in ("10/a.png", "2/b.JPG", "1/deep/er/c.Tiff", "1/d.webp", "B/e.bmp", "a/f.gif"):
        image("data/" + name)
    (tmp_path / "data/1/notes.txt").touch()
    (tmp_path / "data/1/.DS_Store").touch()
    data = find(tmp_path / "data")
    assert data.classes == ("1", "2", "10", "a", "B")
    assert names(data) == [
        "1/d.webp",
        "1/deep/er/c.Tiff",
        "2/b.JPG",
        "10/a.png",
        "a/f.gif",
        "B/e.bmp",
    ]
    assert [s.label for s in data.samples] == [0, 0, 1, 2, 3, 4]
    assert {s.split for s in data.samples} == {"all"}
    assert data.split_by == "none"
    assert data.root == tmp_path / "data"
    assert data.counts() == {"1": 2, "2": 1, "10": 1, "a": 1, "B": 1}
    assert data.notices == ("1 file of other kinds left out",)


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val", "VALIDATION"])
def test_splits_in_folders(val: str, image: MakeImage, tmp_path: Path) -> None:
    for i, split in enumerate(("train", val, "test")):
        image(f"data/{split}/cat/x/{i}.png")
        image(f"data/{split}/dog/{i}.png")
    data = find(tmp_path / "data")
    assert (data.classes, data.split_by) == (("cat", "dog"), "folders")
    assert [s.split for s in data.samples] == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    assert names(data)[2:4] == [f"{val}/cat/x/1.png", f"{val}/dog/1.png"]
    assert data.counts("val") == {"cat": 1, "dog": 1}
    assert [s.label for s in data.split("test")] == [0, 1]
    require_trainable(data)


def test_a_class_may_be_called_train(image: MakeImage, tmp_path: Path) -> None:
    for name in ("car/1.png", "plane/1.png", "train/1.png", "train/steam/2.png"):
        image("data/" + name)
    assert find(tmp_path / "data").classes == ("car", "plane", "train")


def test_images_and_folders_where_no_class_is(image: MakeImage, tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "test/1.png", "2.png"):
        image("data/" + name)
    image("data/train/3.png")
    image("data/docs/logo.png")
    data = find(tmp_path / "data")
    assert data.classes == ("cat", "dog")
    assert len(data.samples) == 3
    assert len([notice for notice in data.notices if "directly in" in notice]) == 3
    assert "1 folder beside the splits left out: docs" in data.notices
    assert "class without validation images: dog" in data.notices


def test_hidden_and_empty_folders_are_told(flat: Path) -> None:
    for name in (".git/objects", "__MACOSX/cat", "cat/.thumbs", "empty", "texts"):
        (flat / name).mkdir(parents=True)
    (flat / "texts/a.txt").touch()
    (flat / ".git/1.png").write_bytes(b"x")
    (flat / "cat/._1.png").write_bytes(b"x")
    data = find(flat)
    assert data.classes == ("cat", "dog")
    assert len(data.samples) == 20
    assert "3 hidden folders skipped: .git, __MACOSX, cat/.thumbs" in data.notices
    assert "2 folders without images skipped: empty, texts" in data.notices


def test_linked_folders_are_followed_and_loops_seen_once(
    flat: Path, image: MakeImage, tmp_path: Path
) -> None:
    image("elsewhere/1.png")
    (flat / "bird").symlink_to(tmp_path / "elsewhere")
    (flat / "cat/again").symlink_to(flat / "cat")
    (flat / "dog/up").symlink_to(flat)
    (flat / "all").symlink_to(flat)
    (flat / "dog/gone").symlink_to(tmp_path / "nowhere")
    (flat / "dog/self").symlink_to("self")
    data = find(flat)
    assert data.counts() == {"bird": 1, "cat": 10, "dog": 10}
    assert "3 folders linked into themselves seen once: all, cat/again, dog/up" in data.notices


def test_a_link_to_a_image_that_is_gone_is_reported_later(flat: Path) -> None:
    (flat / "cat/gone.png").symlink_to(flat / "nowhere.png")
    assert find(flat).counts() == {"cat": 11, "dog": 10}


def test_unreadable_folders_are_told(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def denied(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    (flat / "cat/locked").mkdir()
    monkeypatch.setattr(os, "scandir", denied)
    assert "1 folder that cannot be read skipped: cat/locked" in find(flat).notices
    (flat.parent / "locked").mkdir()
    assert "permission denied" in failure(flat.parent / "locked")


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_names_in_any_script(image: MakeImage, tmp_path: Path) -> None:
    scripts = ["玫瑰", "Розы", "ورد", "गुलाब", "🌹", "[red]x", "a b\tc", "new\nline", "caf\udce9"]
    for i, name in enumerate(scripts):
        image("data/x/1.png", seed=i).parent.rename(tmp_path / "data" / name)
    data = find(tmp_path / "data")
    assert sorted(data.classes) == sorted(scripts)
    assert all(Path(s.path).exists() for s in data.samples)
    (tmp_path / "data/bad\x1b[31m\udcff").mkdir()
    assert r"1 folder without images skipped: bad\x1b[31m\xff" in find(tmp_path / "data").notices


def test_one_name_written_in_two_ways(image: MakeImage, tmp_path: Path) -> None:
    """é as one letter, and as e with an accent, as macOS writes it."""
    image("data/train/caf\u00e9/1.png")
    image("data/val/cafe\u0301/1.png")
    assert find(tmp_path / "data").classes == ("caf\u00e9",)


def test_what_holds_no_images(tmp_path: Path, image: MakeImage) -> None:
    assert failure(tmp_path / "no") == f"{tmp_path}/no: there is no such file or folder"
    assert failure("a\0b")
    assert failure("")
    (tmp_path / "empty").mkdir()
    assert failure(tmp_path / "empty").startswith(f"{tmp_path}/empty: no images found; expected")
    file = image("pile/1.png")
    assert "1 image directly in this folder; put each into a folder" in failure(tmp_path / "pile")
    assert "this is one file; give the folder" in failure(file)
    image("bare/train/1.png")
    image("bare/val/1.png")
    assert "put them in folders named after their classes" in failure(tmp_path / "bare")
    (tmp_path / "x.txt").write_text("hello")
    assert "not a folder, a CSV file, a zip or a tar" in failure(tmp_path / "x.txt")


def trainable(source: Path) -> str:
    with pytest.raises(UserError) as caught:
        require_trainable(find(source))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_trained_on(tmp_path: Path, image: MakeImage) -> None:
    image("one/train/cat/1.png")
    image("one/val/cat/1.png")
    assert "only one class, cat; training needs at least two" in trainable(tmp_path / "one")
    for name in ("train/cat/1", "train/dog/1", "val/cat/1", "val/owl/1"):
        image(f"more/{name}.png")
    assert "class owl in val but not in train" in trainable(tmp_path / "more")
    image("late/test/cat/1.png")
    image("late/test/dog/1.png")
    assert "no images to train on" in trainable(tmp_path / "late")
    image("early/train/cat/1.png")
    image("early/train/dog/1.png")
    assert "no images to validate on" in trainable(tmp_path / "early")


def test_digits_is_a_name_and_dot_digits_a_folder(
    image: MakeImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    image("digits/mine/1.png")
    monkeypatch.chdir(tmp_path)
    digits = find("digits")
    assert digits.classes == tuple("0123456789")
    assert len(digits.samples) == 1797
    assert digits.root.is_relative_to(cache)
    assert (digits.source, digits.split_by) == ("digits", "none")
    assert find("./digits").classes == ("mine",)
    assert find(Path("./digits")).classes == ("mine",)
    Path(digits.samples[0].path).unlink()
    assert len(find("digits").samples) == 1797


def test_finding_needs_no_framework_and_no_decoder() -> None:
    heavy = ("torch", "cv2", "sklearn")
    code = f"import sys, alexnet.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@given(st.lists(st.text(max_size=12)))
def test_natural_order_is_an_order(texts: list[str]) -> None:
    ordered = sorted(texts, key=natural_key)
    assert sorted(ordered, reverse=True, key=natural_key) == ordered[::-1]
    numbers = sorted({int(t) for t in texts if t.isascii() and t.isdigit()})
    assert sorted(map(str, numbers), key=natural_key) == list(map(str, numbers))


@given(st.lists(st.integers(0, 10**30), unique=True), st.text(alphabet="aB_-é", max_size=4))
def test_numbers_in_names_are_ordered_by_value(numbers: list[int], prefix: str) -> None:
    ordered = [f"{prefix}{n}" for n in sorted(numbers)]
    shuffled = ordered[1::2] + ordered[::2]
    assert sorted(shuffled, key=natural_key) == ordered


def test_the_whole_file_system_is_no_data_set() -> None:
    with pytest.raises(UserError, match="/: this is the whole file system; give the folder"):
        find("/")


def test_a_few_images_among_other_files_are_no_data_set(image: MakeImage, tmp_path: Path) -> None:
    for name in ("share", "lib"):
        for i in range(60):
            image(f"programs/{name}/icons/{i}.png", seed=i)
    for i in range(1201):
        (tmp_path / f"programs/lib/{i}.so").touch()
    with pytest.raises(UserError, match="120 images among 1,201 files of other kinds") as refused:
        find(tmp_path / "programs")
    assert "path,label" in str(refused.value)
    (tmp_path / "programs/lib/0.so").unlink()
    assert len(find(tmp_path / "programs").samples) == 120
