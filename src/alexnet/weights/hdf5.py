"""Read untrusted HDF5 files: never another file, never more memory than the file justifies."""

import mmap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from alexnet.errors import UserError
from alexnet.text import format_bytes, printable

if TYPE_CHECKING:
    import h5py

MAGIC = b"\x89HDF\r\n\x1a\n"

_LARGEST_EXPANSION = 64
"""Bytes of an array per byte of its file; trained weights compress far less."""

_HEAP = b"GCOL\x01"


def check_heaps(content: bytes | mmap.mmap, source: str) -> None:
    """Raise UserError for a global heap, which stores strings, that HDF5 would read forever.

    The library (1.14) walks a heap object by object, and hangs at an empty one numbered 0, which
    a single corrupt byte can create. Layout: HDF5 file format specification, version 3, section
    III.E.
    """
    lengths = content[14] if content[8] < 2 else content[10]  # by superblock version
    header = _aligned(8 + lengths)
    start = content.find(_HEAP)
    while start >= 0:
        size = int.from_bytes(content[start + 8 : start + 8 + lengths], "little")
        position, end = start + header, min(start + size, len(content))
        while position + header <= end:
            number = int.from_bytes(content[position : position + 2], "little")
            size = int.from_bytes(content[position + 8 : position + 8 + lengths], "little")
            step = header + _aligned(size) if number else size
            if not 0 < step <= end - position:
                raise UserError(f"{source} has corrupt strings; save or download it again")
            position += step
        start = content.find(_HEAP, start + 1)


def groups(root: "h5py.Group", source: str) -> Iterator[tuple[str, "h5py.Group"]]:
    """Yield each group below once, with its path.

    A group with several paths is yielded under the first, so cycles end.

    Raises:
        UserError: A soft or external link, which could lead out of the file.
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
    """Return the group or dataset at a path below, or None if absent.

    Raises:
        UserError: A soft or external link on the path.
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
    """Return the values of a dataset, with Keras' bfloat16 as float32.

    Args:
        file_bytes: The size of the file, which limits the size of the array.

    Raises:
        UserError: The values are in another file, are not floating-point numbers, or are more
            than the file can contain.
    """
    name = printable(str(dataset.name))
    if dataset.external or dataset.is_virtual:
        raise UserError(f"refused to load {source}: {name} refers to another file")
    if dataset.nbytes > _LARGEST_EXPANSION * file_bytes:
        raise UserError(
            f"refused to load {source}: {name} claims {format_bytes(dataset.nbytes)} in a file of "
            f"{format_bytes(file_bytes)}"
        )
    is_bfloat16 = dataset.dtype.kind == "V" and dataset.attrs.get("dtype") == "bfloat16"
    if is_bfloat16 and dataset.dtype.itemsize == 2:
        # The upper half of a float32, which Keras stores as two bytes without a type.
        halves = np.asarray(dataset[()]).view(np.uint16).astype(np.uint32)
        return (halves << 16).view(np.float32)
    if dataset.dtype.kind != "f":
        raise UserError(f"{source}: {name} is not an array of floating-point numbers")
    return np.asarray(dataset[()])


def _refuse_link(path: str, source: str) -> NoReturn:
    raise UserError(f"refused to load {source}: {printable(path.strip('/'))} is a link")


def _aligned(size: int) -> int:
    return -(-size // 8) * 8
