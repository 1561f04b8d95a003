"""The features of many images, kept in the cache: each image is computed once for a run.

An entry is for a set of contents, whatever the files are called and wherever they lie. When the
set has changed, what earlier entries of the same weights hold is taken from there.
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
from alexnet.inspect.extraction import feature_blocks
from alexnet.inspect.opened_run import Opened, layer_shapes
from alexnet.io.cache import build_once, cache_dir, cache_entries, read_index, require_space
from alexnet.prediction.inputs import Input
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST
from alexnet.text import counted, printable

KIND = "features"
_FEATURES, _CONTENTS = "features.npy", "contents.npy"
_COPIED_ROWS = 256
"""Rows that are copied at a time."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """Features of images, read from a mapped file."""

    paths: list[str]
    """Those that could be read."""
    rows: NDArray[np.int64]
    """(len(paths),): the row of each; files of the same content share one."""
    features: NDArray[np.float32]
    """(contents, values)"""
    broken: list[tuple[str, str]]
    """The others, with the reasons."""


def open_index(
    opened: Opened,
    paths: Sequence[str],
    layer: str,
    *,
    compute: Compute = Compute(),  # noqa: B008
    progress: Progress = no_progress,
) -> Index:
    """The features of these images; only what was never computed with these weights is.

    Raises:
        UserError: the cache's disk has too little room, or it cannot be written.
        RunError: the network computes values that are not finite, or the disk became full.
    """
    digests = fingerprints(paths, progress, compute.workers)
    by_content = {digest: path for path, digest in zip(paths, digests, strict=True) if digest}
    contents = sorted(by_content)
    space = _space(opened, layer)
    size = int(np.prod(layer_shapes(opened.run.architecture)[layer]))

    def build(folder: Path) -> dict[str, Any]:
        require_space(
            cache_dir(), len(contents) * size * 4, f"keeping {layer} of {len(contents):,} images"
        )
        array = np.lib.format.open_memmap(
            folder / _FEATURES, "w+", np.dtype("<f4"), (len(contents), size)
        )
        known = _copy_known(array, contents, space)
        todo = [row for row, digest in enumerate(contents) if digest not in known]
        inputs = [Input(by_content[contents[row]]) for row in todo]
        broken = _compute(opened, inputs, layer, array, todo, compute, progress)
        array.flush()
        flat = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, DIGEST_BYTES)
        np.save(folder / _CONTENTS, flat)
        names = {contents[row].hex(): reason for row, reason in broken.items()}
        return {
            "source": f"{layer} of {counted(len(contents), 'image')}, "
            f"{printable(opened.run.folder)}",
            "count": len(contents),
            "space": space,
            "broken": names,
        }

    if not contents:  # a cache entry of nothing would help nobody
        why = [(path, _why_unread(path)) for path in paths]
        nothing = np.zeros((0, size), np.float32)
        return Index(paths=[], rows=np.zeros(0, np.int64), features=nothing, broken=why)
    key = hashlib.blake2b(space.encode() + b"".join(contents), digest_size=DIGEST_BYTES)
    folder = build_once(KIND, key.hexdigest(), build, valid=_is_whole, progress=progress)
    return _opened_index(folder, paths, digests, contents)


def _space(opened: Opened, layer: str) -> str:
    """A name for all that features depend on but the image."""
    run = opened.run
    files = [str(run.folder / BEST)]
    if run.preprocessing.mean_image is not None:
        files.append(str(run.folder / run.preprocessing.mean_image))
    described = {
        "files": [digest.hex() if digest else None for digest in fingerprints(files)],
        "architecture": run.architecture.to_dict(),
        "preprocessing": run.preprocessing.to_dict(),
        "layer": layer,
        "decoder": DECODER_VERSION,
    }
    text = json.dumps(described, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def _copy_known(array: NDArray[np.float32], contents: list[bytes], space: str) -> set[bytes]:
    """Copy the rows that earlier entries have; returns the contents that are done with it."""
    places = {digest: row for row, digest in enumerate(contents)}
    known: set[bytes] = set()
    for entry in cache_entries():
        if entry.kind != KIND or entry.index.get("space") != space or not _is_whole(entry.path):
            continue
        theirs = [bytes(row) for row in np.load(entry.path / _CONTENTS)]
        # One that could not be read may be readable now, where memory was what lacked.
        unread = set(entry.index["broken"])
        pairs = [
            (places[digest], row)
            for row, digest in enumerate(theirs)
            if digest in places and digest not in known and digest.hex() not in unread
        ]
        features = np.load(entry.path / _FEATURES, mmap_mode="r")
        for start in range(0, len(pairs), _COPIED_ROWS):
            here, there = zip(*pairs[start : start + _COPIED_ROWS], strict=True)
            array[list(here)] = features[list(there)]
        known |= {contents[place] for place, _ in pairs}
    return known


def _compute(
    opened: Opened,
    inputs: list[Input],
    layer: str,
    array: NDArray[np.float32],
    rows: list[int],
    compute: Compute,
    progress: Progress,
) -> dict[int, str]:
    """Fill these rows; returns those whose images cannot be read, with the reasons."""
    broken: dict[int, str] = {}
    if not inputs:
        return broken
    row_of = {one.path: row for one, row in zip(inputs, rows, strict=True)}
    with progress(f"computing {layer} of images", len(inputs)) as steps:
        for block in feature_blocks(opened, inputs, layer, compute=compute):
            places = [row_of[path] for path in block.paths]
            array[places] = block.values.reshape(len(places), -1)
            broken |= {row_of[path]: reason for path, reason in block.broken}
            steps.advance(len(block.paths) + len(block.broken))
    return broken


def _why_unread(path: str) -> str:
    """What is wrong with a file that has no fingerprint."""
    try:
        decode(path, 1)
    except ImageError as error:
        return str(error)
    return "it could not be read a moment ago"


def _is_whole(folder: Path) -> bool:
    index = read_index(folder)
    try:
        rows = np.load(folder / _FEATURES, mmap_mode="r").shape[0]
        contents = len(np.load(folder / _CONTENTS))
    except (OSError, ValueError):
        return False
    return index is not None and "broken" in index and contents == index["count"] == rows


def _opened_index(
    folder: Path, paths: Sequence[str], digests: Sequence[bytes | None], contents: list[bytes]
) -> Index:
    index = read_index(folder)
    if index is None:
        raise UserError(f"the kept features in {printable(folder)} were removed; start again")
    places = {digest: row for row, digest in enumerate(contents)}
    unread = index["broken"]
    whole, rows, broken = [], [], []
    for path, digest in zip(paths, digests, strict=True):
        if digest is None:
            broken.append((path, _why_unread(path)))
        elif digest.hex() in unread:
            broken.append((path, unread[digest.hex()]))
        else:
            whole.append(path)
            rows.append(places[digest])
    features = np.load(folder / _FEATURES, mmap_mode="r")
    return Index(paths=whole, rows=np.array(rows, np.int64), features=features, broken=broken)
