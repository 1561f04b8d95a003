"""HDF5 files from anywhere: nothing outside the file is read, and nothing vast is allocated."""

import mmap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from alexnet.errors import UserError
from alexnet.text import byte_text, printable

if TYPE_CHECKING:
    import h5py

MAGIC = b"\x89HDF\r\n\x1a\n"

_LARGEST_EXPANSION = 64
"""Bytes of an array for each byte of its file: more than any trained weights are compressed."""

_HEAP = b"GCOL\x01"


def check_heaps(content: bytes | mmap.mmap, source: str) -> None:
    """Raise UserError for a global heap, where texts are kept, in which HDF5 would never arrive.

    The library (1.14) walks a heap object by object, and stands still for ever at one that is
    empty and numbered 0, as a wrong byte can make it. The layout is that of the HDF5 file format
    specification, version 3, section III.E.
    """
    lengths = content[14] if content[8] < 2 else content[10]  # by the version of the superblock
    header = _aligned(8 + lengths)
    start = content.find(_HEAP)
    while start >= 0:
        size = int.from_bytes(content[start + 8 : start + 8 + lengths], "little")
        place, end = start + header, min(start + size, len(content))
        while place + header <= end:
            number = int.from_bytes(content[place : place + 2], "little")
            size = int.from_bytes(content[place + 8 : place + 8 + lengths], "little")
            step = header + _aligned(size) if number else size
            if not 0 < step <= end - place:
                raise UserError(f"{source} is damaged in its texts; save or download it again")
            place += step
        start = content.find(_HEAP, start + 1)


def groups(root: "h5py.Group", source: str) -> Iterator[tuple[str, "h5py.Group"]]:
    """Every group below, once each, with its path.

    An object that has two paths in the file comes under the first, and a group that holds
    itself ends there.

    Raises:
        UserError: a link by name, which may lead out of the file; it is not followed.
    """
    import h5py

    seen = set()
    waiting = [("", root)]
    while waiting:
        path, group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        yield path, group
        children = []
        for name in group:
            where = f"{path}/{name}".lstrip("/")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                _refuse_link(where, source)
            child = group[name]
            if isinstance(child, h5py.Group):
                children.append((where, child))
        waiting += reversed(children)


def member(group: "h5py.Group", path: str, source: str) -> Any:
    """The group or dataset at a path below, without following links by name; None if absent.

    Raises:
        UserError: a link on the way.
    """
    import h5py

    current: Any = group
    for part in path.split("/"):
        if not isinstance(current, h5py.Group) or part in ("", ".", "..") or part not in current:
            return None
        if not isinstance(current.get(part, getlink=True), h5py.HardLink):
            _refuse_link(f"{current.name}/{part}", source)
        current = current[part]
    return current


def values(dataset: "h5py.Dataset", file_bytes: int, source: str) -> np.ndarray:
    """A dataset's numbers, float32 where the file has Keras' bfloat16.

    Args:
        file_bytes: the size of the file, which bounds what it can claim to hold.

    Raises:
        UserError: numbers kept in another file, no numbers, or more than the file can hold.
    """
    name = printable(str(dataset.name))
    if dataset.external or dataset.is_virtual:
        raise UserError(f"{source} is refused: {name} lies in another file, which is not read")
    if dataset.nbytes > _LARGEST_EXPANSION * file_bytes:
        raise UserError(
            f"{source} is refused: {name} claims {byte_text(dataset.nbytes)} in a file of "
            f"{byte_text(file_bytes)}"
        )
    is_bfloat16 = dataset.dtype.kind == "V" and dataset.attrs.get("dtype") == "bfloat16"
    if is_bfloat16 and dataset.dtype.itemsize == 2:
        # The upper half of a float32: Keras keeps it as two bytes without a type.
        halves = np.asarray(dataset[()]).view(np.uint16).astype(np.uint32)
        return (halves << 16).view(np.float32)
    if dataset.dtype.kind != "f":
        raise UserError(f"{source}: {name} is not an array of floating-point numbers")
    return np.asarray(dataset[()])


def _refuse_link(path: str, source: str) -> NoReturn:
    where = printable(path.strip("/"))
    raise UserError(f"{source} is refused: {where} is a link, which is not followed")


def _aligned(size: int) -> int:
    return -(-size // 8) * 8
