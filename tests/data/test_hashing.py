"""A hash of each file's content, remembered for files that stay as they are."""

import os
from pathlib import Path

import pytest

from alexnet.data import fingerprints

from .conftest import MakeImage


def age(folder: Path) -> list[str]:
    """Old files: only of these is the hash remembered."""
    paths = sorted(folder.rglob("*.png"))
    for path in paths:
        os.utime(path, (1, 1))
    return [str(path) for path in paths]


def test_content_decides(image: MakeImage, tmp_path: Path) -> None:
    one, copy, other = image("1.png", 1), image("2.png", 1), image("3.png", 3)
    first, second, third, none, pipe = fingerprints(
        [str(one), str(copy), str(other), str(tmp_path / "no"), str(tmp_path)]
    )
    assert first == second != third
    assert first is not None
    assert len(first) == 16
    assert none is None
    assert pipe is None


def test_what_is_known_is_not_read_again(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexnet.data.hashing._SETTLED_NS", -(10**9))
    paths = age(flat)
    first = fingerprints(paths)
    reads: list[str] = []
    monkeypatch.setattr("alexnet.data.hashing._digest", reads.append)
    assert fingerprints(paths) == first
    assert reads == []


def test_a_file_replaced_by_one_of_its_size_and_time(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alexnet.data.hashing._SETTLED_NS", -(10**9))
    paths = age(flat)
    first = fingerprints(paths)
    data = bytearray(Path(paths[0]).read_bytes())
    data[-20] ^= 1
    Path(paths[0]).write_bytes(data)
    os.utime(paths[0], (1, 1))
    assert fingerprints(paths)[0] != first[0]
    assert fingerprints(paths)[1:] == first[1:]


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + bytes(200)])
def test_a_broken_memo_is_made_anew(damage: bytes, flat: Path, cache: Path) -> None:
    paths = age(flat)
    first = fingerprints(paths)
    for path in cache.glob("fingerprints.sqlite*"):
        path.unlink()
    (cache / "fingerprints.sqlite").write_bytes(damage)
    assert fingerprints(paths) == first
    assert fingerprints(paths) == first


def test_without_a_memo(flat: Path, cache: Path) -> None:
    (cache / "fingerprints.sqlite").mkdir()
    assert None not in fingerprints(age(flat))
