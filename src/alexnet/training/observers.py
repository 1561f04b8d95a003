"""What a training tells whoever watches it: the screen, TensorBoard, a test."""

from collections.abc import Iterable
from typing import Any

from alexnet.history import Epoch, Times


class Observer:
    """Does nothing at each event; a subclass overrides what it wants to see."""

    def notice(self, text: str) -> None:
        """Something that a person should know, one line."""

    def started(self, *, epoch: int, step: int, epochs: int, steps: int) -> None:
        """Steps come now, from step `step` of epoch `epoch` on; both count from 0."""

    def step(self, *, epoch: int, step: int, loss: float, top1: float, images: int) -> None:
        """A step is done: means over the epoch so far, and the images of this step."""

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        """An epoch is done."""

    def finished(self) -> None:
        """Training ended, or was stopped, or failed; always the last event."""


class Observers(Observer):
    """Passes each event on to several observers."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def notice(self, text: str) -> None:
        self._tell("notice", text)

    def started(self, **what: Any) -> None:
        self._tell("started", **what)

    def step(self, **what: Any) -> None:
        self._tell("step", **what)

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        self._tell("epoch", epoch, times, is_best=is_best)

    def finished(self) -> None:
        self._tell("finished")

    def _tell(self, event: str, *args: Any, **what: Any) -> None:
        for observer in self._observers:
            getattr(observer, event)(*args, **what)
