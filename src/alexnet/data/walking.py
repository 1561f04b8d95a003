"""Walk folders in search of images: every folder once, hidden ones skipped, loops detected."""

# ruff: noqa: PTH116, PTH122
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from alexnet.data.decoding import IMAGE_SUFFIXES

_HIDDEN_NAMES = ("__MACOSX",)


class Entry(NamedTuple):
    """One file or folder met during a walk."""

    kind: Literal["folder", "image", "other", "hidden", "empty", "loop", "unreadable"]
    """`hidden`, `empty`, `loop` and `unreadable` are folders that were not descended into;
    `other` is a file that is not an image."""
    path: str
    error: OSError | None = None
    """Why an `unreadable` folder could not be listed."""


def is_image_name(name: str) -> bool:
    """Return whether a file name has an image suffix.

    >>> is_image_name("a.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def list_folder(folder: str, key: Callable[[str], Any] | None = None) -> list[Entry]:
    """List a folder, sorted by name; hidden files are left out.

    Args:
        key: sort key of a name; plain string order if None.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        children = {entry.name: entry for entry in entries}
    listing = []
    for name in sorted(children, key=key):
        is_folder = _is_folder(children[name])
        if name.startswith(".") or name in _HIDDEN_NAMES:
            if is_folder:
                listing.append(Entry("hidden", children[name].path))
        elif is_folder:
            listing.append(Entry("folder", children[name].path))
        else:
            kind: Literal["image", "other"] = "image" if is_image_name(name) else "other"
            listing.append(Entry(kind, children[name].path))
    return listing


def walk(
    folder: str, *, visited: Iterable[object] = (), key: Callable[[str], Any] | None = None
) -> Iterator[Entry]:
    """Yield the files under a folder depth-first, and the folders that were skipped.

    Symbolic links are followed, but no folder is entered twice.

    Args:
        visited: identities (see `folder_identity`) of folders that must not be entered.
        key: as for `list_folder`.
    """
    seen = set(visited)
    stack = [Entry("folder", folder)]
    while stack:
        entry = stack.pop()
        if entry.kind != "folder":
            yield entry
            continue
        identity = folder_identity(entry.path)
        if identity in seen:
            yield Entry("loop", entry.path)
            continue
        seen.add(identity)
        try:
            children = list_folder(entry.path, key)
        except OSError as error:
            yield Entry("unreadable", entry.path, error)
            continue
        if not any(child.kind in ("folder", "image") for child in children):
            yield Entry("empty", entry.path)
        stack += reversed(children)


def folder_identity(path: str) -> object:
    """Return a value shared by all paths that lead to the same folder."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a dangling or circular link
        return False
