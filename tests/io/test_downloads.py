"""Files from the net, against a server on the loopback address."""

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
    with serving(CONTENT) as found:
        yield found


@pytest.fixture
def place(cache: Path) -> Path:
    return cache / "weights" / "weights.bin"


def fetch(server: Server, **options: object) -> Path:
    return download(server.url, server.checksum, **options)  # type: ignore[arg-type]


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.parent.iterdir())


def test_a_file_is_fetched_once_and_its_size_is_said(server: Server, place: Path) -> None:
    said: list[str] = []
    assert fetch(server, notice=said.append) == place
    assert place.read_bytes() == CONTENT
    assert names(place) == ["weights.bin"]
    host = server.url.split("/")[2]
    assert said == [f"downloading weights.bin, 5 MB, from {host}"]
    assert fetch(server, notice=said.append) == place
    assert len(server.ranges) == len(said) == 1


def test_the_bar_goes_to_its_end(server: Server) -> None:
    seen: list[tuple[str, int]] = []

    class Counts:
        def __init__(self, description: str, total: int) -> None:
            self.total, self.done = total, 0
            seen.append((description, total))

        def __enter__(self) -> Advance:
            return self

        def __exit__(self, *_: object) -> None:
            assert self.done in (self.total, self.total - 1)

        def advance(self, n: int = 1) -> None:
            self.done += n

    fetch(server, progress=Counts)
    assert seen == [("downloading weights.bin, MB", 6)]


def test_a_connection_that_breaks_is_gone_on_with(server: Server, place: Path) -> None:
    server.breaks_after = [46 * CHUNK, 15 * CHUNK]
    fetch(server)
    assert place.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={46 * CHUNK}-", f"bytes={61 * CHUNK}-"]


def test_a_connection_that_stays_broken_leaves_the_part_for_the_next_call(
    server: Server, place: Path
) -> None:
    server.breaks_after = [46 * CHUNK, 0]
    with pytest.raises(RunError, match=r"broke after 3 MB of weights.bin: the same command goes"):
        fetch(server)
    assert names(place) == ["weights.bin.part", "weights.bin.part.json"]
    assert place.with_name("weights.bin.part").read_bytes() == CONTENT[: 46 * CHUNK]
    said: list[str] = []
    fetch(server, notice=said.append)
    assert place.read_bytes() == CONTENT
    assert names(place) == ["weights.bin"]
    assert server.ranges[-1] == f"bytes={46 * CHUNK}-"
    assert "5 MB, 3 MB of it here already" in said[0]


def test_ctrl_c_keeps_the_part(server: Server, place: Path) -> None:
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


def test_a_server_without_ranges_starts_over(server: Server, place: Path) -> None:
    server.takes_ranges = False
    server.breaks_after = [46 * CHUNK]
    fetch(server)
    assert place.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_starts_over(server: Server, place: Path) -> None:
    server.breaks_after = [46 * CHUNK, 0]
    with pytest.raises(RunError):
        fetch(server)
    server.content, server.etag = CONTENT[::-1], '"two"'
    fetch(server)
    assert place.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_sign_of_the_same_file_it_starts_over(
    etag: str | None, server: Server, place: Path
) -> None:
    server.etag = etag
    server.breaks_after = [46 * CHUNK]
    fetch(server)
    assert place.read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_part_longer_than_the_file_starts_over(server: Server, place: Path) -> None:
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
def test_wherever_a_connection_breaks_the_file_is_whole_in_the_end(
    breaks: list[int], takes_ranges: bool, etag: str | None, size: int
) -> None:
    content = CONTENT[:size]
    with serving(content) as server:
        server.breaks_after, server.takes_ranges, server.etag = breaks, takes_ranges, etag
        for _ in range(len(breaks)):
            with suppress(RunError):
                fetch(server)
        assert fetch(server).read_bytes() == content


def test_a_wrong_checksum_keeps_nothing(server: Server, place: Path) -> None:
    with pytest.raises(RunError, match="another file than was published") as error:
        download(server.url, "sha256:" + 64 * "0")
    assert "\n" not in str(error.value)
    assert f"fetch {server.url} by hand and put it at {place}" in str(error.value)
    assert names(place) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT[:-1])
    assert fetch(server).read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "says"), [(404, "404 Not Found"), (500, "500 Internal")])
def test_what_the_server_refuses_is_said(
    status: int, says: str, server: Server, place: Path
) -> None:
    server.status = status
    with pytest.raises(RunError, match=says) as error:
        fetch(server)
    assert str(place) in str(error.value)
    assert names(place) == []


def test_no_server_is_one_line_with_url_and_place(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/weights.bin"
    with pytest.raises(RunError, match=r"cannot be reached \(Connection refused\)") as error:
        download(url, "sha256:" + 64 * "0")
    assert f"fetch {url} by hand and put it at {place}" in str(error.value)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline(how: str, server: Server, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"offline": True} if how == "argument" else {}
    if how == "environment":
        monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    with pytest.raises(UserError, match=r"is not in the cache and the net is not to be") as error:
        fetch(server, **options)
    assert f"fetch {server.url} by hand and put it at {place}" in str(error.value)
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)  # by hand
    assert fetch(server, **options) == place
    place.write_bytes(CONTENT[:-1])
    with pytest.raises(UserError, match="is there but damaged"):
        fetch(server, **options)
    assert server.ranges == []


def test_several_at_once_fetch_it_once(server: Server, place: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(server))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [place] * 4
    assert place.read_bytes() == CONTENT
    assert len(server.ranges) == 1


def test_a_disk_without_room_is_said_before(
    server: Server, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 4_000_000))
    with pytest.raises(UserError, match=r"weights.bin needs 5 MB in .*, where 4 MB are free"):
        fetch(server)
    assert names(place) == []


def test_the_cache_lists_and_clears_weights(server: Server, place: Path) -> None:
    fetch(server)
    server.content, server.etag = CONTENT[:-1], '"two"'
    server.breaks_after = [30 * CHUNK, 0]
    with pytest.raises(RunError):
        fetch(server)
    found = [entry for entry in cache_entries() if entry.kind == "weights"]
    assert [(entry.index["source"], entry.size_bytes) for entry in found] == [
        ("weights.bin", len(CONTENT)),
        ("weights.bin, cut off in the middle", 30 * CHUNK),
    ]
    assert clear_cache(found) == len(CONTENT) + 30 * CHUNK
    assert names(place) == []
