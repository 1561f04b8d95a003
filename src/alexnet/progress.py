"""How library code says how far it is, without printing anything itself."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

QUIET_S = 1.0
"""Work that is done sooner than this leaves no line where the output is no terminal."""


class Advance(Protocol):
    """Takes note of steps that are done."""

    def advance(self, n: int = 1) -> None: ...


class Progress(Protocol):
    """Starts the report on one piece of work of `total` steps; 0 stands for waiting.

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
    """The `Progress` that says nothing."""
    yield _Silent()


def rich_progress(console: "Console") -> Progress:
    """A bar on a terminal; elsewhere one plain line when the work took more than a second."""
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
        with rich.Progress(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(description, total=total or None, rate="")
            yield _BarSteps(bars, task)


class _BarSteps:
    def __init__(self, bars: "object", task: "object") -> None:
        self.bars, self.task = bars, task
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
        if not total:  # Whoever waits wants to know now why nothing happens.
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
