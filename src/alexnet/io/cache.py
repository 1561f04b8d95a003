"""The user's cache: entries that are complete or absent, built once however many ask.

An entry is a folder `KIND/KEY` with its files and an `index.json` that says what it is. It is
built in a hidden folder beside its place and renamed when everything is on disk, so that a kill
leaves nothing half-made. Whoever builds holds the lock of the key; a folder that is being built
and whose lock is free was left by a process that died, and is removed. Downloaded weights are
plain files beside these folders.
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

import platformdirs

from alexnet.errors import RunError, UserError
from alexnet.io.locks import Locks
from alexnet.progress import Progress, no_progress
from alexnet.text import byte_text, printable

KINDS = ("images", "archives", "datasets", "features")
FILES = "weights"
"""The kind whose entries are single files under their own names, so that a person can put one
there by hand."""
PART = ".part"
"""Behind the name of a file that has come in part; a file that says of what is beside it."""
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
_MOVE = "or set ALEXNET_CACHE_DIR to a folder elsewhere"


def cache_dir() -> Path:
    """The folder of the cache: `ALEXNET_CACHE_DIR`, else where this system keeps caches."""
    given = os.environ.get("ALEXNET_CACHE_DIR")
    return (
        Path(given).expanduser().absolute()
        if given
        else Path(platformdirs.user_cache_dir("alexnet"))
    )


@dataclass(frozen=True)
class CacheEntry:
    """One thing in the cache."""

    kind: str
    key: str
    path: Path
    size_bytes: int
    index: dict[str, Any] = field(default_factory=dict)
    """What `index.json` says: at least source and created."""


def cache_entries() -> list[CacheEntry]:
    """Everything in the cache, also what a killed process left, by kind and time."""
    root = cache_dir()
    entries = []
    for kind in KINDS:
        for path in _subfolders(root / kind):
            left_over = path.name.startswith(_BUILDING)
            key = path.name.removeprefix(_BUILDING).split("-")[0]
            index = {"source": "left by a killed process"} if left_over else read_index(path) or {}
            entries.append(CacheEntry(kind, key, path, _size(path), index))
    entries += _file_entries(root / FILES)
    memo = root / MEMO
    if memo.exists():
        index = {"source": "files that need not be read again"}
        entries.append(CacheEntry("hashes", MEMO, memo, memo.stat().st_size, index))
    return sorted(entries, key=lambda e: (e.kind, str(e.index.get("created", "")), e.key))


def _file_entries(folder: Path) -> Iterator[CacheEntry]:
    """The single files of a folder; what belongs to a part is not counted apart."""
    for path in sorted(folder.glob("*")):
        if not path.is_file() or path.name.endswith(f"{PART}.json"):
            continue
        with suppress(OSError):
            stat = path.stat()
            is_part = path.name.endswith(PART)
            made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stat.st_mtime))
            source = f"{path.name.removesuffix(PART)}{', cut off in the middle' * is_part}"
            index = {"source": source, "created": made}
            yield CacheEntry(FILES, path.name.removesuffix(PART), path, stat.st_size, index)


def clear_cache(entries: Iterable[CacheEntry] | None = None) -> int:
    """Remove these entries, or all; returns the bytes freed. What is just being built stays."""
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
    """The folder of an entry, built when it is not there or not valid.

    Args:
        kind: one of `KINDS`.
        key: name of the entry; the same key always stands for the same content.
        build: fills an empty folder and returns what `index.json` is to say.
        valid: whether a folder that is there can be used.
        progress: told when another process builds the same entry and this one waits.

    Raises:
        UserError: the cache cannot be written.
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
                _remove_left_overs(kind, key)
                _build(final, build)
    return final


@contextmanager
def kept_file(name: str, progress: Progress = no_progress) -> Iterator[Path]:
    """The place of a single file in the cache; inside, nobody else writes it.

    Raises:
        UserError: the cache cannot be written.
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
    except BaseException:  # Ctrl-C too leaves nothing behind
        _remove(folder)
        raise


def require_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise `UserError` when the disk of the folder has less room than that."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise UserError(
            f"{what} needs {byte_text(needed_bytes)} in {printable(folder)}, where "
            f"{byte_text(free)} are free: free some (alexnet cache clear), {_MOVE}"
        )


def read_index(entry: Path) -> dict[str, Any] | None:
    """What the entry's `index.json` says; None when there is none that can be read."""
    try:
        index = json.loads((entry / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return index if isinstance(index, dict) else None


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Put what the system says about writing the cache into words."""
    try:
        yield
    except OSError as error:
        where = printable(cache_dir())
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunError(
                f"the disk is full: {where} could not be written and nothing half-made was left; "
                f"free some room, {_MOVE}"
            ) from None
        if error.errno in _UNWRITABLE:
            raise UserError(
                f"the cache {where} cannot be written ({error.strerror}): "
                "make it writable, " + _MOVE
            ) from None
        raise RunError(
            f"the cache {printable(path)} could not be written ({error.strerror or error}): "
            "mend that, " + _MOVE
        ) from None


def _remove_left_overs(kind: str, own_key: str) -> None:
    """Remove what killed processes were building; the lock of `own_key` is held."""
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
    """Have the system write the file or folder to the disk, where it can."""
    if path.is_symlink():
        return
    with suppress(PermissionError):  # Windows cannot open folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
