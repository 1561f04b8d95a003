"""Progress output on a terminal and elsewhere."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from alexnet import progress


def lines(seconds: float, total: int, monkeypatch: pytest.MonkeyPatch) -> str:
    times = iter((0.0, seconds))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))
    console = Console(file=io.StringIO(), force_terminal=False)
    with progress.rich_progress(console)("[b]decoding", total) as steps:
        for _ in range(total):
            steps.advance()
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_slow_tasks_print_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(2, 10, monkeypatch) == "[b]decoding: 10 in 2.0 s, 5/s\n"
    assert lines(0.5, 10, monkeypatch) == ""


def test_waiting_is_printed_immediately(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(0.1, 0, monkeypatch) == "[b]decoding …\n"


def test_terminal_shows_a_progress_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with progress.rich_progress(console)("[b]decoding", 3) as steps:
        steps.advance(3)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[b]decoding" in output
    assert "3/3" in output
