"""Files from the net: checked, gone on with where they were cut off, and kept in the cache."""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alexnet.errors import RunError, UserError
from alexnet.io.cache import FILES, PART, cache_dir, kept_file, require_space
from alexnet.progress import Advance, Progress, no_progress
from alexnet.text import byte_text, printable

OFFLINE = "ALEXNET_OFFLINE"
"""Environment variable: 1 for never using the net."""

_TIMEOUT_S = (10.0, 60.0)
"""Until the server answers, and between two pieces of the file."""
_TRIES = 5
"""So often a connection may break before a person is asked; each time it goes on from there."""
_CHUNK_BYTES = 1 << 16
"""A chunk that is cut short is lost, so it is small."""
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
    """The file of this URL in the cache, fetched if it is not there yet.

    What came before a connection broke, or before Ctrl-C, is kept, and the next call goes on
    from there. The file gets its name only when its checksum is right.

    Args:
        checksum: `sha256:…` or `sha1:…`, in hexadecimal.
        offline: do not use the net; so does `ALEXNET_OFFLINE=1`.
        notice: told how large the file is before it is fetched.
        progress: told how far it is, in megabytes.

    Raises:
        UserError: the file is not there and the net must not be used, or the disk has no room.
        RunError: the server cannot be reached, has no such file or another one, or the
            connection breaks; says how to get the file by hand.
    """
    name = Path(urlsplit(url).path).name
    kept = cache_dir() / FILES / name
    if _is_whole(kept, checksum):
        return kept
    by_hand = f"fetch {url} by hand and put it at {printable(kept)}"
    if offline or _offline_by_environment():
        what = "is there but damaged" if kept.exists() else "is not in the cache"
        raise UserError(f"{name} {what} and the net is not to be used (offline): {by_hand}")
    with kept_file(name, progress) as path:
        _retrieve(url, checksum, _Fetch(path, by_hand, notice, progress), path)
    return path


def is_file_of(path: Path, checksum: str) -> bool:
    """Whether a file has this checksum, `sha256:…` or `sha1:…`."""
    import pooch

    algorithm, _, expected = checksum.partition(":")
    return bool(pooch.file_hash(str(path), alg=algorithm) == expected.lower())


def _is_whole(path: Path, checksum: str) -> bool:
    return path.is_file() and is_file_of(path, checksum)


def _offline_by_environment() -> bool:
    return os.environ.get(OFFLINE, "").lower() not in ("", "0", "false", "no", "off")


def _retrieve(url: str, checksum: str, fetch: "_Fetch", path: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # it would print the URL and a path of its own
    try:
        pooch.retrieve(url, checksum, fname=path.name, path=path.parent, downloader=fetch)
    except UserError:
        raise
    except ValueError as error:  # the checksum, checked before the file gets its name
        raise RunError(
            f"what came from {url} is another file than was published (its {checksum[:12]}… "
            f"differs), and was not kept: a proxy may have changed it; {fetch.by_hand}"
        ) from error


class _Fetch:
    """Pooch's downloader that keeps what has come, and asks only for the rest.

    Beside `NAME.part` stands in `NAME.part.json` which file it is a part of: its URL, the ETag
    or date that the server gave it, its size. A file that has changed since is begun anew
    (RFC 9110, sections 13.1.5 and 14).
    """

    def __init__(self, path: Path, by_hand: str, notice: Notice, progress: Progress) -> None:
        self.by_hand = by_hand
        self._path, self._notice, self._progress = path, notice, progress
        self._part = path.with_name(path.name + PART)
        self._index = path.with_name(f"{path.name}{PART}.json")
        self._is_said = False

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        for _try in range(_TRIES):
            before = self._size()
            if self._goes_to_the_end(url):
                self._part.replace(output_file)
                self._index.unlink(missing_ok=True)
                return
            if self._size() <= before:
                break
        raise RunError(
            f"the connection to {urlsplit(url).netloc} broke after {byte_text(self._size())} of "
            f"{self._path.name}: the same command goes on from there; or {self.by_hand}"
        )

    def _goes_to_the_end(self, url: str) -> bool:
        """One connection; whether the part is the whole file then."""
        import requests

        index = self._read_index(url)
        have = self._size() if index else 0
        if have and have == index["total"]:
            return True
        with self._answer(url, have, index.get("validator", "")) as response:
            start, total = _place(response)
            if have and (response.status_code == 416 or start not in (0, have)):
                self._part.unlink()
                return self._goes_to_the_end(url)
            if response.status_code not in (200, 206):
                raise RunError(
                    f"{url}: the server says {response.status_code} {response.reason}; if the "
                    f"file has moved, {self.by_hand}"
                )
            self._say(url, start, total)
            if not start:
                self._write_index(url, response, total)
            try:
                self._write(response, start, total)
            except requests.RequestException:
                return False
        return total is None or self._size() >= total

    def _answer(self, url: str, have: int, validator: str) -> Any:
        """The server's answer, for the rest of the file where a part of it is here."""
        import requests

        # Compressed on the way it would have another length, and no places to go on from.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        try:
            return requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise RunError(
                f"{urlsplit(url).netloc} cannot be reached ({_reason(error)}): {self.by_hand}"
            ) from error

    def _say(self, url: str, start: int, total: int | None) -> None:
        require_space(self._path.parent, (total or 0) - start, self._path.name)
        if self._is_said:
            return
        self._is_said = True
        size = f", {byte_text(total)}" if total else ""
        here = f", {byte_text(start)} of it here already" if start else ""
        self._notice(f"downloading {self._path.name}{size}{here}, from {urlsplit(url).netloc}")

    def _write(self, response: Any, start: int, total: int | None) -> None:
        """Put what comes behind the part, or in its place where the server sends all."""
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
        """What the part is a part of; nothing where it cannot be gone on with."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            index: dict[str, Any] = json.loads(self._index.read_text("utf-8"))
            if index["url"] == url and index["validator"] and "total" in index:
                return index
        return {}

    def _write_index(self, url: str, response: Any, total: int | None) -> None:
        etag = response.headers.get("ETag", "")
        # A weak tag says that two files mean the same, not that their bytes agree.
        is_strong = etag and not etag.startswith("W/")
        validator = etag if is_strong else response.headers.get("Last-Modified", "")
        self._part.unlink(missing_ok=True)
        index = {"url": url, "validator": validator, "total": total}
        self._index.write_text(json.dumps(index), "utf-8")


def _place(response: Any) -> tuple[int, int | None]:
    """Where in the file the answer begins, and how long the file is, where the server says so."""
    if response.status_code == 206:
        found = re.match(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return (int(found[1]), int(found[2])) if found else (-1, None)
    length = response.headers.get("Content-Length", "")
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    return 0, int(length) if is_plain and length.isdigit() else None


def _advance(steps: Advance, before: int, now: int) -> int:
    """Tell the bar how many more megabytes are whole; returns the bytes that are there now."""
    if now // _MB > before // _MB:
        steps.advance(now // _MB - before // _MB)
    return now


def _reason(error: Exception) -> str:
    """The kernel of what the net's libraries say at length."""
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer in {_TIMEOUT_S[0]:.0f} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate cannot be verified"
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    return found[1] if found else type(error).__name__
