"""The time that may be spent, divided among the parts; what one leaves goes to the next."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True)
class Deadline:
    """The moment until which a part may measure."""

    end: float
    clock: Clock = time.monotonic

    def left(self) -> float:
        """Seconds, 0 when it has passed."""
        return max(self.end - self.clock(), 0.0)

    def allows(self, seconds: float = 0.0) -> bool:
        """Whether something that takes this long would be done in time."""
        return self.left() > seconds


class Budget:
    """Seconds for several parts.

    Args:
        weights: of the parts, in the order in which they run.
    """

    def __init__(
        self, seconds: float, weights: Mapping[str, float], clock: Clock = time.monotonic
    ) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._weights = dict(weights)

    def deadline(self, part: str) -> Deadline:
        """The deadline of the next part: its fraction of what is left for it and those after it."""
        left = max(self._end - self._clock(), 0.0)
        fraction = self._weights[part] / sum(self._weights.values())
        del self._weights[part]
        return Deadline(self._clock() + left * fraction, self._clock)

    def left(self) -> float:
        """Seconds, 0 when all are spent."""
        return max(self._end - self._clock(), 0.0)
