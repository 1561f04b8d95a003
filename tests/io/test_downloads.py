"""Downloads from a local server."""

import shutil
import socket
import threading
from collections import namedtuple
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet import RunError, UserError
from alexnet.data import cache_entries, clear_cache
from alexnet.io.downloads import download
from alexnet.progress import Advance

from ..serving import Server, serving

CHUNK = 1 << 16
CONTENT = np.random.default_rng(0).bytes(5_300_000)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def place(cache: Path) -> Path:
    return cache / "weights" / "weights.bin"


def fetch(server: Server, **options: object) -> Path:
    return download(server.url, server.checksum, **options)  # type: ignore[arg-type]


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.parent.iterdir())


def test_file_is_downloaded_once_with_a_notice(server: Server, place: Path) -> None:
    notices: list[str] = []
    assert fetch(server, notice=notices.append) == place
    assert place.read_bytes() == CONTENT
    assert names(place) == ["weights.bin"]
    host = server.url.split("/")[2]
    assert notices == [f"downloading weights.bin, 5 MB, from {host}"]
    assert fetch(server, notice=notices.append) == place
    assert len(server.ranges) == len(notices) == 1


def test_progress_reaches_its_total(server: Server) -> None:
    tasks: list[tuple[str, int]] = []

    class Counts:
        def __init__(self, description: str, total: int) -> None:
            self.total, self.done = total, 0
            tasks.append((description, total))

        def __enter__(self) -> Advance:
            return self

        def __exit__(self, *_: object) -> None:
            assert self.done in (self.total, self.total - 1)

        def advance(self, n: int = 1) -> None:
            self.done += n

    fetch(server, progress=Counts)
    assert tasks == [("downloading weights.bin, MB", 6)]


def test_download_resumes_after_a_broken_connection(server: Server, place: Path) -> None:
    server.breaks_after = [46 * CHUNK, 15 * CHUNK]
    fetch(server)
    assert place.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={46 * CHUNK}-", f"bytes={61 * CHUNK}-"]


def test_next_call_resumes_a_failed_download(server: Server, place: Path) -> None:
    server.breaks_after = [46 * CHUNK, 0]
    with pytest.raises(
        RunError, match=r"broke after 3 MB of weights.bin; run the same command again"
    ):
        fetch(server)
    assert names(place) == ["weights.bin.part", "weights.bin.part.json"]
    assert place.with_name("weights.bin.part").read_bytes() == CONTENT[: 46 * CHUNK]
    notices: list[str] = []
    fetch(server, notice=notices.append)
    assert place.read_bytes() == CONTENT
    assert names(place) == ["weights.bin"]
    assert server.ranges[-1] == f"bytes={46 * CHUNK}-"
    assert "5 MB, resuming after 3 MB" in notices[0]


def test_ctrl_c_keeps_the_partial_download(server: Server, place: Path) -> None:
    class Interrupts:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> Advance:
            return self

        def __exit__(self, *_: object) -> None: ...
        def advance(self, n: int = 1) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, progress=Interrupts)
    assert place.with_name("weights.bin.part").stat().st_size > 0
    assert not place.exists()
    fetch(server)
    assert place.read_bytes() == CONTENT
    assert server.ranges[-1] is not None


def test_download_restarts_if_the_server_ignores_ranges(server: Server, place: Path) -> None:
    server.takes_ranges = False
    server.breaks_after = [46 * CHUNK]
    fetch(server)
    assert place.read_bytes() == CONTENT


def test_download_restarts_if_the_file_changed(server: Server, place: Path) -> None:
    server.breaks_after = [46 * CHUNK, 0]
    with pytest.raises(RunError):
        fetch(server)
    server.content, server.etag = CONTENT[::-1], '"two"'
    fetch(server)
    assert place.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_download_restarts_without_a_strong_validator(
    etag: str | None, server: Server, place: Path
) -> None:
    server.etag = etag
    server.breaks_after = [46 * CHUNK]
    fetch(server)
    assert place.read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_download_restarts_if_the_partial_file_is_too_long(server: Server, place: Path) -> None:
    server.breaks_after = [46 * CHUNK, 0]
    with pytest.raises(RunError):
        fetch(server)
    with place.with_name("weights.bin.part").open("ab") as file:
        file.write(bytes(6_000_000))
    fetch(server)
    assert place.read_bytes() == CONTENT


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 400_000), max_size=4),
    st.booleans(),
    st.sampled_from(['"one"', None]),
    st.integers(1, 400_000),
)
def test_file_is_complete_wherever_connections_break(
    breaks: list[int], takes_ranges: bool, etag: str | None, size: int
) -> None:
    content = CONTENT[:size]
    with serving(content) as server:
        server.breaks_after, server.takes_ranges, server.etag = breaks, takes_ranges, etag
        for _ in range(len(breaks)):
            with suppress(RunError):
                fetch(server)
        assert fetch(server).read_bytes() == content


def test_wrong_checksum_leaves_no_file(server: Server, place: Path) -> None:
    with pytest.raises(
        RunError, match=r"checksum mismatch: .* differs from the published file"
    ) as error:
        download(server.url, "sha256:" + 64 * "0")
    assert "\n" not in str(error.value)
    assert f"download {server.url} manually to {place}" in str(error.value)
    assert names(place) == []


def test_corrupt_cached_file_is_downloaded_again(server: Server, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT[:-1])
    assert fetch(server).read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "reason"), [(404, "404 Not Found"), (500, "500 Internal")])
def test_server_error_is_reported(status: int, reason: str, server: Server, place: Path) -> None:
    server.status = status
    with pytest.raises(RunError, match=reason) as error:
        fetch(server)
    assert str(place) in str(error.value)
    assert names(place) == []


def test_unreachable_server_error_has_url_and_path(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/weights.bin"
    with pytest.raises(RunError, match=r"cannot reach .* \(Connection refused\)") as error:
        download(url, "sha256:" + 64 * "0")
    assert f"download {url} manually to {place}" in str(error.value)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline(how: str, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"offline": True} if how == "argument" else {}
    if how == "environment":
        monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    with pytest.raises(UserError, match=r"is not in the cache and downloads are disabled") as error:
        fetch(server, **options)
    assert f"download {server.url} manually to {place}" in str(error.value)
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)  # manual download
    assert fetch(server, **options) == place
    place.write_bytes(CONTENT[:-1])
    with pytest.raises(UserError, match="is corrupt"):
        fetch(server, **options)
    assert server.ranges == []


def test_concurrent_calls_download_once(server: Server, place: Path) -> None:
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(fetch(server))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [place] * 4
    assert place.read_bytes() == CONTENT
    assert len(server.ranges) == 1


def test_insufficient_disk_space_is_reported_before_the_download(
    server: Server, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 4_000_000))
    with pytest.raises(UserError, match=r"weights.bin needs 5 MB in .*, 4 MB are free"):
        fetch(server)
    assert names(place) == []


def test_cache_lists_and_clears_weights(server: Server, place: Path) -> None:
    fetch(server)
    server.content, server.etag = CONTENT[:-1], '"two"'
    server.breaks_after = [30 * CHUNK, 0]
    with pytest.raises(RunError):
        fetch(server)
    entries = [entry for entry in cache_entries() if entry.kind == "weights"]
    assert [(entry.index["source"], entry.size_bytes) for entry in entries] == [
        ("weights.bin", len(CONTENT)),
        ("weights.bin, incomplete", 30 * CHUNK),
    ]
    assert clear_cache(entries) == len(CONTENT) + 30 * CHUNK
    assert names(place) == []
