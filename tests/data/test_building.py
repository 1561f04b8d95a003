"""What is kept is whole or absent, whoever is killed, however many build, however full the disk."""

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

from .conftest import half_made, kept

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
    """A process that has imported all that it needs; `go` lets it begin."""
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
        if any((folder / "images.npy").exists() for folder in half_made(cache)):
            return
        time.sleep(0.01)
    raise AssertionError("nobody builds")


def finish(process: "subprocess.Popen[str]") -> str:
    output: str = process.communicate(timeout=60)[0]
    return output


def test_a_kill_leaves_nothing_that_is_used(flat: Path, cache: Path) -> None:
    process = go(builder(flat, 0.2))
    wait_until_building(cache)
    process.send_signal(signal.SIGKILL)
    finish(process)
    assert not [path for path in cache.glob("images/*") if not path.name.startswith(".")]
    assert cache_entries()[-1].index["source"] == "left by a killed process"
    samples = find(flat).samples
    open_store(samples[:3], 16)  # another key also cleans up
    assert half_made(cache) == []
    assert len(open_store(samples, 16).rows) == 20


def test_concurrent_runs_build_once(flat: Path, cache: Path) -> None:
    second = builder(flat, 60)
    first = go(builder(flat, 0.1))
    wait_until_building(cache)
    assert clear_cache([e for e in cache_entries() if e.kind == "images"]) == 0
    go(second)
    outputs = [finish(first), finish(second)]
    assert outputs[0].splitlines()[-1] == outputs[1].splitlines()[-1]
    assert "decoding 20 images" in outputs[0]
    assert "waiting for another process that makes the same images" in outputs[1]
    assert "decoding" not in outputs[1]
    assert len(kept()) == 1


def test_clearing_removes_the_files_of_locks_that_nobody_holds(flat: Path, cache: Path) -> None:
    open_store(find(flat).samples[:3], 16)
    first = go(builder(flat, 0.2))
    wait_until_building(cache)
    clear_cache()
    (held,) = (cache / "locks").iterdir()
    assert held.name.startswith("images-")
    assert "decoding 20 images" in finish(first)
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
    assert said.startswith("keeping 20 decoded images needs 4 MB in ")
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
        return Full(file) if path.name == "images.npy" and "w" in mode else file

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
