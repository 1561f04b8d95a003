"""The curves of a training, and what was measured at its end, as numbers to compare."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alexnet.config.hyperparameters import Recipe
from alexnet.diagnosis.measurements import Measured
from alexnet.diagnosis.suggestions import USUAL_LR
from alexnet.evaluation.metrics import wilson
from alexnet.history import Epoch

_REGULAR_DROPOUT = 0.4


@dataclass
class Signs:
    """The curves and what is known beside them, as numbers that can be compared."""

    epochs: Sequence[Epoch]
    classes: int
    val_count: int | None
    measured: Measured | None
    recipe: Recipe | None
    dropout: float | None = None
    """Of the network; None: not known."""
    train_count: int | None = None
    train: int = field(init=False)
    """Training images; 0: not known. So is `val`."""
    val: int = field(init=False)
    least_val: int = field(init=False)
    """The validation images, or the least number that fits the curve: an interval of these is
    too wide rather than too narrow."""

    def __post_init__(self) -> None:
        known, epochs = self.measured, self.epochs
        self.train = known.train if known else self.train_count or 0
        self.val = known.val if known else self.val_count or 0
        self.least_val = self.val or _whole([epoch.val_top1 for epoch in epochs])

    @property
    def is_stopped(self) -> bool:
        """Whether epochs that were to come are missing."""
        return self.recipe is not None and len(self.epochs) < self.recipe.epochs

    @property
    def guess_top1(self) -> float:
        """Right answers of always naming the class that is most frequent in validation."""
        known = self.measured
        return max(known.val_counts) / known.val if known and known.val else 1 / self.classes

    @property
    def guess_loss(self) -> float:
        """Training loss of knowing only how frequent each class is: the entropy of that, nats."""
        known = self.measured
        if known is None or not known.train:
            return math.log(self.classes)
        shares = [count / known.train for count in known.train_counts if count]
        return -sum(share * math.log(share) for share in shares)

    @property
    def tail(self) -> Sequence[Epoch]:
        """The last tenth of the epochs: their mean is less noisy than the last one."""
        return self.epochs[-max(1, len(self.epochs) // 10) :]

    @property
    def val_top1(self) -> float:
        """Validation at the end."""
        return _mean([epoch.val_top1 for epoch in self.tail])

    @property
    def train_loss(self) -> float:
        """As the curves have it, at the end."""
        return _mean([epoch.train_loss for epoch in self.tail])

    @property
    def fit(self) -> tuple[float, int]:
        """Top-1 on training images at the end, as measured, else the curve's; of how many, at
        least."""
        known = self.measured
        if known and known.sample_top1 is not None:
            return known.sample_top1, known.sample_count
        tops = [epoch.train_top1 for epoch in self.epochs]
        count = self.train or _whole(tops) or self.least_val
        return _mean([epoch.train_top1 for epoch in self.tail]), count

    @property
    def learned(self) -> float:
        """Share of the loss of guessing that is gone at the end; 0: nothing, 1: all."""
        return 1 - self.train_loss / self.guess_loss

    @property
    def silent(self) -> tuple[str, float]:
        """The layer with the largest share of silent units, and that share."""
        known = self.measured.silent if self.measured else {}
        return max(known.items(), key=lambda item: item[1], default=("", 0.0))

    @property
    def second_half(self) -> float:
        """Share of all that was learned that came in the second half of the epochs."""
        middle = self.epochs[(len(self.epochs) - 1) // 2].train_loss
        return (middle - self.train_loss) / max(self.guess_loss - self.train_loss, 1e-9)

    @property
    def steps(self) -> float:
        """Updates that were made; infinite where they are not known."""
        if self.recipe is None or not self.train:
            return math.inf
        return len(self.epochs) * math.ceil(self.train / self.recipe.batch_size)

    @property
    def rate(self) -> float:
        """The highest learning rate in units of the usual one for the optimizer; 1: unknown."""
        return self.recipe.lr / USUAL_LR[self.recipe.optimizer] if self.recipe else 1.0

    @property
    def regular(self) -> bool:
        """Whether dropout and crops are at work already, so that more images are what is left."""
        varied = self.recipe is not None and self.recipe.crop != "center"
        return varied and (self.dropout or 0) >= _REGULAR_DROPOUT

    def figures(self) -> Iterator[str]:
        """What is compared first: training and validation, with intervals where it is known of
        how many images they are."""
        (top1, count), known = self.fit, self.measured
        is_sample = known is not None and known.sample_top1 is not None
        of = "as validation sees them" if is_sample else "augmented"
        yield f"training images, {of}: {share_text(top1, count if is_sample else self.train)}"
        yield f"validation images at the end: {share_text(self.val_top1, self.val)}"
        yield f"guessing: top-1 {self.guess_top1:.0%}, loss {self.guess_loss:.2f}"
        yield (
            f"training loss {self.epochs[0].train_loss:.3g} in the first epoch, "
            f"{self.train_loss:.3g} at the end"
        )


def smooth(values: Sequence[float]) -> list[float]:
    """The median of each value and its neighbors: one bad epoch is no trend."""
    padded = [values[0], *values, values[-1]]
    return [sorted(padded[i : i + 3])[1] for i in range(len(values))]


def interval(share: float, count: int) -> tuple[float, float]:
    return wilson(round(share * count), count) if count else (0.0, 1.0)


def share_text(share: float, count: int) -> str:
    """A share with its interval; without, where the count is 0, which means that it is not known.

    >>> share_text(0.75, 400), share_text(0.75, 0)
    ('75.0% of 400 (95% interval 71% to 79%)', '75.0%')
    """
    if not count:
        return f"{share:.1%}"
    low, high = interval(share, count)
    return f"{share:.1%} of {count:,} (95% interval {low:.0%} to {high:.0%})"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _whole(shares: Sequence[float], most: int = 200_000) -> int:
    """The least number of images of which all these shares can be.

    >>> _whole([0.5, 2 / 3])
    6
    """
    exact = [share for share in shares if 0 < share < 1]
    for count in range(1, most) if exact else ():
        if all(abs(share * count - round(share * count)) < 1e-9 * count for share in exact):
            return count
    return 0
