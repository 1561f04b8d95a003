"""Cached features of images: each image is computed once per run and layer.

A cache entry belongs to a set of file contents, independent of file names and folders. When the
set changes, rows are copied from earlier entries that were computed with the same weights.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.data.decoding import DECODER_VERSION, ImageError, decode
from alexnet.data.hashing import DIGEST_BYTES, fingerprints
from alexnet.errors import UserError
from alexnet.inspect.extraction import iterate_features
from alexnet.inspect.opened_run import OpenedRun, layer_shapes
from alexnet.io.cache import build_once, cache_dir, cache_entries, read_index, require_space
from alexnet.prediction.inputs import Input
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST
from alexnet.text import pluralize, printable

KIND = "features"
_FEATURES, _CONTENTS = "features.npy", "contents.npy"
_COPY_ROWS = 256
"""Rows in memory at a time while copying."""


@dataclass(frozen=True, kw_only=True)
class FeatureIndex:
    """Features of images, memory-mapped from a file."""

    paths: list[str]
    """The readable images."""
    rows: NDArray[np.int64]
    """(len(paths),): the row of each image; files with equal contents share one."""
    features: NDArray[np.float32]
    """(contents, values)"""
    unreadable: list[tuple[str, str]]
    """Path and reason of each unreadable image."""


def open_feature_index(
    opened: OpenedRun,
    paths: Sequence[str],
    layer: str,
    *,
    compute: Compute = Compute(),
    progress: Progress = no_progress,
) -> FeatureIndex:
    """Return the features of images, computing those that are not cached for these weights.

    Raises:
        UserError: the cache is not writable or its disk has too little space.
        RunError: the network computes non-finite values, or the disk is full.
    """
    digests = fingerprints(paths, progress, compute.workers)
    by_digest = {digest: path for path, digest in zip(paths, digests, strict=True) if digest}
    contents = sorted(by_digest)
    num_values = int(np.prod(layer_shapes(opened.run.architecture)[layer]))
    if not contents:
        reasons = [(path, _unreadable_reason(path)) for path in paths]
        empty = np.zeros((0, num_values), np.float32)
        return FeatureIndex(
            paths=[], rows=np.zeros(0, np.int64), features=empty, unreadable=reasons
        )
    model_key = _model_key(opened, layer)

    def build(folder: Path) -> dict[str, Any]:
        purpose = f"caching {layer} of {len(contents):,} images"
        require_space(cache_dir(), len(contents) * num_values * 4, purpose)
        array = np.lib.format.open_memmap(
            folder / _FEATURES, "w+", np.dtype("<f4"), (len(contents), num_values)
        )
        copied = _copy_cached_rows(array, contents, model_key)
        missing = {
            by_digest[digest]: row for row, digest in enumerate(contents) if digest not in copied
        }
        unreadable = _compute_rows(opened, missing, layer, array, compute, progress)
        array.flush()
        flat = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, DIGEST_BYTES)
        np.save(folder / _CONTENTS, flat)
        return {
            "source": f"{layer} of {pluralize(len(contents), 'image')}, "
            f"{printable(opened.run.folder)}",
            "count": len(contents),
            "model": model_key,
            "unreadable": {contents[row].hex(): reason for row, reason in unreadable.items()},
        }

    key = hashlib.blake2b(model_key.encode() + b"".join(contents), digest_size=DIGEST_BYTES)
    folder = build_once(KIND, key.hexdigest(), build, valid=_is_complete, progress=progress)
    return _load_index(folder, paths, digests, contents)


def _model_key(opened: OpenedRun, layer: str) -> str:
    """Return a digest of everything that determines features, except the image."""
    run = opened.run
    files = [str(run.folder / BEST)]
    if run.preprocessing.mean_image is not None:
        files.append(str(run.folder / run.preprocessing.mean_image))
    settings = {
        "files": [digest.hex() if digest else None for digest in fingerprints(files)],
        "architecture": run.architecture.to_dict(),
        "preprocessing": run.preprocessing.to_dict(),
        "layer": layer,
        "decoder": DECODER_VERSION,
    }
    text = json.dumps(settings, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def _copy_cached_rows(
    array: NDArray[np.float32], contents: list[bytes], model_key: str
) -> set[bytes]:
    """Copy the rows that earlier entries hold; return the digests of the copied contents."""
    row_of = {digest: row for row, digest in enumerate(contents)}
    copied: set[bytes] = set()
    for entry in cache_entries():
        if (
            entry.kind != KIND
            or entry.index.get("model") != model_key
            or not _is_complete(entry.path)
        ):
            continue
        digests = [bytes(row) for row in np.load(entry.path / _CONTENTS)]
        # Retry the unreadable ones: the reason may have been temporary, such as too little memory.
        unreadable = set(entry.index["unreadable"])
        pairs = [
            (row_of[digest], row)
            for row, digest in enumerate(digests)
            if digest in row_of and digest not in copied and digest.hex() not in unreadable
        ]
        features = np.load(entry.path / _FEATURES, mmap_mode="r")
        for start in range(0, len(pairs), _COPY_ROWS):
            targets, sources = zip(*pairs[start : start + _COPY_ROWS], strict=True)
            array[list(targets)] = features[list(sources)]
        copied |= {contents[row] for row, _ in pairs}
    return copied


def _compute_rows(
    opened: OpenedRun,
    row_of: dict[str, int],
    layer: str,
    array: NDArray[np.float32],
    compute: Compute,
    progress: Progress,
) -> dict[int, str]:
    """Compute the rows of these images; return the rows of unreadable images with the reasons."""
    unreadable: dict[int, str] = {}
    if not row_of:
        return unreadable
    inputs = [Input(path) for path in row_of]
    with progress(f"computing {layer} features", len(inputs)) as steps:
        for block in iterate_features(opened, inputs, layer, compute=compute):
            rows = [row_of[path] for path in block.paths]
            array[rows] = block.values.reshape(len(rows), -1)
            unreadable |= {row_of[path]: reason for path, reason in block.unreadable}
            steps.advance(len(block.paths) + len(block.unreadable))
    return unreadable


def _unreadable_reason(path: str) -> str:
    """Return why a file that could not be hashed is unreadable."""
    try:
        decode(path, 1)
    except ImageError as error:
        return str(error)
    return "temporarily unreadable; try again"


def _is_complete(folder: Path) -> bool:
    index = read_index(folder)
    try:
        rows = np.load(folder / _FEATURES, mmap_mode="r").shape[0]
        contents = len(np.load(folder / _CONTENTS))
    except (OSError, ValueError):
        return False
    return index is not None and "unreadable" in index and contents == index["count"] == rows


def _load_index(
    folder: Path, paths: Sequence[str], digests: Sequence[bytes | None], contents: list[bytes]
) -> FeatureIndex:
    index = read_index(folder)
    if index is None:
        raise UserError(f"the cached features in {printable(folder)} were deleted; run again")
    row_of = {digest: row for row, digest in enumerate(contents)}
    reasons = index["unreadable"]
    readable, rows, unreadable = [], [], []
    for path, digest in zip(paths, digests, strict=True):
        if digest is None:
            unreadable.append((path, _unreadable_reason(path)))
        elif digest.hex() in reasons:
            unreadable.append((path, reasons[digest.hex()]))
        else:
            readable.append(path)
            rows.append(row_of[digest])
    features = np.load(folder / _FEATURES, mmap_mode="r")
    return FeatureIndex(
        paths=readable,
        rows=np.array(rows, np.int64),
        features=features,
        unreadable=unreadable,
    )
