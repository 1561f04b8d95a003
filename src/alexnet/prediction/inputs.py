"""From files, folders, patterns and a list on standard input to the images they stand for."""

# ruff: noqa: PTH112, PTH116, PTH118, PTH206, PTH207
# Paths are texts here: they are given back as they were given, and a million of them fit.

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from alexnet.data.folders import is_image_name
from alexnet.data.samples import natural_key
from alexnet.errors import UserError
from alexnet.text import some

STANDARD_INPUT = "-"

_NO_IMAGES = "no images in this folder"
_CHUNK_BYTES = 1 << 16


class Input(NamedTuple):
    """An image to look at, or a path that leads to none with the reason."""

    path: str
    error: str | None = None


def find_inputs(
    arguments: Iterable[str | os.PathLike[str]], stdin: BinaryIO | None = None
) -> Iterator[Input]:
    """The images that the arguments stand for, in order, found as they are asked for.

    Args:
        arguments: files; folders, searched to any depth in natural order for files with a
            image's suffix, hidden ones left out; patterns such as `*.jpg`; `-` for a list on
            standard input, a path a line, or paths ended by NUL as `find -print0` writes them.
        stdin: read for `-`; standard input when not given.

    Raises:
        UserError: there is not a single path to look at.
    """
    waiting: list[Input] = []
    any_found = False
    for argument in arguments:
        for found in _expanded(os.fspath(argument), stdin):
            waiting.append(found)
            any_found |= found.error != _NO_IMAGES
            if any_found:
                yield from waiting
                waiting.clear()
    if not any_found:
        empty = [found.path for found in waiting]
        where = f" in {some(empty)}" if empty else ": the list on standard input is empty"
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
    """What a shell would have put in the pattern's place."""
    found = sorted(glob.iglob(pattern, recursive=True), key=_path_key)
    for path in found:
        if not os.path.isdir(path):
            yield Input(path)
        elif "**" not in pattern:  # which finds what is in the folders by itself
            yield from _walk(path)
    if not found:
        yield Input(pattern, "no file matches this pattern")


def _path_key(path: str) -> list[object]:
    return [natural_key(part) for part in path.split(os.sep)]


def _walk(root: str) -> Iterator[Input]:
    """The images under a folder; each folder once, though it be linked into itself."""
    seen: set[tuple[int, int]] = set()
    any_found = False
    waiting = [(root, True)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            any_found = True
            yield Input(path)
            continue
        try:
            waiting += _children(path, seen)
        except OSError as error:
            any_found = True
            yield Input(path, f"folder cannot be read: {error.strerror}")
    if not any_found:
        yield Input(root, _NO_IMAGES)


def _children(folder: str, seen: set[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Paths of the images and folders in a folder, the last in natural order first."""
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return []
    seen.add(identity)
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    shown.sort(key=lambda entry: natural_key(entry.name), reverse=True)
    return [
        (os.path.join(folder, entry.name), is_folder)
        for entry in shown
        if (is_folder := _is_folder(entry)) or is_image_name(entry.name)
    ]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in circles
        return False


def _listed(stream: BinaryIO) -> Iterator[str]:
    """The paths of a list, as soon as they are there."""
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
