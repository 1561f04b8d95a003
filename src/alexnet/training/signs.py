"""The signs by which curves are judged, and the order in which they count.

The limits were chosen on some of the runs in tests/training/curves/ and tried on the others.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from alexnet.evaluation.metrics import wilson
from alexnet.recipe import Recipe
from alexnet.training.advice import USUAL_LR
from alexnet.training.history import Epoch
from alexnet.training.measured import Measured

_WIDE = 0.2
"""An interval of validation wider than this says little."""
_GAP = 0.1
"""Between training and validation; less is what a healthy training has too."""
_CHASM = 0.2
"""A gap that is a verdict by itself."""
_KNOWN_BY_HEART = 0.97
_RISE = 0.1
"""Of the validation loss above its lowest, relative."""
_BLOWN = 1.3
"""Times the loss of guessing: so wrong is only a network whose steps were too large."""
_RELAPSE = 0.25
"""Share of what had been learned that is lost again."""
_LEARNED = 0.02
"""Share of the loss of guessing; a training that took off less far is at its start."""
_SILENT = 0.9
_UNFINISHED = 0.25
"""Share of all that was learned that came in the second half."""
_STILL_FALLS = 0.04
"""Of the loss of guessing, in the second half; a fall by less is no progress."""
_UNDERFIT = 0.85
_FEW_STEPS = 400
_FEW_A_CLASS = 100
_RATE_TOO_LOW = 1 / 8
"""Of the usual rate."""
_REGULAR_DROPOUT = 0.4


class Finding(NamedTuple):
    """A verdict, what is said behind it, its evidence, and since which epoch it can be seen."""

    verdict: str
    said: str
    evidence: Sequence[str]
    since: int | None = None


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
    train: int = field(init=False)
    val: int = field(init=False)

    def __post_init__(self) -> None:
        known, epochs = self.measured, self.epochs
        self.train = known.train if known else 0
        self.val = known.val if known else self.val_count or _whole([e.val_top1 for e in epochs])

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
        """Top-1 on training pictures at the end and of how many: as measured, else the curve's."""
        known = self.measured
        if known and known.sample_top1 is not None:
            return known.sample_top1, known.sample_count
        tops = [epoch.train_top1 for epoch in self.epochs]
        return _mean([epoch.train_top1 for epoch in self.tail]), self.train or _whole(tops)

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
        """Whether dropout and crops are at work already, so that more pictures are what is left."""
        varied = self.recipe is not None and self.recipe.crop != "centre"
        return varied and (self.dropout or 0) >= _REGULAR_DROPOUT

    def figures(self) -> Iterator[str]:
        """What is compared first: training and validation, with intervals."""
        (top1, count), known = self.fit, self.measured
        of = "as validation sees them" if known and known.sample_top1 is not None else "augmented"
        yield f"training pictures, {of}: {_share(top1, count)}"
        yield f"validation pictures at the end: {_share(self.val_top1, self.val)}"
        yield f"guessing: top-1 {self.guess_top1:.0%}, loss {self.guess_loss:.2f}"
        yield (
            f"training loss {self.epochs[0].train_loss:.3g} in the first epoch, "
            f"{self.train_loss:.3g} at the end"
        )


def find(signs: Signs) -> Finding:
    """The first of these that holds; what spoils the others' signs comes first."""
    for look in (
        _diverged,
        _rate_too_high,
        _not_off_the_ground,
        _dead_units,
        _gap,
        _under_way,
        _underfitting,
        _too_few_to_judge,
    ):
        found = look(signs)
        if found is not None:
            return found
    (top1, _), figures = signs.fit, list(signs.figures())
    return Finding("good", f": training {top1:.0%}, validation {signs.val_top1:.0%}", figures)


_TOO_HIGH = "learning rate too high"


def _diverged(signs: Signs) -> Finding | None:
    said = signs.measured.diverged if signs.measured else ""
    for epoch in signs.epochs:
        values = (epoch.train_loss, epoch.val_loss)
        if not all(map(math.isfinite, values)):
            said = f"in epoch {epoch.epoch}: the loss is {values[0]:g}"
            break
    if not said:
        return None
    curves = [f"loss of epoch {e.epoch}: {e.train_loss:.3g}" for e in signs.epochs[-3:]]
    since = len(signs.epochs) + 1
    return Finding(_TOO_HIGH, f": training broke off {said}", [said, *curves], since)


def _rate_too_high(signs: Signs) -> Finding | None:
    losses = [epoch.train_loss for epoch in signs.epochs]
    worst, guess = max(losses), signs.guess_loss
    if worst > _BLOWN * guess and signs.learned < 0.3:
        epoch = signs.epochs[losses.index(worst)].epoch
        said = f": the training loss rose to {worst:.3g}, where guessing has {guess:.2f}"
        return Finding(_TOO_HIGH, said, [*signs.figures(), *_silent(signs)], epoch)
    least = min(losses)
    if guess - least > _LEARNED * guess and signs.train_loss - least > _RELAPSE * (guess - least):
        epoch = signs.epochs[losses.index(least)].epoch
        said = (
            f" since epoch {epoch + 1}: the training loss had fallen to {least:.3g} "
            f"and rose to {signs.train_loss:.3g} again"
        )
        return Finding(_TOO_HIGH, said, [*signs.figures(), *_silent(signs)], epoch + 1)
    return None


def _not_off_the_ground(signs: Signs) -> Finding | None:
    if signs.learned > _LEARNED:
        return None
    figures = [*signs.figures(), *_silent(signs)]
    if signs.rate < _RATE_TOO_LOW:
        return _too_low(signs)
    if signs.silent[1] >= _SILENT:
        return _of_silence(signs)
    if signs.steps < _FEW_STEPS:
        said = f": {signs.steps:.0f} steps are too few to leave chance"
        return Finding("not finished", said, figures)
    said = f" at chance: validation {signs.val_top1:.0%}, guessing {signs.guess_top1:.0%}"
    return Finding("standing still", said, figures)


def _dead_units(signs: Signs) -> Finding | None:
    top1, _ = signs.fit
    return _of_silence(signs) if signs.silent[1] >= _SILENT and top1 < _UNDERFIT else None


def _of_silence(signs: Signs) -> Finding:
    layer, share = signs.silent
    said = f": {share:.0%} of {layer} is 0 for every picture"
    return Finding("dead ReLUs", said, [*_silent(signs), *signs.figures()])


def _gap(signs: Signs) -> Finding | None:
    """Training far above validation, and validation that suffers from it."""
    (top1, count), val = signs.fit, signs.val_top1
    apart = _interval(top1, count)[0] > _interval(val, signs.val)[1]
    if not apart or top1 - val < _GAP:
        return None
    since, figures = _since(signs), list(signs.figures())
    said = f": training {top1:.0%}, validation {val:.0%}"
    per_class = signs.train / signs.classes if signs.train else math.inf
    if signs.regular and per_class < _FEW_A_CLASS:
        about = f": {per_class:.0f} a class to train on{said.replace(':', ' give', 1)}"
        return Finding("too few pictures", about, figures, since)
    rise = _rise(signs)
    if top1 < _KNOWN_BY_HEART and rise < _RISE and top1 - val < _CHASM:
        return None
    if rise >= _RISE:
        figures.append(f"the validation loss rose by {rise:.0%} above its lowest")
    when = "" if since is None else f" since epoch {since}"
    return Finding("overfitting", f"{when}{said}", figures, since)


def _under_way(signs: Signs) -> Finding | None:
    """Cut off while it learned, or so slow that it will never arrive."""
    top1, _ = signs.fit
    if top1 >= _KNOWN_BY_HEART or _is_apart(signs):
        return None
    if signs.rate < _RATE_TOO_LOW and signs.steps > _FEW_STEPS:
        return _too_low(signs)
    share = signs.second_half
    middle, last = signs.epochs[(len(signs.epochs) - 1) // 2], signs.epochs[-1]
    fall = (middle.train_loss - last.train_loss) / signs.guess_loss
    if (share < _UNFINISHED or fall < _STILL_FALLS) and signs.steps > _FEW_STEPS:
        return None
    said = (
        f": from epoch {middle.epoch} to {last.epoch} the training loss still fell from "
        f"{middle.train_loss:.3g} to {last.train_loss:.3g}"
    )
    figures = [*signs.figures(), f"{share:.0%} of what was learned came in the second half"]
    return Finding("not finished", said, figures)


def _too_low(signs: Signs) -> Finding:
    first = signs.epochs[0].train_loss
    said = (
        f": in {len(signs.epochs)} epochs the training loss only came from {first:.3g} "
        f"to {signs.train_loss:.3g}"
    )
    rate = f"the rate is {signs.rate:.2g} of what is usual for its optimizer"
    return Finding("learning rate too low", said, [*signs.figures(), rate])


def _underfitting(signs: Signs) -> Finding | None:
    top1, _ = signs.fit
    if top1 >= _UNDERFIT or _is_apart(signs):
        return None
    said = f": training {top1:.0%}, validation {signs.val_top1:.0%}, and it learns little more"
    return Finding("underfitting", said, list(signs.figures()))


def _too_few_to_judge(signs: Signs) -> Finding | None:
    low, high = _interval(signs.val_top1, signs.val)
    if high - low <= _WIDE:
        return None
    said = f": by {signs.val} to validate on, the accuracy is anything from {low:.0%} to {high:.0%}"
    return Finding("too few pictures", said, list(signs.figures()))


def _is_apart(signs: Signs) -> bool:
    """Whether training is surely above validation by more than in a healthy training."""
    (top1, count), val = signs.fit, signs.val_top1
    apart = _interval(top1, count)[0] > _interval(val, signs.val)[1]
    return apart and top1 - val >= _GAP / 2


def _since(signs: Signs) -> int | None:
    """The epoch behind the lowest validation loss, or that from which on the curves are apart."""
    losses = _smooth([epoch.val_loss for epoch in signs.epochs])
    if _rise(signs) >= _RISE:
        return signs.epochs[losses.index(min(losses))].epoch + 1
    since, count = None, signs.train or signs.fit[1]
    for epoch in reversed(signs.epochs):
        low = _interval(epoch.train_top1, count)[0]
        if low <= _interval(epoch.val_top1, signs.val)[1]:
            break
        since = epoch.epoch
    return since


def _rise(signs: Signs) -> float:
    """How far the validation loss has risen above its lowest, relative."""
    losses = _smooth([epoch.val_loss for epoch in signs.epochs])
    return losses[-1] / max(min(losses), 1e-9) - 1


def _silent(signs: Signs) -> Iterator[str]:
    known = signs.measured.silent if signs.measured else {}
    if any(share > 0 for share in known.values()):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in known.items())
        yield f"units that are 0 for every picture: {shares}"


def _smooth(values: Sequence[float]) -> list[float]:
    """The median of each value and its neighbours: one bad epoch is no trend."""
    padded = [values[0], *values, values[-1]]
    return [sorted(padded[i : i + 3])[1] for i in range(len(values))]


def _interval(share: float, count: int) -> tuple[float, float]:
    return wilson(round(share * count), count) if count else (0.0, 1.0)


def _share(share: float, count: int) -> str:
    low, high = _interval(share, count)
    return f"{share:.1%} of {count:,} (95% interval {low:.0%} to {high:.0%})"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _whole(shares: Sequence[float], most: int = 200_000) -> int:
    """The least number of pictures of which all these shares can be.

    >>> _whole([0.5, 2 / 3])
    6
    """
    exact = [share for share in shares if 0 < share < 1]
    for count in range(1, most) if exact else ():
        if all(abs(share * count - round(share * count)) < 1e-9 * count for share in exact):
            return count
    return 0
