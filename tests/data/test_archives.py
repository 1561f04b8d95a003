"""Archives are unpacked once, safely, and read like the folder that was packed."""

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


def failure(archive: Path, kind: type[Exception] = UserError) -> str:
    """What is said; nothing may be left in the cache, and nothing written beside it."""
    before = set(archive.parent.iterdir())
    with pytest.raises(kind) as caught:
        find(archive)
    assert "\n" not in str(caught.value)
    assert [entry for entry in cache_entries() if entry.kind == "archives"] == []
    assert set(archive.parent.iterdir()) == before
    return str(caught.value)


@pytest.mark.parametrize("inside", ["", "top", "top/next", "./top"])
@pytest.mark.parametrize("suffix", ["zip", *TAR_MODES])
def test_every_kind_is_read_like_the_folder(
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


def test_splits_and_one_split_alone(flat: Path, tmp_path: Path) -> None:
    shutil.copytree(flat, tmp_path / "whole/data/train")
    assert find(pack(tmp_path / "whole", tmp_path / "t.zip")).split_by == "folders"
    shutil.copytree(flat, tmp_path / "whole/data/val")
    data = find(pack(tmp_path / "whole", tmp_path / "a.zip"))
    assert (data.split_by, len(data.split("val"))) == ("folders", 20)


def test_a_table_in_an_archive(flat: Path, tmp_path: Path) -> None:
    (flat / "cat").rename(flat / "images")
    shutil.rmtree(flat / "dog")
    rows = "".join(f"images/{i}.png,{'ab'[i % 2]}\n" for i in range(10))
    (flat / "labels.csv").write_text("path,label\n" + rows)
    assert find(pack(flat, tmp_path / "a.tar", "top")).counts() == {"a": 5, "b": 5}


def test_what_macos_adds_is_left_out(flat: Path, tmp_path: Path) -> None:
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
def test_nothing_is_written_elsewhere(suffix: str, name: str, flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}")
    if suffix == "zip":
        with zipfile.ZipFile(archive, "a") as zipped:
            zipped.writestr(name, b"x")
    else:
        with tarfile.open(archive, "a") as packed:
            packed.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert "not unpacked, since" in failure(archive)


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
def test_links_that_leave_and_devices(
    members: list[tarfile.TarInfo], flat: Path, tmp_path: Path
) -> None:
    archive = pack(flat, tmp_path / "a.tar")
    with tarfile.open(archive, "a") as packed:
        for info in members:
            packed.addfile(info)
    assert failure(archive)
    assert not Path("/tmp/y.png").exists()


def test_links_that_stay_are_kept(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.tar")
    with tarfile.open(archive, "a") as packed:
        packed.addfile(member("cow/1.png", tarfile.SYMTYPE, "../cat/1.png"))
        packed.addfile(member("cow/2.png", tarfile.LNKTYPE, "cat/2.png"))
    assert find(archive).counts() == {"cat": 10, "cow": 2, "dog": 10}


def test_a_link_that_leaves_a_zip(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.zip")
    info = zipfile.ZipInfo("cat/x.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr(info, "/etc/passwd")
    assert "is a link that leads out of the archive" in failure(archive)


def test_encrypted(flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / "a.zip")
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # the flags of the first member, in its header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert "the archive is encrypted" in failure(archive)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.97])
@pytest.mark.parametrize("suffix", ["zip", *TAR_MODES])
def test_cut_short(suffix: str, share: float, flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}")
    data = archive.read_bytes()
    packed_bytes = len(data.rstrip(b"\0")) if suffix == "tar" else len(data)
    archive.write_bytes(data[: int(packed_bytes * share)])
    assert str(archive) in failure(archive)


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz"])
def test_damaged_in_the_middle(suffix: str, flat: Path, tmp_path: Path) -> None:
    archive = pack(flat, tmp_path / f"a.{suffix}")
    data = bytearray(archive.read_bytes())
    middle = 512 * (len(data) // 1024)
    if suffix == "tar":
        middle = data.index(b"cat/5.png")
    data[middle : middle + 40] = b"\x55" * 40
    archive.write_bytes(data)
    assert "the archive is damaged" in failure(archive)


def test_a_bomb(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("cat/1.bmp", bytes(8 << 20))
    data = bytearray(archive.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (3 << 30).to_bytes(4, "little")
    archive.write_bytes(data)
    assert "it would grow to 3.2 GB, more than 200 times its size" in failure(archive)


def test_no_room(flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(flat, tmp_path / "a.zip")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 8, 1))
    said = failure(archive)
    assert "1 B are free" in said
    assert "ALEXNET_CACHE_DIR" in said


def test_the_disk_becomes_full(flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(flat, tmp_path / "a.tar")
    monkeypatch.setattr(shutil, "copyfileobj", None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alexnet.data.archives._Writer.write", full)
    assert "the disk is full" in failure(archive, RunError)


def test_a_zip_whose_utf8_names_are_not_marked_as_such(flat: Path, tmp_path: Path) -> None:
    """As Info-ZIP writes them on Linux."""
    path = tmp_path / "unmarked.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("xxxxxx", "rose"):
            archive.write(next(flat.rglob("*.png")), f"{name}/1.png")
    path.write_bytes(path.read_bytes().replace(b"xxxxxx", "玫瑰".encode()))
    assert set(find(path).classes) == {"玫瑰", "rose"}
