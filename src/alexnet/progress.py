"""Progress reporting for library code, which prints nothing itself."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

QUIET_S = 1.0
"""Tasks shorter than this print no line if the output is not a terminal."""


class Advance(Protocol):
    """Counts completed steps."""

    def advance(self, n: int = 1) -> None: ...


class Progress(Protocol):
    """Starts the progress of a task of `total` steps; 0 for a wait of unknown length.

    >>> with no_progress("decoding images", total=2) as steps:
    ...     steps.advance()
    ...     steps.advance()
    """

    def __call__(self, description: str, total: int) -> AbstractContextManager[Advance]: ...


class _Silent:
    def advance(self, n: int = 1) -> None:
        pass


@contextmanager
def no_progress(description: str, total: int) -> Iterator[Advance]:  # noqa: ARG001
    """A `Progress` without output."""
    yield _Silent()


def rich_progress(console: "Console") -> Progress:
    """Return a progress bar on a terminal, else one line per task longer than a second."""
    return _Bars(console) if console.is_terminal else _Lines(console)


class _Bars:
    def __init__(self, console: "Console") -> None:
        self.console = console

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Advance]:
        from rich import progress as rich

        columns: list[rich.ProgressColumn] = [
            rich.TextColumn("{task.description}", markup=False),
            rich.BarColumn(),
        ]
        if total:
            columns += [
                rich.MofNCompleteColumn(),
                rich.TextColumn("{task.fields[rate]}", markup=False),
                rich.TimeRemainingColumn(),
            ]
        with rich.Progress(*columns, console=self.console, transient=True) as display:
            task = display.add_task(description, total=total or None, rate="")
            yield _BarSteps(display, task)


class _BarSteps:
    def __init__(self, display: "object", task: "object") -> None:
        self.bars, self.task = display, task
        self.start, self.done = time.monotonic(), 0

    def advance(self, n: int = 1) -> None:
        self.done += n
        seconds = max(time.monotonic() - self.start, 1e-6)
        rate = f"{self.done / seconds:,.0f}/s"
        self.bars.update(self.task, advance=n, rate=rate)  # type: ignore[attr-defined]


class _Lines:
    def __init__(self, console: "Console") -> None:
        self.console = console

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Advance]:
        if not total:  # announce a wait when it begins
            self._print(f"{description} …")
        steps, start = _LineSteps(), time.monotonic()
        yield steps
        seconds = time.monotonic() - start
        if total and seconds >= QUIET_S:
            rate = f"{steps.done / seconds:,.0f}/s"
            self._print(f"{description}: {steps.done:,} in {seconds:.1f} s, {rate}")

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _LineSteps:
    def __init__(self) -> None:
        self.done = 0

    def advance(self, n: int = 1) -> None:
        self.done += n
