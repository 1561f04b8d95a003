"""The user's cache, whose entries are complete or absent and built by one process at a time.

An entry is a folder `KIND/KEY` with its files and an `index.json` that describes it. It is built
in a hidden folder beside it, then renamed, so that a killed process leaves no partial entry. The
process that builds an entry holds the lock of its key; an unfinished folder whose lock is free
was left by a killed process and is removed. Downloaded weights are plain files in a subfolder.
"""

import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alexnet.errors import RunError, UserError
from alexnet.io.locks import Locks
from alexnet.progress import Progress, no_progress
from alexnet.text import format_bytes, printable

KINDS = ("images", "archives", "datasets", "features")
FILES = "weights"
"""The kind whose entries are single files under their own names, so that users can place files
there themselves."""
PART = ".part"
"""Suffix of a partial download; a JSON file beside it describes its source."""
INDEX = "index.json"
MEMO = "fingerprints.sqlite"
_BUILDING = ".building-"
_UNWRITABLE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENOENT,
    errno.ENAMETOOLONG,
    errno.ELOOP,
)
_MOVE = "or set ALEXNET_CACHE_DIR to another folder"


def cache_dir() -> Path:
    """Return the folder of the cache: `ALEXNET_CACHE_DIR`, or the system's default."""
    folder = os.environ.get("ALEXNET_CACHE_DIR")
    if folder:
        return Path(folder).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("alexnet"))


@dataclass(frozen=True)
class CacheEntry:
    """One entry of the cache."""

    kind: str
    key: str
    path: Path
    size_bytes: int
    index: dict[str, Any] = field(default_factory=dict)
    """Content of `index.json`: at least `source` and `created`."""


def cache_entries() -> list[CacheEntry]:
    """Return all entries, including leftovers of killed processes, sorted by kind and time."""
    root = cache_dir()
    entries = []
    for kind in KINDS:
        for path in _subfolders(root / kind):
            is_leftover = path.name.startswith(_BUILDING)
            key = path.name.removeprefix(_BUILDING).split("-")[0]
            index = (
                {"source": "left by a killed process"} if is_leftover else read_index(path) or {}
            )
            entries.append(CacheEntry(kind, key, path, _size(path), index))
    entries += _file_entries(root / FILES)
    memo = root / MEMO
    if memo.exists():
        index = {"source": "hashes of unchanged files"}
        entries.append(CacheEntry("hashes", MEMO, memo, memo.stat().st_size, index))
    return sorted(entries, key=lambda e: (e.kind, str(e.index.get("created", "")), e.key))


def _file_entries(folder: Path) -> Iterator[CacheEntry]:
    """Yield the single files of a folder; the index of a partial download is not an entry."""
    for path in sorted(folder.glob("*")):
        if not path.is_file() or path.name.endswith(f"{PART}.json"):
            continue
        with suppress(OSError):
            stat = path.stat()
            is_part = path.name.endswith(PART)
            created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stat.st_mtime))
            source = f"{path.name.removesuffix(PART)}{', incomplete' * is_part}"
            index = {"source": source, "created": created}
            yield CacheEntry(FILES, path.name.removesuffix(PART), path, stat.st_size, index)


def clear_cache(entries: Iterable[CacheEntry] | None = None) -> int:
    """Remove these entries, or all, except those being built; return the bytes freed."""
    freed = 0
    for entry in cache_entries() if entries is None else entries:
        if entry.kind == "hashes":
            for path in entry.path.parent.glob(MEMO + "*"):
                path.unlink(missing_ok=True)
            freed += entry.size_bytes
            continue
        with Locks(cache_dir()).held_if_free(entry.kind, entry.key) as locked:
            if locked:
                _remove(entry.path)
                if entry.kind == FILES:
                    entry.path.unlink(missing_ok=True)
                    entry.path.with_name(f"{entry.path.name}.json").unlink(missing_ok=True)
                freed += entry.size_bytes
    Locks(cache_dir()).remove_free()
    return freed


def build_once(
    kind: str,
    key: str,
    build: Callable[[Path], dict[str, Any]],
    *,
    valid: Callable[[Path], bool] = lambda _: True,
    progress: Progress = no_progress,
) -> Path:
    """Return the folder of an entry, built if it is absent or not valid.

    Args:
        kind: one of `KINDS`.
        key: name of the entry, unique to its content.
        build: fills an empty folder and returns the content of `index.json`.
        valid: whether an existing folder can be used.
        progress: reports the wait while another process builds the same entry.

    Raises:
        UserError: the cache is not writable.
        RunError: the disk is full.
    """
    final = cache_dir() / kind / key
    if read_index(final) is not None and valid(final):
        return final
    with _writing(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        with Locks(cache_dir()).held(kind, key, progress):
            if read_index(final) is None or not valid(final):
                _remove(final)
                _remove_leftovers(kind, key)
                _build(final, build)
    return final


@contextmanager
def locked_file(name: str, progress: Progress = no_progress) -> Iterator[Path]:
    """Yield the path of a single file in the cache and hold its lock.

    Raises:
        UserError: the cache is not writable.
        RunError: the disk is full.
    """
    path = cache_dir() / FILES / name
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with Locks(cache_dir()).held(FILES, name, progress):
            yield path


def _build(final: Path, build: Callable[[Path], dict[str, Any]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{final.name}-", dir=final.parent))
    try:
        index = build(folder) | {"created": time.strftime("%Y-%m-%d %H:%M:%S")}
        (folder / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
        for path in [*_files(folder), folder]:
            _sync(path)
        folder.chmod(0o755)
        folder.rename(final)
        _sync(final.parent)
    except BaseException:  # including KeyboardInterrupt
        _remove(folder)
        raise


def require_space(folder: Path, needed_bytes: int, task: str) -> None:
    """Raise `UserError` if the disk of the folder has less free space."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise UserError(
            f"not enough disk space: {task} needs {format_bytes(needed_bytes)} in "
            f"{printable(folder)}, {format_bytes(free)} are free; free some space "
            f"(alexnet cache clear), {_MOVE}"
        )


def read_index(entry: Path) -> dict[str, Any] | None:
    """Return the content of the entry's `index.json`; None if it is absent or unreadable."""
    try:
        index = json.loads((entry / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return index if isinstance(index, dict) else None


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Convert OSError from writing the cache to UserError or RunError."""
    try:
        yield
    except OSError as error:
        where = printable(cache_dir())
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunError(
                f"the disk is full: cannot write the cache {where}; free some space, {_MOVE}"
            ) from None
        if error.errno in _UNWRITABLE:
            raise UserError(
                f"cannot write the cache {where}: {error.strerror}; make it writable, {_MOVE}"
            ) from None
        raise RunError(
            f"cannot write the cache {printable(path)}: {error.strerror or error}; fix it, {_MOVE}"
        ) from None


def _remove_leftovers(kind: str, own_key: str) -> None:
    """Remove unfinished folders of killed processes; the caller holds the lock of `own_key`."""
    for path in _subfolders(cache_dir() / kind):
        if path.name.startswith(_BUILDING):
            key = path.name.removeprefix(_BUILDING).split("-")[0]
            if key == own_key:
                _remove(path)
                continue
            with Locks(cache_dir()).held_if_free(kind, key) as locked:
                if locked:
                    _remove(path)


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _size(folder: Path) -> int:
    total = 0
    for path in _files(folder):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flush the file or folder to disk, where the system supports it."""
    if path.is_symlink():
        return
    with suppress(PermissionError):  # Windows cannot open folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
