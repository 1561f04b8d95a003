"""Digests of file contents, memoized in the cache so that each file is read once."""

# ruff: noqa: PTH100, PTH113, PTH116, PTH123
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias

from alexnet.data.parallel import ordered_map
from alexnet.io.cache import MEMO, cache_dir
from alexnet.progress import Progress, no_progress

DIGEST_BYTES = 16
EMPTY = hashlib.blake2b(b"", digest_size=DIGEST_BYTES).digest()
"""Digest of an empty file."""

_BLOCK = 1 << 20
_CHUNK = 500
"""Paths in one query of the memo."""

# A file modified this recently may change again without a new modification time.
_SETTLED_NS = 2_000_000_000

Stat: TypeAlias = tuple[int, int, int, int]
"""Size, modification time, status change time, inode."""


def fingerprints(
    paths: Sequence[str], progress: Progress | None = None, workers: int | None = None
) -> list[bytes | None]:
    """Return the 16-byte BLAKE2b digest of each file's content, or None if it is unreadable.

    Digests are memoized in the cache by path, size and times, so a second call reads only
    files that changed. A corrupt or read-only memo is ignored.
    """
    digests: list[bytes | None] = []
    if not paths:
        return digests
    with (progress or no_progress)("reading files", len(paths)) as steps, closing(_Memo()) as memo:
        for start in range(0, len(paths), _CHUNK):
            chunk = [os.path.abspath(path) for path in paths[start : start + _CHUNK]]
            digests += _chunk(chunk, memo, workers)
            steps.advance(len(chunk))
    return digests


def _chunk(paths: list[str], memo: "_Memo", workers: int | None) -> list[bytes | None]:
    stats = [_stat(path) for path in paths]
    memoized = memo.look_up(paths)
    digests: list[bytes | None] = []
    todo: list[int] = []
    for i, (path, stat) in enumerate(zip(paths, stats, strict=True)):
        row = memoized.get(path)
        is_unchanged = row is not None and stat is not None and row[0] == stat
        digests.append(row[1] if row is not None and is_unchanged else None)
        if stat is not None and not is_unchanged:
            todo.append(i)
    for i, digest in zip(
        todo, ordered_map(_digest, [paths[i] for i in todo], workers), strict=True
    ):
        digests[i] = digest
    settled = time.time_ns() - _SETTLED_NS
    memo.remember(
        (paths[i], stat, digest)
        for i in todo
        if (digest := digests[i]) and (stat := stats[i]) and max(stat[1:3]) < settled
    )
    return digests


def _stat(path: str) -> Stat | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a path with a null byte
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _digest(path: str) -> bytes | None:
    if not os.path.isfile(path):
        return None
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    try:
        with open(path, "rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()


class _Memo:
    """A SQLite table of digests in the cache. Everything works without it, only slower."""

    def __init__(self) -> None:
        self.path = cache_dir() / MEMO
        self.connection = self._open() or self._open()

    def _open(self) -> sqlite3.Connection | None:
        try:
            return _connect(self.path)
        except (sqlite3.Error, OSError) as error:
            self._drop(error)
            return None

    def look_up(self, paths: list[str]) -> dict[str, tuple[Stat, bytes]]:
        if self.connection is None:
            return {}
        marks = ",".join("?" * len(paths))
        query = f"SELECT * FROM files WHERE path IN ({marks})"
        try:
            rows = self.connection.execute(query, [os.fsencode(path) for path in paths])
            return {os.fsdecode(row[0]): (tuple(row[1:5]), row[5]) for row in rows}
        except (sqlite3.Error, TypeError) as error:
            self._drop(error)
            return {}

    def remember(self, rows: Iterable[tuple[str, Stat, bytes]]) -> None:
        if self.connection is None:
            return
        values = ((os.fsencode(path), *stat, digest) for path, stat, digest in rows)
        try:
            with self.connection:
                self.connection.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", values
                )
        except (sqlite3.Error, OverflowError) as error:
            self._drop(error)

    def _drop(self, error: Exception) -> None:
        """Continue without the memo; delete it if it is corrupt."""
        self.close()
        is_corrupt = isinstance(error, sqlite3.DatabaseError)
        if is_corrupt and not isinstance(error, sqlite3.OperationalError):  # operational: locked
            for path in self.path.parent.glob(MEMO + "*"):
                with suppress(OSError):
                    path.unlink()

    def close(self) -> None:
        connection, self.connection = getattr(self, "connection", None), None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER,"
            " mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, digest BLOB) WITHOUT ROWID"
        )
        connection.execute(
            "SELECT path, size, mtime_ns, ctime_ns, inode, digest FROM files LIMIT 1"
        )
    except sqlite3.Error:
        connection.close()
        raise
    return connection
