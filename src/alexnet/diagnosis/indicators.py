"""The numbers that the rules compare, derived from learning curves and measurements."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alexnet.config.hyperparameters import Recipe
from alexnet.diagnosis.measurements import Measurements
from alexnet.diagnosis.suggestions import USUAL_LR
from alexnet.evaluation.metrics import wilson
from alexnet.history import Epoch

_USUAL_DROPOUT = 0.4


@dataclass
class Indicators:
    """Indicators of a training, derived from its curves, its measurements and its recipe."""

    epochs: Sequence[Epoch]
    num_classes: int
    measurements: Measurements | None
    recipe: Recipe | None
    dropout: float | None = None
    """The dropout rate of the network; None if unknown."""
    train_count: int = 0
    """The number of training images; 0 if unknown. Measurements override it."""
    val_count: int = 0
    """The number of validation images, likewise."""
    min_val_count: int = field(init=False)
    """`val_count`, or the smallest number that fits the curve: a confidence interval that is too
    wide is safer than one that is too narrow."""

    def __post_init__(self) -> None:
        if self.measurements:
            self.train_count, self.val_count = self.measurements.train, self.measurements.val
        self.min_val_count = self.val_count or _smallest_count([e.val_top1 for e in self.epochs])

    @property
    def was_interrupted(self) -> bool:
        """Whether the recipe has more epochs than were trained."""
        return self.recipe is not None and len(self.epochs) < self.recipe.epochs

    @property
    def chance_top1(self) -> float:
        """Accuracy of always predicting the most frequent class of the validation set."""
        counts = self.measurements.val_counts if self.measurements else ()
        return max(counts) / sum(counts) if any(counts) else 1 / self.num_classes

    @property
    def chance_loss(self) -> float:
        """Loss of predicting the class frequencies of the training set: their entropy, in nats."""
        if self.measurements is None or not self.measurements.train:
            return math.log(self.num_classes)
        counts = self.measurements.train_counts
        frequencies = [count / self.measurements.train for count in counts if count]
        return -sum(frequency * math.log(frequency) for frequency in frequencies)

    @property
    def last_epochs(self) -> Sequence[Epoch]:
        """The last tenth of the epochs: their mean is less noisy than the last one."""
        return self.epochs[-max(1, len(self.epochs) // 10) :]

    @property
    def val_top1(self) -> float:
        """Validation accuracy at the end."""
        return _mean([epoch.val_top1 for epoch in self.last_epochs])

    @property
    def train_loss(self) -> float:
        """Training loss of the curves at the end."""
        return _mean([epoch.train_loss for epoch in self.last_epochs])

    @property
    def train_top1(self) -> float:
        """Training accuracy at the end: as measured, else that of the curves."""
        if self.measurements and self.measurements.sample_top1 is not None:
            return self.measurements.sample_top1
        return _mean([epoch.train_top1 for epoch in self.last_epochs])

    @property
    def train_top1_count(self) -> int:
        """The number of images behind `train_top1`, at least."""
        if self.measurements and self.measurements.sample_top1 is not None:
            return self.measurements.sample_count
        fitting = self.train_count or _smallest_count([e.train_top1 for e in self.epochs])
        return fitting or self.min_val_count

    @property
    def train_per_class(self) -> float:
        """Training images per class; infinite if unknown."""
        return self.train_count / self.num_classes if self.train_count else math.inf

    @property
    def loss_reduction(self) -> float:
        """Relative reduction of the chance-level loss at the end; 0: nothing learned, 1: all."""
        return 1 - self.train_loss / self.chance_loss

    @property
    def most_dead_layer(self) -> tuple[str, float]:
        """The layer with the largest fraction of dead ReLU units, and that fraction."""
        fractions = self.measurements.dead_units if self.measurements else {}
        return max(fractions.items(), key=lambda item: item[1], default=("", 0.0))

    @property
    def second_half_progress(self) -> float:
        """Fraction of the loss reduction that came in the second half of the epochs."""
        middle = self.epochs[(len(self.epochs) - 1) // 2].train_loss
        return (middle - self.train_loss) / max(self.chance_loss - self.train_loss, 1e-9)

    @property
    def steps(self) -> float:
        """The number of optimizer steps; infinite if unknown."""
        if self.recipe is None or not self.train_count:
            return math.inf
        return len(self.epochs) * math.ceil(self.train_count / self.recipe.batch_size)

    @property
    def relative_lr(self) -> float:
        """The peak learning rate divided by the usual one of the optimizer; 1 if unknown."""
        return self.recipe.lr / USUAL_LR[self.recipe.optimizer] if self.recipe else 1.0

    @property
    def is_regularized(self) -> bool:
        """Whether dropout and random crops are in use already, so that only more images help."""
        crops = self.recipe is not None and self.recipe.crop != "center"
        return crops and (self.dropout or 0) >= _USUAL_DROPOUT

    @property
    def has_gap(self) -> bool:
        """Whether the confidence intervals of training and validation accuracy do not overlap."""
        low, _ = confidence_interval(self.train_top1, self.train_top1_count)
        return low > confidence_interval(self.val_top1, self.min_val_count)[1]

    def evidence(self) -> Iterator[str]:
        """Yield the metrics that every verdict rests on; with intervals where counts are known."""
        has_sample = self.measurements is not None and self.measurements.sample_top1 is not None
        inputs = "preprocessed as for validation" if has_sample else "augmented"
        count = self.train_top1_count if has_sample else self.train_count
        yield f"training top-1, {inputs}: {format_accuracy(self.train_top1, count)}"
        yield f"validation top-1 at the end: {format_accuracy(self.val_top1, self.val_count)}"
        yield f"chance level: top-1 {self.chance_top1:.0%}, loss {self.chance_loss:.2f}"
        yield (
            f"training loss {self.epochs[0].train_loss:.3g} in the first epoch, "
            f"{self.train_loss:.3g} at the end"
        )


def median_filter(values: Sequence[float]) -> list[float]:
    """Return the median of each value and its neighbors: a single bad epoch is no trend."""
    padded = [values[0], *values, values[-1]]
    return [sorted(padded[i : i + 3])[1] for i in range(len(values))]


def confidence_interval(fraction: float, count: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a fraction of `count` images; (0, 1) for none."""
    return wilson(round(fraction * count), count) if count else (0.0, 1.0)


def format_accuracy(fraction: float, count: int) -> str:
    """Format an accuracy with its confidence interval, without one if `count` is 0 (unknown).

    >>> format_accuracy(0.75, 400), format_accuracy(0.75, 0)
    ('75.0% of 400 (95% confidence interval 71% to 79%)', '75.0%')
    """
    if not count:
        return f"{fraction:.1%}"
    low, high = confidence_interval(fraction, count)
    return f"{fraction:.1%} of {count:,} (95% confidence interval {low:.0%} to {high:.0%})"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _smallest_count(fractions: Sequence[float], limit: int = 200_000) -> int:
    """Return the smallest number of images that gives all these fractions; 0 for none.

    >>> _smallest_count([0.5, 2 / 3])
    6
    """
    proper = [fraction for fraction in fractions if 0 < fraction < 1]
    for count in range(1, limit) if proper else ():
        if all(abs(value * count - round(value * count)) < 1e-9 * count for value in proper):
            return count
    return 0
