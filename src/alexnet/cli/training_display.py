"""Training progress: bars on a terminal, one plain line per epoch elsewhere."""

import shlex
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from alexnet.history import Epoch, Times
from alexnet.text import format_duration, printable
from alexnet.training.observers import Observer
from alexnet.training.results import TrainingResult

PLAIN: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}
"""For text with file names, which must not be parsed as markup."""

_SIGNAL_STATUS = 128
"""Exit status of a program that a signal ended, less the signal number."""
_TEXT = TextColumn("{task.fields[text]}", markup=False)
_HEADER = "epoch      lr    loss   train  val loss  val top-1  images/s     left"


class Screen(Observer):
    """Prints a line per epoch; on a terminal also a bar for the current epoch."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._clock = _Clock(0, 0)

    def notice(self, text: str) -> None:
        self._console.print(printable(text), **PLAIN)

    def started(self, *, epoch: int, step: int, epochs: int, steps: int) -> None:
        self._epochs, self._steps = epochs, steps
        self._clock = _Clock(epoch * steps + step, epochs * steps)
        self._console.print(_HEADER, style="bold", highlight=False)
        if self._console.is_terminal:
            self._bar = _epoch_bar(self._console)
            self._task = self._bar.add_task("", total=steps, text="")
            self._bar.start()

    def step(self, *, epoch: int, step: int, loss: float, top1: float, images: int) -> None:
        self._clock.note(epoch * self._steps + step, images)
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=step,
                description=f"epoch {epoch + 1}/{self._epochs}",
                text=f"loss {loss:.3f}  train {top1:.1%}  {self._clock.rate:,.0f} images/s  "
                f"{format_duration(self._clock.seconds_left)} left",
            )

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        self._console.print(
            f"{epoch.epoch:>5} {epoch.lr:>7.2g} {epoch.train_loss:>7.3f} {epoch.train_top1:>7.1%} "
            f"{epoch.val_loss:>9.3f} {epoch.val_top1:>10.1%} {times.images_per_second:>11,.0f} "
            f"{format_duration(self._clock.seconds_left):>8}{'  best' if is_best else ''}",
            **PLAIN,
        )

    def finished(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class _Clock:
    """Images per second, and the time left."""

    def __init__(self, done: int, total: int) -> None:
        self._start = time.monotonic()
        self._done_at_start = self._done = done
        self._total, self._images = total, 0

    def note(self, done: int, images: int) -> None:
        self._done = done
        self._images += images

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    @property
    def rate(self) -> float:
        return self._images / max(self._elapsed, 1e-9)

    @property
    def seconds_left(self) -> float:
        steps = max(self._done - self._done_at_start, 1)
        return self._elapsed / steps * (self._total - self._done)


class EpochBar(Observer):
    """A transient bar over the epochs of one training among many."""

    def __init__(self, console: Console, title: str) -> None:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(20))
        self._bar = Progress(*columns, _TEXT, console=console, transient=True)
        self._title = title

    def started(self, *, epoch: int, step: int, epochs: int, steps: int) -> None:
        self._steps = steps
        done = epoch * steps + step
        self._task = self._bar.add_task(
            self._title, total=epochs * steps, completed=done, text=f"epoch {epoch + 1}/{epochs}"
        )
        self._epochs = epochs
        self._bar.start()

    def step(self, *, epoch: int, step: int, loss: float, top1: float, images: int) -> None:
        text = f"epoch {epoch + 1}/{self._epochs}  loss {loss:.3f}  train {top1:.1%}"
        self._bar.update(self._task, completed=epoch * self._steps + step, text=text)

    def finished(self) -> None:
        self._bar.stop()


def _epoch_bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(20))
    return Progress(*columns, _TEXT, console=console, transient=True)


def show_result(console: Console, outcome: TrainingResult) -> None:
    """Print the metrics of the best epoch, the diagnosis and the run's folder."""
    metrics, folder = outcome.metrics, printable(outcome.run.folder)
    low, high = metrics.top1_interval
    console.print(
        f"\nBest epoch {outcome.best_epoch}: top-1 {metrics.top1:.1%} of {metrics.count:,} "
        f"validation images (95% CI {low:.1%} to {high:.1%})",
        **PLAIN,
    )
    console.print(f"Diagnosis: {outcome.diagnosis.line}", **PLAIN)
    console.print(f"Run: {folder}  (curves.png, confusion.png, best.safetensors, …)", **PLAIN)


def program() -> str:
    """Return the command of this program for a shell: its name if it is on PATH, else its path."""
    started = Path(sys.argv[0])
    if shutil.which("alexnet") or not started.is_file():
        return "alexnet"
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m alexnet"
    return shlex.quote(printable(sys.argv[0]))


def end_stopped(signal_number: int) -> NoReturn:
    """Exit after a signal, with the shells' conventional status."""
    # Everything is saved and printed: a second Ctrl-C has nothing left to interrupt.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(_SIGNAL_STATUS + signal_number)
