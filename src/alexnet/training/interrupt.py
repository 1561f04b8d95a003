"""Ctrl-C and SIGTERM as a request to stop after the current step."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_IMPATIENCE_S = 5.0
"""For this long after the loop a second signal still counts as the same request."""


class StopRequest:
    """While entered, the first signal sets `signal_number`, and a second one changes nothing.

    People press Ctrl-C again while the step ends and the checkpoint is saved, or just after that,
    while plots are drawn. That must not lose what is being saved, so only a third signal
    interrupts at once. Does nothing outside the main thread, where Python handles no signals.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._count = 0
        self._before: dict[int, Any] = {}
        self._left_at: float | None = None

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._count == 1:  # the second may be on its way
            self._left_at = time.monotonic()
        else:
            self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._note:
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._left_at is None:
            self.signal_number = self.signal_number or number
            if self._count > 2:
                raise KeyboardInterrupt
            return
        self._restore()
        if time.monotonic() - self._left_at > _IMPATIENCE_S:
            handler: Callable[..., Any] | int | None = signal.getsignal(number)
            if callable(handler):
                handler(number, frame)
            else:
                signal.raise_signal(number)
