"""Digests of file contents, memoized for unchanged files."""

import os
from pathlib import Path

import pytest

from alexnet.data import fingerprints

from .conftest import MakeImage


def make_old(folder: Path) -> list[str]:
    """Set old modification times: digests of recent files are not memoized."""
    paths = sorted(folder.rglob("*.png"))
    for path in paths:
        os.utime(path, (1, 1))
    return [str(path) for path in paths]


def test_digest_depends_on_content(image: MakeImage, tmp_path: Path) -> None:
    one, duplicate, other = image("1.png", 1), image("2.png", 1), image("3.png", 3)
    first, second, third, missing, folder = fingerprints(
        [str(one), str(duplicate), str(other), str(tmp_path / "no"), str(tmp_path)]
    )
    assert first == second != third
    assert first is not None
    assert len(first) == 16
    assert missing is None
    assert folder is None


def test_memoized_files_are_not_read_again(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexnet.data.hashing._SETTLED_NS", -(10**9))
    paths = make_old(flat)
    first = fingerprints(paths)
    reads: list[str] = []
    monkeypatch.setattr("alexnet.data.hashing._digest", reads.append)
    assert fingerprints(paths) == first
    assert reads == []


def test_a_file_replaced_by_one_of_equal_size_and_time_is_read_again(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alexnet.data.hashing._SETTLED_NS", -(10**9))
    paths = make_old(flat)
    first = fingerprints(paths)
    data = bytearray(Path(paths[0]).read_bytes())
    data[-20] ^= 1
    Path(paths[0]).write_bytes(data)
    os.utime(paths[0], (1, 1))
    assert fingerprints(paths)[0] != first[0]
    assert fingerprints(paths)[1:] == first[1:]


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + bytes(200)])
def test_a_corrupt_memo_is_recreated(damage: bytes, flat: Path, cache: Path) -> None:
    paths = make_old(flat)
    first = fingerprints(paths)
    for path in cache.glob("fingerprints.sqlite*"):
        path.unlink()
    (cache / "fingerprints.sqlite").write_bytes(damage)
    assert fingerprints(paths) == first
    assert fingerprints(paths) == first


def test_fingerprints_without_a_memo(flat: Path, cache: Path) -> None:
    (cache / "fingerprints.sqlite").mkdir()
    assert None not in fingerprints(make_old(flat))
