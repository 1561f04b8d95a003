"""Every picture is decoded once; what is kept is whole or absent, whoever is killed."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from alexnet.data import Store, cache_entries, clear_cache, decode, find, fingerprints, open_store
from alexnet.data.cache import build_once
from alexnet.errors import RunError, UserError
from alexnet.progress import Advance, no_progress

from .conftest import MakePicture

Usage = namedtuple("Usage", "total used free")


def kept() -> list[str]:
    return [entry.key for entry in cache_entries() if entry.kind == "pictures"]


def half_made(cache: Path) -> list[Path]:
    return list(cache.glob("pictures/.building-*"))


class Told:
    """A progress that notes what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Advance]:
        self.said.append(description)
        with no_progress(description, total) as steps:
            yield steps


def test_rows_are_the_decoded_pictures(flat: Path) -> None:
    (flat / "cat/3.png").write_bytes(b"")
    (flat / "dog/4.png").write_bytes(b"hello")
    data = find(flat)
    store = open_store(data.samples, 16)
    assert len(store) == 20
    assert store.rows.tolist() == [i for i in range(20) if i not in (3, 14)]
    assert store.rows.dtype == np.int64
    assert store.labels.tolist() == [0] * 10 + [1] * 10
    assert store.broken == [
        (data.samples[3], "the file is empty"),
        (data.samples[14], "not a picture, or of a kind that cannot be read"),
    ]
    for row, pixels in zip(store.rows, store.read(store.rows), strict=True):
        np.testing.assert_array_equal(pixels, decode(data.samples[row].path, 16))
        assert not pixels.flags.writeable
    with pytest.raises(IndexError):
        store[20]
    array = np.load(store.path)
    assert array.shape == (20, 16, 16, 3)
    index = json.loads((store.path.parent / "index.json").read_text())
    assert (index["count"], index["size_px"], index["source"]) == (20, 16, str(flat))


def test_the_second_opening_decodes_nothing(flat: Path, tmp_path: Path) -> None:
    first = open_store(find(flat).samples, 16)
    shutil.copytree(flat, tmp_path / "moved")
    told = Told()
    second = open_store(find(tmp_path / "moved").samples, 16, progress=told)
    assert second.path == first.path
    assert told.said == ["reading files"]
    assert len(kept()) == 1


def test_other_contents_order_and_sizes_are_kept_apart(flat: Path) -> None:
    samples = find(flat).samples
    paths = {open_store(samples, 16).path, open_store(samples, 8).path}
    paths |= {open_store(samples[::-1], 16).path, open_store(samples[1:], 16).path}
    paths.add(open_store(samples, 16, max_pixels=10).path)
    assert len(paths) == 5
    before = open_store(samples, 16)
    shutil.copy(flat / "cat/1.png", flat / "cat/2.png")
    assert open_store(samples, 16).path != before.path


def test_a_damaged_one_is_made_anew(flat: Path) -> None:
    samples = find(flat).samples
    store = open_store(samples, 16)
    expected = np.load(store.path)
    for damage in (b"", store.path.read_bytes()[:-1]):
        store.path.write_bytes(damage)
        np.testing.assert_array_equal(np.load(open_store(samples, 16).path), expected)
    (store.path.parent / "index.json").write_text("{")
    np.testing.assert_array_equal(np.load(open_store(samples, 16).path), expected)


def test_views_outlive_the_letting_go_of_pages(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexnet.data.store._LET_GO_BYTES", 2000)
    store = open_store(find(flat).samples, 16)
    expected = np.load(store.path)

    def read() -> None:
        for _ in range(50):
            np.testing.assert_array_equal(np.stack(store.read(store.rows)), expected)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_what_is_read(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 pictures of 512 pixels are 236 MB; no more than the limit may stay."""
    monkeypatch.setattr("alexnet.data.store._LET_GO_BYTES", 20 << 20)
    store = open_store(find(flat).samples * 15, 512)

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before, most = resident(), 0
    for row in range(len(store)):
        assert store[row].sum() > 0
        most = max(most, resident() - before)
    assert most < 80 << 20


BUILD = """
import sys, time
import alexnet.data.store as store
from alexnet.data import find, open_store
real = store.decode
def slow(*args):
    time.sleep(float(sys.argv[2]))
    return real(*args)
store.decode = slow
print("ready", flush=True)
told = []
from contextlib import contextmanager
from alexnet.progress import no_progress
def progress(description, total):
    print(description, flush=True)
    return no_progress(description, total)
opened = open_store(find(sys.argv[1]).samples, 16, workers=1, progress=progress)
print(opened.path, flush=True)
"""


def builder(flat: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", BUILD, str(flat), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_until_building(cache: Path) -> None:
    for _ in range(1000):
        if any((folder / "pictures.npy").exists() for folder in half_made(cache)):
            return
        time.sleep(0.01)
    raise AssertionError("nobody builds")


def finish(process: "subprocess.Popen[str]") -> str:
    output: str = process.communicate(timeout=60)[0]
    return output


def test_a_kill_leaves_nothing_that_is_used(flat: Path, cache: Path) -> None:
    process = builder(flat, 0.2)
    wait_until_building(cache)
    process.send_signal(signal.SIGKILL)
    finish(process)
    assert not [path for path in cache.glob("pictures/*") if not path.name.startswith(".")]
    assert cache_entries()[-1].index["source"] == "left by a killed process"
    samples = find(flat).samples
    open_store(samples[:3], 16)  # another key also cleans up
    assert half_made(cache) == []
    assert len(open_store(samples, 16).rows) == 20


def test_concurrent_runs_build_once(flat: Path, cache: Path) -> None:
    first = builder(flat, 0.05)
    wait_until_building(cache)
    assert clear_cache([e for e in cache_entries() if e.kind == "pictures"]) == 0
    second = builder(flat, 60)
    outputs = [finish(first), finish(second)]
    assert outputs[0].splitlines()[-1] == outputs[1].splitlines()[-1]
    assert "decoding 20 pictures" in outputs[0]
    assert "waiting for another process that makes the same pictures" in outputs[1]
    assert "decoding" not in outputs[1]
    assert len(kept()) == 1


def test_clearing_removes_the_files_of_locks_that_nobody_holds(flat: Path, cache: Path) -> None:
    open_store(find(flat).samples[:3], 16)
    first = builder(flat, 0.2)
    wait_until_building(cache)
    clear_cache()
    (held,) = (cache / "locks").iterdir()
    assert held.name.startswith("pictures-")
    assert "decoding 20 pictures" in finish(first)
    assert len(kept()) == 1
    clear_cache()
    assert list((cache / "locks").iterdir()) == []


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns so often that what can come between two steps does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_clearing_lets_nobody_build_what_another_builds() -> None:
    building: Counter[str] = Counter()
    most, done = [], threading.Event()

    def build_often(key: str) -> None:
        def build(_: Path) -> dict[str, Any]:
            building[key] += 1
            most.append(building[key])
            time.sleep(0.15)
            building[key] -= 1
            return {"source": key}

        for _ in range(4):
            build_once("pictures", key, build)

    def clear_often() -> None:
        while not done.is_set():
            clear_cache()

    clearing = threading.Thread(target=clear_often)
    clearing.start()
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(build_often, "aaaa"))
    finally:
        done.set()
        clearing.join()
    assert max(most) == 1


def test_ctrl_c_leaves_nothing(flat: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("alexnet.data.store.decode", stop)
    with pytest.raises(KeyboardInterrupt):
        open_store(find(flat).samples, 16)
    assert (half_made(cache), kept()) == ([], [])


def test_too_little_room_is_told_before(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 8, 1000))
    with pytest.raises(UserError) as caught:
        open_store(find(flat).samples, 256)
    said = str(caught.value)
    assert said.startswith("keeping 20 decoded pictures needs 4 MB in ")
    assert "1 kB are free" in said
    assert "ALEXNET_CACHE_DIR" in said
    assert "\n" not in said


def test_the_disk_becomes_full(flat: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    class Full:
        def __init__(self, file: IO[Any]) -> None:
            self.file = file

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: Any) -> int:
            if self.file.tell() > 4000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data)

    def opened(path: Path, mode: str = "r", **options: Any) -> Any:
        file = real(path, mode, **options)
        return Full(file) if path.name == "pictures.npy" and "w" in mode else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(RunError, match="the disk is full") as caught:
        open_store(find(flat).samples, 16)
    assert "\n" not in str(caught.value)
    assert (half_made(cache), kept()) == ([], [])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no such file system here")
def test_a_place_where_nothing_can_be_made_names_the_way_out(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEXNET_CACHE_DIR", "/proc/nothing/here")
    with pytest.raises(UserError, match=r"/proc/nothing/here cannot be written.*or set ALEXNET"):
        open_store(find(flat).samples, 16)


def test_a_cache_that_cannot_be_written(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALEXNET_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be written.*ALEXNET_CACHE_DIR"):
        open_store(find(flat).samples, 16)


def test_nothing_is_written_into_the_data(flat: Path) -> None:
    def look() -> list[tuple[str, int]]:
        return sorted((str(p), p.stat().st_mtime_ns) for p in [flat, *flat.rglob("*")])

    before = look()
    open_store(find(flat).samples, 16)
    assert look() == before


def test_no_samples() -> None:
    with pytest.raises(UserError, match="no pictures to open"):
        open_store([], 16)


class TestFingerprints:
    def age(self, folder: Path) -> list[str]:
        """Old files: only of these is the hash remembered."""
        paths = sorted(folder.rglob("*.png"))
        for path in paths:
            os.utime(path, (1, 1))
        return [str(path) for path in paths]

    def test_content_decides(self, picture: MakePicture, tmp_path: Path) -> None:
        one, copy, other = picture("1.png", 1), picture("2.png", 1), picture("3.png", 3)
        first, second, third, none, pipe = fingerprints(
            [str(one), str(copy), str(other), str(tmp_path / "no"), str(tmp_path)]
        )
        assert first == second != third
        assert first is not None
        assert len(first) == 16
        assert none is None
        assert pipe is None

    def test_what_is_known_is_not_read_again(
        self, flat: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("alexnet.data.fingerprint._SETTLED_NS", -(10**9))
        paths = self.age(flat)
        first = fingerprints(paths)
        reads: list[str] = []
        monkeypatch.setattr("alexnet.data.fingerprint._digest", reads.append)
        assert fingerprints(paths) == first
        assert reads == []

    def test_a_file_replaced_by_one_of_its_size_and_time(
        self, flat: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("alexnet.data.fingerprint._SETTLED_NS", -(10**9))
        paths = self.age(flat)
        first = fingerprints(paths)
        data = bytearray(Path(paths[0]).read_bytes())
        data[-20] ^= 1
        Path(paths[0]).write_bytes(data)
        os.utime(paths[0], (1, 1))
        assert fingerprints(paths)[0] != first[0]
        assert fingerprints(paths)[1:] == first[1:]

    @pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + bytes(200)])
    def test_a_broken_memo_is_made_anew(self, damage: bytes, flat: Path, cache: Path) -> None:
        paths = self.age(flat)
        first = fingerprints(paths)
        for path in cache.glob("fingerprints.sqlite*"):
            path.unlink()
        (cache / "fingerprints.sqlite").write_bytes(damage)
        assert fingerprints(paths) == first
        assert fingerprints(paths) == first

    def test_without_a_memo(self, flat: Path, cache: Path) -> None:
        (cache / "fingerprints.sqlite").mkdir()
        assert None not in fingerprints(self.age(flat))


def test_store_is_a_public_name() -> None:
    assert Store.__doc__
