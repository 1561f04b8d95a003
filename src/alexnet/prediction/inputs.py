"""Resolve files, folders, patterns and a list on standard input to image paths."""

# ruff: noqa: PTH112, PTH206, PTH207
# Paths are texts here: they are given back as they were given, and a million of them fit.

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from alexnet.data.walking import walk
from alexnet.errors import UserError
from alexnet.sorting import natural_key
from alexnet.text import join_limited

STANDARD_INPUT = "-"

_NO_IMAGES = "no images in this folder"
_CHUNK_BYTES = 1 << 16


class Input(NamedTuple):
    """The path of an image, or a path without one and the reason."""

    path: str
    error: str | None = None


def find_inputs(
    arguments: Iterable[str | os.PathLike[str]], stdin: BinaryIO | None = None
) -> Iterator[Input]:
    """Yield the images that the arguments name, in order, lazily.

    Args:
        arguments: files; folders, searched to any depth in natural order for files with a
            image's suffix, hidden ones left out; patterns such as `*.jpg`; `-` for a list on
            standard input, a path a line, or paths ended by NUL as `find -print0` writes them.
        stdin: read for `-`; standard input when not given.

    Raises:
        UserError: there is not a single path.
    """
    waiting: list[Input] = []
    any_found = False
    for argument in arguments:
        for candidate in _expanded(os.fspath(argument), stdin):
            waiting.append(candidate)
            any_found |= candidate.error != _NO_IMAGES
            if any_found:
                yield from waiting
                waiting.clear()
    if not any_found:
        empty = [candidate.path for candidate in waiting]
        where = f" in {join_limited(empty)}" if empty else ": the list on standard input is empty"
        raise UserError(f"no images{where}; give files, folders, patterns or - with a list")


def _expanded(argument: str, stdin: BinaryIO | None) -> Iterator[Input]:
    if argument == STANDARD_INPUT:
        for path in _listed(stdin or sys.stdin.buffer):
            yield from _file_or_folder(path)
    elif not os.path.lexists(argument) and glob.has_magic(argument):
        yield from _matches(argument)
    else:
        yield from _file_or_folder(argument)


def _file_or_folder(path: str) -> Iterator[Input]:
    return _walk(path) if os.path.isdir(path) else iter([Input(path)])


def _matches(pattern: str) -> Iterator[Input]:
    """Expand a pattern as a shell does."""
    candidate = sorted(glob.iglob(pattern, recursive=True), key=_path_key)
    for path in candidate:
        if not os.path.isdir(path):
            yield Input(path)
        elif "**" not in pattern:  # which matches what is in the folders itself
            yield from _walk(path)
    if not candidate:
        yield Input(pattern, "no file matches this pattern")


def _path_key(path: str) -> list[object]:
    return [natural_key(part) for part in path.split(os.sep)]


def _walk(root: str) -> Iterator[Input]:
    """Yield the images under a folder; each folder once, even if links form a loop."""
    is_empty = True
    for entry in walk(root, key=natural_key):
        if entry.kind == "image":
            yield Input(entry.path)
        elif entry.error is not None:
            yield Input(entry.path, f"cannot read folder: {entry.error.strerror}")
        else:
            continue
        is_empty = False
    if is_empty:
        yield Input(root, _NO_IMAGES)


def _listed(stream: BinaryIO) -> Iterator[str]:
    """Yield the paths of a list as soon as they are read."""
    read = getattr(stream, "read1", stream.read)
    start = b""
    while not (b"\n" in start or b"\0" in start) and (chunk := read(_CHUNK_BYTES)):
        start += chunk
    # A NUL cannot be part of a name: where there is one, it ends names, and newlines do not.
    separator = b"\0" if b"\0" in start else b"\n"
    for entry in _separated(start.removeprefix(b"\xef\xbb\xbf"), separator, read):
        path = entry if separator == b"\0" else entry.rstrip(b"\r")
        if path:
            yield os.fsdecode(path)


def _separated(rest: bytes, separator: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    while True:
        *entries, rest = rest.split(separator)
        yield from entries
        chunk = read(_CHUNK_BYTES)
        if not chunk:
            break
        rest += chunk
    yield rest
