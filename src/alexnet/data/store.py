"""Decoded images, kept: every image is decoded once, and later read from a mapped file."""

# ruff: noqa: PTH120
# Paths are texts here: a million of them take a fifth of the memory of Path objects.

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
from alexnet.data.membership import contents
from alexnet.data.parallel import ordered_map
from alexnet.data.samples import Sample
from alexnet.errors import UserError
from alexnet.io.cache import build_once, cache_dir, read_index, require_space
from alexnet.progress import Progress, no_progress
from alexnet.text import byte_text, counted, printable

IMAGES = "images.npy"

_SAY_ABOVE_BYTES = 1_000_000_000

# Pages of the mapped file that were read count as this process's memory until they are let go.
_LET_GO_BYTES = 128 << 20


@dataclass(frozen=True)
class _File:
    """The array on disk: a standard .npy file."""

    path: Path
    offset: int
    count: int
    size_px: int

    @property
    def image_bytes(self) -> int:
        return self.size_px * self.size_px * 3


class Store:
    """Images (size_px, size_px, 3), uint8 RGB, read from a mapped file.

    Memory does not grow with the number of images, and any number of threads may read.
    Rows are the places of the samples that the store was opened with.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        file: _File,
        broken: dict[int, str],
        digests: Sequence[bytes | None],
    ) -> None:
        self.samples = samples
        self.path = file.path
        self.size_px = file.size_px
        self.broken = [(samples[row], broken[row]) for row in sorted(broken)]
        """The samples that cannot be read, each with the reason."""
        self.rows: npt.NDArray[np.int64] = np.array(
            [row for row in range(len(samples)) if row not in broken], dtype=np.int64
        )
        """Rows of the readable samples."""
        self.labels: npt.NDArray[np.int64] = np.array([s.label for s in samples], dtype=np.int64)
        """Label of every row, also of those that cannot be read."""
        self.contents = contents(digests)
        """What each row's file is known by; see `alexnet.data.seen`."""
        self._file = file
        with file.path.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self._served_bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Number of rows, with those that cannot be read."""
        return self._file.count

    def __getitem__(self, row: int) -> Pixels:
        """The image of a row as a read-only view of the file, (size_px, size_px, 3).

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= row < self._file.count:
            raise IndexError(f"row {row} of {self._file.count}")
        size, offset = self.size_px, self._file.offset + int(row) * self._file.image_bytes
        view = np.frombuffer(self._map, np.uint8, self._file.image_bytes, offset)
        self._serve(self._file.image_bytes)
        return view.reshape(size, size, 3)

    def read(self, rows: "Sequence[int] | npt.NDArray[np.int64]") -> list[Pixels]:
        """The images of these rows, as views."""
        return [self[int(row)] for row in rows]

    def _serve(self, size: int) -> None:
        """Let the pages go from time to time; a view that is still in use reads them again."""
        with self._lock:
            self._served_bytes += size
            if self._served_bytes < _LET_GO_BYTES:
                return
            self._served_bytes = 0
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
    """The store with these samples' images; they are decoded if nobody has done so before.

    The key is the content of the files in this order and the settings; so a data set that was
    moved is found again, and one that was changed is decoded anew.

    Args:
        samples: whose images; row i of the store is sample i.
        size_px: side of the kept squares.
        workers: threads that decode; all cores when not given.
        progress: told how far reading and decoding are.
        max_pixels: an image with more pixels counts as unreadable.

    Raises:
        UserError: no samples, or the cache's disk has too little room or cannot be written.
        RunError: the disk became full on the way; nothing half-made is left.
    """
    if not samples:
        raise UserError("no images to open")
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
            f"the kept images in {printable(folder)} were removed meanwhile; start again"
        )
    broken = {int(row): why for row, why in index["broken"].items()}
    return Store(samples, file, broken, digests)


def _key(digests: Sequence[bytes | None], size_px: int, max_pixels: int) -> str:
    settings = f"decoder {DECODER_VERSION}, size {size_px}, pixels {max_pixels};"
    key = hashlib.blake2b(settings.encode(), digest_size=DIGEST_BYTES)
    for digest in digests:
        key.update(digest or bytes(DIGEST_BYTES))
    return key.hexdigest()


def _opened(folder: Path, count: int, size_px: int) -> _File | None:
    """The array in the folder; None when it is not a whole one of this shape."""
    path, index = folder / IMAGES, read_index(folder)
    try:
        with path.open("rb") as file:
            offset, shape = _read_header(file)
        size_bytes = path.stat().st_size
    except (OSError, ValueError):
        return None
    whole = shape == (count, size_px, size_px, 3) and size_bytes == offset + math.prod(shape)
    has_index = index is not None and isinstance(index.get("broken"), dict)
    return _File(path, offset, count, size_px) if whole and has_index else None


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
    """Decode everything into the folder; returns its index."""
    count, size_bytes = len(samples), len(samples) * size_px * size_px * 3
    require_space(cache_dir(), size_bytes, f"keeping {counted(count, 'decoded image')}")
    what = f"decoding {counted(count, 'image')}"
    if size_bytes > _SAY_ABOVE_BYTES:
        what += f" ({byte_text(size_bytes)} in {printable(cache_dir())})"
    broken: dict[int, str] = {}
    blank = bytes(size_px * size_px * 3)
    read = _reader(size_px, max_pixels)
    with (folder / IMAGES).open("wb") as file, progress(what, count) as steps:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size_px, size_px, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for row, found in enumerate(ordered_map(read, (s.path for s in samples), workers)):
            if isinstance(found, str):
                broken[row] = found
            file.write(blank if isinstance(found, str) else found.data)
            steps.advance()
    source = os.path.commonpath([os.path.dirname(s.path) for s in samples])
    return {
        "source": printable(source),
        "count": count,
        "size_px": size_px,
        "max_pixels": max_pixels,
        "decoder_version": DECODER_VERSION,
        "broken": broken,
    }


def _reader(size_px: int, max_pixels: int) -> Callable[[str], "Pixels | str"]:
    def read(path: str) -> "Pixels | str":
        """The pixels, or why there are none."""
        try:
            return decode(path, size_px, max_pixels)
        except ImageError as error:
            return str(error)

    return read
