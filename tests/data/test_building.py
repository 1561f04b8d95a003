"""Stores in the cache are complete or absent, whatever happens while they are built."""

import errno
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import pytest

from alexnet.data import cache_entries, clear_cache, find, open_store
from alexnet.errors import RunError, UserError
from alexnet.io.cache import build_once

from .conftest import cached_image_keys, unfinished_entries

Usage = namedtuple("Usage", "total used free")

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
sys.stdin.readline()
from contextlib import contextmanager
from alexnet.progress import no_progress
def progress(description, total):
    print(description, flush=True)
    return no_progress(description, total)
opened = open_store(find(sys.argv[1]).samples, 16, workers=1, progress=progress)
print(opened.path, flush=True)
"""


def builder(flat: Path, seconds: float) -> "subprocess.Popen[str]":
    """Start a process that imports what it needs and then waits for `go`."""
    command = [sys.executable, "-c", BUILD, str(flat), str(seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process


def wait_until_building(cache: Path) -> None:
    for _ in range(1000):
        if any((folder / "images.npy").exists() for folder in unfinished_entries(cache)):
            return
        time.sleep(0.01)
    raise AssertionError("no process builds a store")


def finish(process: "subprocess.Popen[str]") -> str:
    output: str = process.communicate(timeout=60)[0]
    return output


def test_a_killed_build_is_never_used(flat: Path, cache: Path) -> None:
    process = go(builder(flat, 0.2))
    wait_until_building(cache)
    process.send_signal(signal.SIGKILL)
    finish(process)
    assert not [path for path in cache.glob("images/*") if not path.name.startswith(".")]
    assert cache_entries()[-1].index["source"] == "left by a killed process"
    samples = find(flat).samples
    open_store(samples[:3], 16)  # another key also cleans up
    assert unfinished_entries(cache) == []
    assert len(open_store(samples, 16).rows) == 20


def test_concurrent_processes_build_once(flat: Path, cache: Path) -> None:
    second = builder(flat, 60)
    first = go(builder(flat, 0.1))
    wait_until_building(cache)
    assert clear_cache([e for e in cache_entries() if e.kind == "images"]) == 0
    go(second)
    outputs = [finish(first), finish(second)]
    assert outputs[0].splitlines()[-1] == outputs[1].splitlines()[-1]
    assert "decoding 20 images" in outputs[0]
    assert "waiting for another process that creates the same images" in outputs[1]
    assert "decoding" not in outputs[1]
    assert len(cached_image_keys()) == 1


def test_clear_cache_removes_free_locks(flat: Path, cache: Path) -> None:
    open_store(find(flat).samples[:3], 16)
    first = go(builder(flat, 0.2))
    wait_until_building(cache)
    clear_cache()
    (held,) = (cache / "locks").iterdir()
    assert held.name.startswith("images-")
    assert "decoding 20 images" in finish(first)
    assert len(cached_image_keys()) == 1
    clear_cache()
    assert list((cache / "locks").iterdir()) == []


@pytest.fixture
def frequent_thread_switches() -> Iterator[None]:
    """Switch threads so often that races become likely."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_thread_switches")
def test_clear_cache_does_not_break_the_lock_of_a_build() -> None:
    building: Counter[str] = Counter()
    concurrent, done = [], threading.Event()

    def build_often(key: str) -> None:
        def build(_: Path) -> dict[str, Any]:
            building[key] += 1
            concurrent.append(building[key])
            time.sleep(0.15)
            building[key] -= 1
            return {"source": key}

        for _ in range(4):
            build_once("images", key, build)

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
    assert max(concurrent) == 1


def test_keyboard_interrupt_leaves_nothing_behind(
    flat: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("alexnet.data.store.decode", stop)
    with pytest.raises(KeyboardInterrupt):
        open_store(find(flat).samples, 16)
    assert (unfinished_entries(cache), cached_image_keys()) == ([], [])


def test_lack_of_disk_space_is_reported_in_advance(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 8, 1000))
    with pytest.raises(UserError) as caught:
        open_store(find(flat).samples, 256)
    message = str(caught.value)
    assert message.startswith("not enough disk space: caching 20 decoded images needs 4 MB in ")
    assert "1 kB are free" in message
    assert "ALEXNET_CACHE_DIR" in message
    assert "\n" not in message


def test_a_full_disk_leaves_nothing_behind(
    flat: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    class FullDisk:
        def __init__(self, file: IO[Any]) -> None:
            self.file = file

        def __enter__(self) -> "FullDisk":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: Any) -> int:
            if self.file.tell() > 4000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data)

    def opened(path: Path, mode: str = "r", **options: Any) -> Any:
        file = real(path, mode, **options)
        return FullDisk(file) if path.name == "images.npy" and "w" in mode else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(RunError, match="the disk is full") as caught:
        open_store(find(flat).samples, 16)
    assert "\n" not in str(caught.value)
    assert (unfinished_entries(cache), cached_image_keys()) == ([], [])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_an_impossible_cache_dir_names_the_environment_variable(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEXNET_CACHE_DIR", "/proc/nothing/here")
    expected = r"cannot write the cache /proc/nothing/here.*or set ALEXNET"
    with pytest.raises(UserError, match=expected):
        open_store(find(flat).samples, 16)


def test_a_cache_dir_that_is_a_file_is_rejected(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALEXNET_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot write the cache.*ALEXNET_CACHE_DIR"):
        open_store(find(flat).samples, 16)
