"""Every image is decoded once and read from the store unchanged."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from alexnet.data import Store, find, open_store
from alexnet.data.decoding import decode
from alexnet.errors import UserError
from alexnet.progress import Advance, no_progress

from .conftest import cached_image_keys


class RecordingProgress:
    """A `Progress` that records the descriptions."""

    def __init__(self) -> None:
        self.descriptions: list[str] = []

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Advance]:
        self.descriptions.append(description)
        with no_progress(description, total) as steps:
            yield steps


def test_rows_are_the_decoded_images(flat: Path) -> None:
    (flat / "cat/3.png").write_bytes(b"")
    (flat / "dog/4.png").write_bytes(b"hello")
    data = find(flat)
    store = open_store(data.samples, 16)
    assert len(store) == 20
    assert store.rows.tolist() == [i for i in range(20) if i not in (3, 14)]
    assert store.rows.dtype == np.int64
    assert store.labels.tolist() == [0] * 10 + [1] * 10
    assert store.unreadable == [
        (data.samples[3].path, "the file is empty"),
        (data.samples[14].path, "not an image, or an unsupported format"),
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


def test_a_cached_store_is_not_decoded_again(flat: Path, tmp_path: Path) -> None:
    first = open_store(find(flat).samples, 16)
    shutil.copytree(flat, tmp_path / "moved")
    progress = RecordingProgress()
    second = open_store(find(tmp_path / "moved").samples, 16, progress=progress)
    assert second.path == first.path
    assert progress.descriptions == ["reading files"]
    assert len(cached_image_keys()) == 1


def test_cache_key_depends_on_contents_order_and_settings(flat: Path) -> None:
    samples = find(flat).samples
    paths = {open_store(samples, 16).path, open_store(samples, 8).path}
    paths |= {open_store(samples[::-1], 16).path, open_store(samples[1:], 16).path}
    paths.add(open_store(samples, 16, max_pixels=10).path)
    assert len(paths) == 5
    before = open_store(samples, 16)
    shutil.copy(flat / "cat/1.png", flat / "cat/2.png")
    assert open_store(samples, 16).path != before.path


def test_a_corrupt_store_is_rebuilt(flat: Path) -> None:
    samples = find(flat).samples
    store = open_store(samples, 16)
    expected = np.load(store.path)
    for damage in (b"", store.path.read_bytes()[:-1]):
        store.path.write_bytes(damage)
        np.testing.assert_array_equal(np.load(open_store(samples, 16).path), expected)
    (store.path.parent / "index.json").write_text("{")
    np.testing.assert_array_equal(np.load(open_store(samples, 16).path), expected)


def test_views_outlive_the_release_of_pages(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexnet.data.store._RELEASE_BYTES", 2000)
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
def test_memory_is_bounded(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """300 images of 512 pixels are 236 MB, far more than the limit."""
    monkeypatch.setattr("alexnet.data.store._RELEASE_BYTES", 20 << 20)
    store = open_store(find(flat).samples * 15, 512)

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before, peak = resident(), 0
    for row in range(len(store)):
        assert store[row].sum() > 0
        peak = max(peak, resident() - before)
    assert peak < 80 << 20


def test_nothing_is_written_into_the_dataset(flat: Path) -> None:
    def snapshot() -> list[tuple[str, int]]:
        return sorted((str(p), p.stat().st_mtime_ns) for p in [flat, *flat.rglob("*")])

    before = snapshot()
    open_store(find(flat).samples, 16)
    assert snapshot() == before


def test_empty_samples_are_rejected() -> None:
    with pytest.raises(UserError, match="no images: samples is empty"):
        open_store([], 16)


def test_store_is_public() -> None:
    assert Store.__doc__
