"""Locks by name in a folder that several processes share.

A lock is a file, and files of locks that nobody holds can be removed. So that nobody comes to hold
one that is removed meanwhile, locks are taken and removed under a gate: a lock for all, held for no
longer than that, whose file stays.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from alexnet.progress import Progress, no_progress

_LOCKS = "locks"
_GATE = ".gate"
_POLL_S = 0.1


class Locks:
    """The locks of a folder.

    Args:
        root: the folder; it is made when the first lock is taken.
    """

    def __init__(self, root: Path) -> None:
        self._folder, self._gate = root / _LOCKS, root / _GATE

    @contextmanager
    def held(self, kind: str, key: str, progress: Progress = no_progress) -> Iterator[None]:
        """Hold the lock of an entry; waits while another process does, and says so."""
        lock = self._lock(kind, key)
        if not self._take(lock):
            with progress(f"waiting for another process that makes the same {kind}", 0):
                while not self._take(lock):
                    time.sleep(_POLL_S)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def held_if_free(self, kind: str, key: str) -> Iterator[bool]:
        """Whether the lock is free; it is held inside then."""
        lock = self._lock(kind, key)
        if not self._take(lock):
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def remove_free(self) -> None:
        """Remove the files of locks that nobody holds."""
        if not self._folder.is_dir():
            return
        with filelock.FileLock(self._gate):
            for path in self._folder.glob("*.lock"):
                lock = filelock.FileLock(path)
                with suppress(filelock.Timeout):
                    lock.acquire(timeout=0)
                    with suppress(PermissionError):  # Windows, where the release removes it
                        path.unlink(missing_ok=True)
                    lock.release()

    def _lock(self, kind: str, key: str) -> filelock.BaseFileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(self._folder / f"{kind}-{key}.lock")

    def _take(self, lock: filelock.BaseFileLock) -> bool:
        """Take the lock if it is free; says whether it is held now."""
        with filelock.FileLock(self._gate):
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                return False
        return True
