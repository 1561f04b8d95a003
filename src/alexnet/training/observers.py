"""Observers of a training: the terminal, TensorBoard, a test."""

from collections.abc import Iterable
from typing import Any

from alexnet.history import Epoch, Times


class Observer:
    """Receives the events of a training and ignores them; override the ones of interest."""

    def notice(self, text: str) -> None:
        """A one-line message for the user."""

    def started(self, *, epoch: int, step: int, epochs: int, steps: int) -> None:
        """Training starts at step `step` of epoch `epoch`; both count from 0."""

    def step(self, *, epoch: int, step: int, loss: float, top1: float, images: int) -> None:
        """A step is done: running means over the epoch, and the number of images in this step."""

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        """An epoch is done."""

    def finished(self) -> None:
        """Training finished, was interrupted or failed; always the last event."""


class Observers(Observer):
    """Forwards each event to several observers."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def notice(self, text: str) -> None:
        self._notify("notice", text)

    def started(self, **values: Any) -> None:
        self._notify("started", **values)

    def step(self, **values: Any) -> None:
        self._notify("step", **values)

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        self._notify("epoch", epoch, times, is_best=is_best)

    def finished(self) -> None:
        self._notify("finished")

    def _notify(self, event: str, *args: Any, **values: Any) -> None:
        for observer in self._observers:
            getattr(observer, event)(*args, **values)
