"""A cache of decoded images: each is decoded once, then read from a memory-mapped file."""

# ruff: noqa: PTH120
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import hashlib
import math
import mmap
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from alexnet.data.decoding import DECODER_VERSION, MAX_PIXELS, ImageError, Pixels, decode
from alexnet.data.hashing import DIGEST_BYTES, fingerprints
from alexnet.data.membership import content_ids
from alexnet.data.parallel import ordered_map
from alexnet.data.samples import Sample
from alexnet.errors import UserError
from alexnet.io.cache import build_once, cache_dir, read_index, require_space
from alexnet.progress import Progress, no_progress
from alexnet.text import format_bytes, pluralize, printable

IMAGES = "images.npy"

_SHOW_SIZE_ABOVE_BYTES = 1_000_000_000

# Pages of the mapped file that were read count as memory of this process until released.
_RELEASE_BYTES = 128 << 20


@dataclass(frozen=True)
class _File:
    """The array on disk, a .npy file."""

    path: Path
    offset: int
    count: int
    size_px: int

    @property
    def image_bytes(self) -> int:
        return self.size_px * self.size_px * 3


class Store:
    """Images (size_px, size_px, 3), uint8 RGB, read from a memory-mapped file.

    Memory does not grow with the number of images, and any number of threads may read.
    Row i is the i-th of the samples passed to `open_store`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        file: _File,
        unreadable: dict[int, str],
        digests: Sequence[bytes | None],
    ) -> None:
        self.samples = samples
        self.path = file.path
        self.size_px = file.size_px
        self.unreadable = [(samples[row].path, unreadable[row]) for row in sorted(unreadable)]
        """Path and reason of each unreadable image."""
        self.rows: npt.NDArray[np.int64] = np.array(
            [row for row in range(len(samples)) if row not in unreadable], dtype=np.int64
        )
        """Rows of the readable images."""
        self.labels: npt.NDArray[np.int64] = np.array([s.label for s in samples], dtype=np.int64)
        """Label of every row, including those of unreadable images."""
        self.content_ids = content_ids(digests)
        """Id of each row's content; see `alexnet.data.membership`."""
        self._file = file
        with file.path.open("rb") as stream:
            self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self._read_bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of rows, including those of unreadable images."""
        return self._file.count

    def __getitem__(self, row: int) -> Pixels:
        """Return the image of a row as a read-only view of the file, (size_px, size_px, 3).

        Raises:
            IndexError: row is out of range.
        """
        if not 0 <= row < self._file.count:
            raise IndexError(f"row {row} is out of range for {self._file.count} rows")
        size, offset = self.size_px, self._file.offset + int(row) * self._file.image_bytes
        view = np.frombuffer(self._map, np.uint8, self._file.image_bytes, offset)
        self._count_read(self._file.image_bytes)
        return view.reshape(size, size, 3)

    def read(self, rows: "Sequence[int] | npt.NDArray[np.int64]") -> list[Pixels]:
        """Return the images of these rows, as views."""
        return [self[int(row)] for row in rows]

    def _count_read(self, size: int) -> None:
        """Release the mapped pages now and then; a view still in use reads them again."""
        with self._lock:
            self._read_bytes += size
            if self._read_bytes < _RELEASE_BYTES:
                return
            self._read_bytes = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def open_store(
    samples: Sequence[Sample],
    size_px: int,
    workers: int | None = None,
    progress: Progress | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
) -> Store:
    """Open the store of the samples' images, decoding them unless they are cached.

    The cache key is a digest of the files' contents in this order and of the settings, so a
    dataset that was moved is not decoded again, and one that was changed is.

    Args:
        samples: the images; row i of the store is sample i.
        size_px: side of the stored images.
        workers: number of decoding threads; one per core if None.
        progress: reports the progress of reading and decoding.
        max_pixels: images with more pixels count as unreadable.

    Raises:
        UserError: there are no samples, or the cache has too little space or is read-only.
        RunError: the disk became full; nothing incomplete is left behind.
    """
    if not samples:
        raise UserError("no images: samples is empty")
    progress = progress or no_progress
    digests = fingerprints([sample.path for sample in samples], progress, workers)
    key = _key(digests, size_px, max_pixels)

    def build(folder: Path) -> dict[str, Any]:
        return _build(folder, samples, size_px, max_pixels, workers, progress)

    def valid(folder: Path) -> bool:
        return _opened(folder, len(samples), size_px) is not None

    folder = build_once("images", key, build, valid=valid, progress=progress)
    file, index = _opened(folder, len(samples), size_px), read_index(folder)
    if file is None or index is None:
        raise UserError(
            f"the cached images in {printable(folder)} were removed while in use; try again"
        )
    unreadable = {int(row): reason for row, reason in index["unreadable"].items()}
    return Store(samples, file, unreadable, digests)


def _key(digests: Sequence[bytes | None], size_px: int, max_pixels: int) -> str:
    settings = f"decoder {DECODER_VERSION}, size {size_px}, pixels {max_pixels};"
    key = hashlib.blake2b(settings.encode(), digest_size=DIGEST_BYTES)
    for digest in digests:
        key.update(digest or bytes(DIGEST_BYTES))
    return key.hexdigest()


def _opened(folder: Path, count: int, size_px: int) -> _File | None:
    """Return the array in the folder, or None if it is incomplete or of another shape."""
    path, index = folder / IMAGES, read_index(folder)
    try:
        with path.open("rb") as file:
            offset, shape = _read_header(file)
        size_bytes = path.stat().st_size
    except (OSError, ValueError):
        return None
    is_complete = shape == (count, size_px, size_px, 3) and size_bytes == offset + math.prod(shape)
    has_index = index is not None and isinstance(index.get("unreadable"), dict)
    return _File(path, offset, count, size_px) if is_complete and has_index else None


def _read_header(file: BinaryIO) -> tuple[int, tuple[int, ...]]:
    np.lib.format.read_magic(file)
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if fortran or dtype != np.uint8:
        raise ValueError("not an array of bytes in C order")
    return file.tell(), shape


def _build(
    folder: Path,
    samples: Sequence[Sample],
    size_px: int,
    max_pixels: int,
    workers: int | None,
    progress: Progress,
) -> dict[str, Any]:
    """Decode all images into the folder and return its index."""
    count, size_bytes = len(samples), len(samples) * size_px * size_px * 3
    require_space(cache_dir(), size_bytes, f"caching {pluralize(count, 'decoded image')}")
    description = f"decoding {pluralize(count, 'image')}"
    if size_bytes > _SHOW_SIZE_ABOVE_BYTES:
        description += f" ({format_bytes(size_bytes)} in {printable(cache_dir())})"
    unreadable: dict[int, str] = {}
    blank = bytes(size_px * size_px * 3)
    read = _reader(size_px, max_pixels)
    with (folder / IMAGES).open("wb") as file, progress(description, count) as steps:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size_px, size_px, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for row, result in enumerate(ordered_map(read, (s.path for s in samples), workers)):
            if isinstance(result, str):
                unreadable[row] = result
            file.write(blank if isinstance(result, str) else result.data)
            steps.advance()
    source = os.path.commonpath([os.path.dirname(s.path) for s in samples])
    return {
        "source": printable(source),
        "count": count,
        "size_px": size_px,
        "max_pixels": max_pixels,
        "decoder_version": DECODER_VERSION,
        "unreadable": unreadable,
    }


def _reader(size_px: int, max_pixels: int) -> Callable[[str], "Pixels | str"]:
    def read(path: str) -> "Pixels | str":
        """Return the pixels, or the reason why the image is unreadable."""
        try:
            return decode(path, size_px, max_pixels)
        except ImageError as error:
            return str(error)

    return read
