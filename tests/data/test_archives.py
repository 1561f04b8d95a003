"""Archives are unpacked once, safely, and yield the same dataset as the folder."""

import io
import os
import shutil
import stat
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from alexnet.data import cache_entries, find
from alexnet.errors import RunError, UserError

TAR_MODES = {"tar": "w", "tar.gz": "w:gz", "tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
Usage = namedtuple("Usage", "total used free")


def pack(folder: Path, archive: Path, inside: str = "") -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path: f"{inside}/{path.relative_to(folder)}".lstrip("/") for path in files}
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w") as zipped:
            for path, name in names.items():
                zipped.write(path, name)
        return archive
    with tarfile.open(archive, TAR_MODES[archive.name.partition(".")[2]]) as packed:  # type: ignore[call-overload]
        for path, name in names.items():
            packed.add(path, name)
    return archive


def error_of(archive: Path, kind: type[Exception] = UserError) -> str:
    """Return the error message; assert that nothing is left in the cache or next to the archive."""
    before = set(archive.parent.iterdir())
    with pytest.raises(kind) as caught:
        find(archive)
    assert "\n" not in str(caught.value)
    assert [entry for entry in cache_entries() if entry.kind == "archives"] == []
    assert set(archive.parent.iterdir()) == before
    return str(caught.value)


@pytest.mark.parametrize("inside", ["", "top", "top/next", "./top"])
@pytest.mark.parametrize("suffix", ["zip", *TAR_MODES])
def test_an_archive_yields_the_dataset_of_its_folder(
    suffix: str, inside: str, flat: Path, tmp_path: Path, cache: Path
) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}", inside)
    data, folder = find(archive), find(flat)
    assert data.source == str(archive)
    assert data.classes == folder.classes
    assert data.root.is_relative_to(cache)
    assert [os.path.relpath(s.path, data.root) for s in data.samples] == [
        os.path.relpath(s.path, folder.root) for s in folder.samples
    ]
    times = {s.path: Path(s.path).stat().st_mtime_ns for s in data.samples}
    copy = shutil.copy(archive, tmp_path / "other.bin")
    assert {s.path: Path(s.path).stat().st_mtime_ns for s in find(copy).samples} == times


def test_archives_with_one_or_two_splits(flat: Path, tmp_path: Path) -> None:
    shutil.copytree(flat, tmp_path / "whole/data/train")
    assert find(pack(tmp_path / "whole", tmp_path / "t.zip")).split_by == "folders"
    shutil.copytree(flat, tmp_path / "whole/data/val")
    data = find(pack(tmp_path / "whole", tmp_path / "a.zip"))
    assert (data.split_by, len(data.split("val"))) == ("folders", 20)


def test_an_archive_with_a_table(flat: Path, tmp_path: Path) -> None:
    (flat / "cat").rename(flat / "images")
    shutil.rmtree(flat / "dog")
    rows = "".join(f"images/{i}.png,{'ab'[i % 2]}\n" for i in range(10))
    (flat / "labels.csv").write_text("path,label\n" + rows)
    assert find(pack(flat, tmp_path / "a.tar", "top")).counts() == {"a": 5, "b": 5}


def test_files_added_by_macos_are_skipped(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.zip", "top")
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("__MACOSX/top/cat/._1.png", b"x")
        zipped.writestr("top/cat/._1.png", b"x")
        zipped.writestr("top/.DS_Store", b"x")
    assert find(archive).counts() == {"cat": 10, "dog": 10}


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/tmp/evil.png", "a\\..\\..\\e.png", "C:\\e.png"]
)
@pytest.mark.parametrize("suffix", ["zip", "tar"])
def test_members_outside_of_the_archive_are_rejected(
    suffix: str, name: str, flat: Path, tmp_path: Path
) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}")
    if suffix == "zip":
        with zipfile.ZipFile(archive, "a") as zipped:
            zipped.writestr(name, b"x")
    else:
        with tarfile.open(archive, "a") as packed:
            packed.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert "refusing to unpack" in error_of(archive)


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "members",
    [
        [member("cat/x.png", tarfile.SYMTYPE, "/etc/passwd")],
        [member("cat/x.png", tarfile.SYMTYPE, "../../../x")],
        [member("a", tarfile.SYMTYPE, "."), member("a/b", tarfile.SYMTYPE, "..")],
        [member("x.png", tarfile.LNKTYPE, "../x")],
        [member("x.png", tarfile.FIFOTYPE)],
        [member("x.png", tarfile.CHRTYPE)],
        [member("x", tarfile.SYMTYPE, "/tmp"), member("x/y.png", tarfile.REGTYPE)],
    ],
)
def test_unsafe_links_and_devices_are_rejected(
    members: list[tarfile.TarInfo], flat: Path, tmp_path: Path
) -> None:
    archive = pack(flat, tmp_path / "a.tar")
    with tarfile.open(archive, "a") as packed:
        for info in members:
            packed.addfile(info)
    assert error_of(archive)
    assert not Path("/tmp/y.png").exists()


def test_links_inside_the_archive_are_kept(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.tar")
    with tarfile.open(archive, "a") as packed:
        packed.addfile(member("cow/1.png", tarfile.SYMTYPE, "../cat/1.png"))
        packed.addfile(member("cow/2.png", tarfile.LNKTYPE, "cat/2.png"))
    assert find(archive).counts() == {"cat": 10, "cow": 2, "dog": 10}


def test_unsafe_links_in_a_zip_are_rejected(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.zip")
    info = zipfile.ZipInfo("cat/x.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr(info, "/etc/passwd")
    assert "is a link to a target outside of the archive" in error_of(archive)


def test_encrypted_archives_are_rejected(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.zip")
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # the flags of the first member, in its header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert "the archive is encrypted" in error_of(archive)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9, 0.97])
@pytest.mark.parametrize("suffix", ["zip", *TAR_MODES])
def test_truncated_archives_are_rejected(
    suffix: str, fraction: float, flat: Path, tmp_path: Path
) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}")
    data = archive.read_bytes()
    packed_bytes = len(data.rstrip(b"\0")) if suffix == "tar" else len(data)
    archive.write_bytes(data[: int(packed_bytes * fraction)])
    assert str(archive) in error_of(archive)


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz"])
def test_corrupt_archives_are_rejected(suffix: str, flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}")
    data = bytearray(archive.read_bytes())
    middle = 512 * (len(data) // 1024)
    if suffix == "tar":
        middle = data.index(b"cat/5.png")
    data[middle : middle + 40] = b"\x55" * 40
    archive.write_bytes(data)
    assert "the archive is corrupt" in error_of(archive)


def test_a_zip_bomb_is_rejected(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("cat/1.bmp", bytes(8 << 20))
    data = bytearray(archive.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (3 << 30).to_bytes(4, "little")
    archive.write_bytes(data)
    assert "it would grow to 3.2 GB, more than 200 times its size" in error_of(archive)


def test_lack_of_disk_space_is_reported(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(flat, tmp_path / "a.zip")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 8, 1))
    message = error_of(archive)
    assert "1 B are free" in message
    assert "ALEXNET_CACHE_DIR" in message


def test_a_full_disk_is_reported(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(flat, tmp_path / "a.tar")
    monkeypatch.setattr(shutil, "copyfileobj", None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alexnet.data.archives._Writer.write", full)
    assert "the disk is full" in error_of(archive, RunError)


def test_utf8_names_in_a_zip_without_the_utf8_flag(flat: Path, tmp_path: Path) -> None:
    """As Info-ZIP writes them on Linux."""
    path = tmp_path / "unmarked.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("xxxxxx", "rose"):
            archive.write(next(flat.rglob("*.png")), f"{name}/1.png")
    path.write_bytes(path.read_bytes().replace(b"xxxxxx", "玫瑰".encode()))
    assert set(find(path).classes) == {"玫瑰", "rose"}
