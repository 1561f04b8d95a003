"""Find images and classes in the usual layouts of folders."""

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


def relative_paths(dataset: Dataset) -> list[str]:
    return [os.path.relpath(s.path, dataset.root) for s in dataset.samples]


def error_of(source: object) -> str:
    with pytest.raises(UserError) as caught:
        find(source)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folders_are_classes_in_natural_order(image: MakeImage, tmp_path: Path) -> None:
    for name in ("10/a.png", "2/b.JPG", "1/deep/er/c.Tiff", "1/d.webp", "B/e.bmp", "a/f.gif"):
        image("data/" + name)
    (tmp_path / "data/1/notes.txt").touch()
    (tmp_path / "data/1/.DS_Store").touch()
    data = find(tmp_path / "data")
    assert data.classes == ("1", "2", "10", "a", "B")
    assert relative_paths(data) == [
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
    assert data.notices == ("skipped 1 file that is not an image",)


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val", "VALIDATION"])
def test_split_folders_are_recognized(val: str, image: MakeImage, tmp_path: Path) -> None:
    for i, split in enumerate(("train", val, "test")):
        image(f"data/{split}/cat/x/{i}.png")
        image(f"data/{split}/dog/{i}.png")
    data = find(tmp_path / "data")
    assert (data.classes, data.split_by) == (("cat", "dog"), "folders")
    assert [s.split for s in data.samples] == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    assert relative_paths(data)[2:4] == [f"{val}/cat/x/1.png", f"{val}/dog/1.png"]
    assert data.counts("val") == {"cat": 1, "dog": 1}
    assert [s.label for s in data.split("test")] == [0, 1]
    require_trainable(data)


def test_a_class_may_be_named_train(image: MakeImage, tmp_path: Path) -> None:
    for name in ("car/1.png", "plane/1.png", "train/1.png", "train/steam/2.png"):
        image("data/" + name)
    assert find(tmp_path / "data").classes == ("car", "plane", "train")


def test_images_outside_of_class_folders_are_skipped_with_a_notice(
    image: MakeImage, tmp_path: Path
) -> None:
    for name in ("train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "test/1.png", "2.png"):
        image("data/" + name)
    image("data/train/3.png")
    image("data/docs/logo.png")
    data = find(tmp_path / "data")
    assert data.classes == ("cat", "dog")
    assert len(data.samples) == 3
    assert len([notice for notice in data.notices if "directly in" in notice]) == 3
    assert "skipped 1 folder next to the splits: docs" in data.notices
    assert "no validation images for class dog" in data.notices


def test_hidden_and_empty_folders_are_skipped_with_a_notice(flat: Path) -> None:
    for name in (".git/objects", "__MACOSX/cat", "cat/.thumbs", "empty", "texts"):
        (flat / name).mkdir(parents=True)
    (flat / "texts/a.txt").touch()
    (flat / ".git/1.png").write_bytes(b"x")
    (flat / "cat/._1.png").write_bytes(b"x")
    data = find(flat)
    assert data.classes == ("cat", "dog")
    assert len(data.samples) == 20
    assert "skipped 3 hidden folders: .git, __MACOSX, cat/.thumbs" in data.notices
    assert "skipped 2 folders without images: empty, texts" in data.notices


def test_links_are_followed_and_loops_are_visited_once(
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
    assert "skipped 3 links to visited folders: all, cat/again, dog/up" in data.notices


def test_dangling_links_to_images_are_listed(flat: Path) -> None:
    (flat / "cat/gone.png").symlink_to(flat / "nowhere.png")
    assert find(flat).counts() == {"cat": 11, "dog": 10}


def test_unreadable_folders_are_skipped_with_a_notice(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def denied(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    (flat / "cat/locked").mkdir()
    monkeypatch.setattr(os, "scandir", denied)
    assert "skipped 1 unreadable folder: cat/locked" in find(flat).notices
    (flat.parent / "locked").mkdir()
    locked = flat.parent / "locked"
    assert error_of(locked) == f"cannot read folder {locked}: Permission denied"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows any bytes in names")
def test_class_names_in_any_script(image: MakeImage, tmp_path: Path) -> None:
    scripts = ["玫瑰", "Розы", "ورد", "गुलाब", "🌹", "[red]x", "a b\tc", "new\nline", "caf\udce9"]
    for i, name in enumerate(scripts):
        image("data/x/1.png", seed=i).parent.rename(tmp_path / "data" / name)
    data = find(tmp_path / "data")
    assert sorted(data.classes) == sorted(scripts)
    assert all(Path(s.path).exists() for s in data.samples)
    (tmp_path / "data/bad\x1b[31m\udcff").mkdir()
    assert r"skipped 1 folder without images: bad\x1b[31m\xff" in find(tmp_path / "data").notices


def test_class_names_are_normalized_to_nfc(image: MakeImage, tmp_path: Path) -> None:
    """é as one character, and as e with an accent, as macOS writes it."""
    image("data/train/caf\u00e9/1.png")
    image("data/val/cafe\u0301/1.png")
    assert find(tmp_path / "data").classes == ("caf\u00e9",)


def test_sources_without_images_are_rejected(tmp_path: Path, image: MakeImage) -> None:
    assert error_of(tmp_path / "no") == f"no such file or folder: {tmp_path}/no"
    assert error_of("a\0b").startswith(r"cannot open a\x00b: ")
    assert error_of("") == "the path of the dataset is empty; pass a folder of images"
    (tmp_path / "empty").mkdir()
    assert error_of(tmp_path / "empty").startswith(f"{tmp_path}/empty: no images found; expected")
    file = image("pile/1.png")
    assert "1 image directly in this folder; move each into a folder" in error_of(tmp_path / "pile")
    assert "is a single image; pass the folder" in error_of(file)
    image("bare/train/1.png")
    image("bare/val/1.png")
    assert "move them into folders named after their classes" in error_of(tmp_path / "bare")
    (tmp_path / "x.txt").write_text("hello")
    assert "is not a folder, a CSV file, a zip or a tar archive" in error_of(tmp_path / "x.txt")


def training_error_of(source: Path) -> str:
    with pytest.raises(UserError) as caught:
        require_trainable(find(source))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_untrainable_datasets_are_rejected(tmp_path: Path, image: MakeImage) -> None:
    image("one/train/cat/1.png")
    image("one/val/cat/1.png")
    assert "only one class, cat; training needs at least two" in training_error_of(tmp_path / "one")
    for name in ("train/cat/1", "train/dog/1", "val/cat/1", "val/owl/1"):
        image(f"more/{name}.png")
    assert "class owl in val but not in train" in training_error_of(tmp_path / "more")
    image("late/test/cat/1.png")
    image("late/test/dog/1.png")
    assert "no training images; put them under train/CLASS/" in training_error_of(tmp_path / "late")
    image("early/train/cat/1.png")
    image("early/train/dog/1.png")
    assert "no validation images; add some under val/CLASS/" in training_error_of(
        tmp_path / "early"
    )


def test_digits_is_a_builtin_dataset_and_dot_digits_a_folder(
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


def test_import_loads_no_heavy_library() -> None:
    heavy = ("torch", "cv2", "sklearn")
    code = f"import sys, alexnet.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@given(st.lists(st.text(max_size=12)))
def test_natural_order_is_total(texts: list[str]) -> None:
    ordered = sorted(texts, key=natural_key)
    assert sorted(ordered, reverse=True, key=natural_key) == ordered[::-1]
    numbers = sorted({int(t) for t in texts if t.isascii() and t.isdigit()})
    assert sorted(map(str, numbers), key=natural_key) == list(map(str, numbers))


@given(st.lists(st.integers(0, 10**30), unique=True), st.text(alphabet="aB_-é", max_size=4))
def test_natural_order_sorts_numbers_by_value(numbers: list[int], prefix: str) -> None:
    ordered = [f"{prefix}{n}" for n in sorted(numbers)]
    shuffled = ordered[1::2] + ordered[::2]
    assert sorted(shuffled, key=natural_key) == ordered


def test_the_root_of_the_file_system_is_rejected() -> None:
    with pytest.raises(UserError, match="/ is the root of the file system; pass the folder"):
        find("/")


def test_a_folder_of_mostly_other_files_is_rejected(image: MakeImage, tmp_path: Path) -> None:
    for name in ("share", "lib"):
        for i in range(60):
            image(f"programs/{name}/icons/{i}.png", seed=i)
    for i in range(1201):
        (tmp_path / f"programs/lib/{i}.so").touch()
    with pytest.raises(UserError, match="120 images among 1,201 other files") as caught:
        find(tmp_path / "programs")
    assert "path,label" in str(caught.value)
    (tmp_path / "programs/lib/0.so").unlink()
    assert len(find(tmp_path / "programs").samples) == 120
