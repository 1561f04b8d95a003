"""Named locks in a folder shared by several processes.

A lock is a file, and the files of free locks can be removed. Locks are acquired and removed under a
global lock, the gate, which is held only briefly and whose file is never removed: so no process
can hold a lock whose file is being removed.
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
        root: the folder, created with the first lock.
    """

    def __init__(self, root: Path) -> None:
        self._folder, self._gate = root / _LOCKS, root / _GATE

    @contextmanager
    def held(self, kind: str, key: str, progress: Progress = no_progress) -> Iterator[None]:
        """Hold the lock of an entry; wait, with progress, while another process holds it."""
        lock = self._lock(kind, key)
        if not self._acquire(lock):
            with progress(f"waiting for another process that creates the same {kind}", 0):
                while not self._acquire(lock):
                    time.sleep(_POLL_S)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def held_if_free(self, kind: str, key: str) -> Iterator[bool]:
        """Hold the lock if it is free; yields whether it is held."""
        lock = self._lock(kind, key)
        if not self._acquire(lock):
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def remove_free(self) -> None:
        """Remove the files of free locks."""
        if not self._folder.is_dir():
            return
        with filelock.FileLock(self._gate):
            for path in self._folder.glob("*.lock"):
                lock = filelock.FileLock(path)
                with suppress(filelock.Timeout):
                    lock.acquire(timeout=0)
                    with suppress(PermissionError):  # on Windows, the release removes it
                        path.unlink(missing_ok=True)
                    lock.release()

    def _lock(self, kind: str, key: str) -> filelock.BaseFileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(self._folder / f"{kind}-{key}.lock")

    def _acquire(self, lock: filelock.BaseFileLock) -> bool:
        """Acquire the lock if it is free; return whether it was acquired."""
        with filelock.FileLock(self._gate):
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                return False
        return True
