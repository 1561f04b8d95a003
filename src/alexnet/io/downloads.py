"""Downloads into the cache, with checksums and resume."""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alexnet.errors import RunError, UserError
from alexnet.io.cache import FILES, PART, cache_dir, locked_file, require_space
from alexnet.progress import Advance, Progress, no_progress
from alexnet.text import format_bytes, printable

OFFLINE = "ALEXNET_OFFLINE"
"""Environment variable; 1 disables downloads."""

_TIMEOUT_S = (10.0, 60.0)
"""Connect and read timeout."""
_MAX_TRIES = 5
"""Connections, each resuming where the previous one broke off."""
_CHUNK_BYTES = 1 << 16
"""Small, since a partial chunk is lost."""
_MB = 1_000_000

Notice = Callable[[str], None]


def download(
    url: str,
    checksum: str,
    *,
    offline: bool = False,
    notice: Notice = lambda _: None,
    progress: Progress = no_progress,
) -> Path:
    """Return the cached file of a URL, downloaded if necessary.

    An interrupted download is resumed by the next call. The file gets its name only after its
    checksum was verified.

    Args:
        checksum: `sha256:…` or `sha1:…`, in hexadecimal.
        offline: do not download; same as `ALEXNET_OFFLINE=1`.
        notice: receives the name and size of the file before the download.
        progress: reports megabytes.

    Raises:
        UserError: the file is not cached and downloads are disabled, or the disk is too small.
        RunError: the server is unreachable or has no such file, the checksum differs, or the
            connection breaks; the message tells how to download the file manually.
    """
    name = Path(urlsplit(url).path).name
    cached = cache_dir() / FILES / name
    if _is_complete(cached, checksum):
        return cached
    by_hand = f"download {url} manually to {printable(cached)}"
    if offline or _is_offline_by_environment():
        problem = "is corrupt" if cached.exists() else "is not in the cache"
        raise UserError(f"{name} {problem} and downloads are disabled (offline); {by_hand}")
    with locked_file(name, progress) as path:
        _retrieve(url, checksum, _Fetch(path, by_hand, notice, progress), path)
    return path


def matches_checksum(path: Path, checksum: str) -> bool:
    """Return whether a file has this checksum, `sha256:…` or `sha1:…`."""
    import pooch

    algorithm, _, expected = checksum.partition(":")
    return bool(pooch.file_hash(str(path), alg=algorithm) == expected.lower())


def _is_complete(path: Path, checksum: str) -> bool:
    return path.is_file() and matches_checksum(path, checksum)


def _is_offline_by_environment() -> bool:
    return os.environ.get(OFFLINE, "").lower() not in ("", "0", "false", "no", "off")


def _retrieve(url: str, checksum: str, fetch: "_Fetch", path: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # it would log URL and path
    try:
        pooch.retrieve(url, checksum, fname=path.name, path=path.parent, downloader=fetch)
    except UserError:
        raise
    except ValueError as error:  # checksum mismatch
        raise RunError(
            f"checksum mismatch: {url} differs from the published file ({checksum[:12]}…), "
            f"perhaps changed by a proxy; {fetch.by_hand}"
        ) from error


class _Fetch:
    """A downloader for pooch that resumes partial downloads.

    `NAME.part.json` holds the URL, the ETag or date, and the size of the file that `NAME.part` is
    a part of. If the file on the server has changed, the download starts over (RFC 9110,
    sections 13.1.5 and 14).
    """

    def __init__(self, path: Path, by_hand: str, notice: Notice, progress: Progress) -> None:
        self.by_hand = by_hand
        self._path, self._notice, self._progress = path, notice, progress
        self._part = path.with_name(path.name + PART)
        self._index = path.with_name(f"{path.name}{PART}.json")
        self._is_announced = False

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        for _try in range(_MAX_TRIES):
            before = self._size()
            if self._is_finished_by(url):
                self._part.replace(output_file)
                self._index.unlink(missing_ok=True)
                return
            if self._size() <= before:
                break
        raise RunError(
            f"the connection to {urlsplit(url).netloc} broke after {format_bytes(self._size())} of "
            f"{self._path.name}; run the same command again to resume, or {self.by_hand}"
        )

    def _is_finished_by(self, url: str) -> bool:
        """Download over one connection; return whether the file is complete."""
        import requests

        index = self._read_index(url)
        have = self._size() if index else 0
        if have and have == index["total"]:
            return True
        with self._request(url, have, index.get("validator", "")) as response:
            start, total = _content_range(response)
            if have and (response.status_code == 416 or start not in (0, have)):
                self._part.unlink()
                return self._is_finished_by(url)
            if response.status_code not in (200, 206):
                raise RunError(
                    f"{url}: the server returned {response.status_code} {response.reason}; "
                    f"if the file has moved, {self.by_hand}"
                )
            self._announce(url, start, total)
            if not start:
                self._write_index(url, response, total)
            try:
                self._write(response, start, total)
            except requests.RequestException:
                return False
        return total is None or self._size() >= total

    def _request(self, url: str, have: int, validator: str) -> Any:
        """Request the file, or the rest of a partial download."""
        import requests

        # A compressed response has another length and cannot be resumed.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        try:
            return requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise RunError(
                f"cannot reach {urlsplit(url).netloc} ({_reason(error)}); {self.by_hand}"
            ) from error

    def _announce(self, url: str, start: int, total: int | None) -> None:
        require_space(self._path.parent, (total or 0) - start, self._path.name)
        if self._is_announced:
            return
        self._is_announced = True
        size = f", {format_bytes(total)}" if total else ""
        resumed = f", resuming after {format_bytes(start)}" if start else ""
        self._notice(f"downloading {self._path.name}{size}{resumed}, from {urlsplit(url).netloc}")

    def _write(self, response: Any, start: int, total: int | None) -> None:
        """Append the response to the partial file, or replace it if the whole file is sent."""
        title = f"downloading {self._path.name}, MB"
        with (
            self._progress(title, -(-total // _MB) if total else 0) as steps,
            self._part.open("ab" if start else "wb") as file,
        ):
            done = _advance(steps, 0, start)
            for chunk in response.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                done = _advance(steps, done, done + len(chunk))
            file.flush()
            os.fsync(file.fileno())

    def _size(self) -> int:
        with suppress(OSError):
            return self._part.stat().st_size
        return 0

    def _read_index(self, url: str) -> dict[str, Any]:
        """Return the description of the partial file; empty if it cannot be resumed."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            index: dict[str, Any] = json.loads(self._index.read_text("utf-8"))
            if index["url"] == url and index["validator"] and "total" in index:
                return index
        return {}

    def _write_index(self, url: str, response: Any, total: int | None) -> None:
        etag = response.headers.get("ETag", "")
        # Weak ETags do not guarantee identical bytes.
        is_strong = etag and not etag.startswith("W/")
        validator = etag if is_strong else response.headers.get("Last-Modified", "")
        self._part.unlink(missing_ok=True)
        index = {"url": url, "validator": validator, "total": total}
        self._index.write_text(json.dumps(index), "utf-8")


def _content_range(response: Any) -> tuple[int, int | None]:
    """Return the start of the response in the file, and the size of the file if known."""
    if response.status_code == 206:
        match = re.match(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return (int(match[1]), int(match[2])) if match else (-1, None)
    length = response.headers.get("Content-Length", "")
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    return 0, int(length) if is_plain and length.isdigit() else None


def _advance(steps: Advance, before: int, after: int) -> int:
    """Advance the progress by the megabytes completed; return the bytes `after`."""
    if after // _MB > before // _MB:
        steps.advance(after // _MB - before // _MB)
    return after


def _reason(error: Exception) -> str:
    """Return the cause of a network error in a few words."""
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer in {_TIMEOUT_S[0]:.0f} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate cannot be verified"
    match = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    return match[1] if match else type(error).__name__
