"""The verdicts on a training: the sign of each, and the order in which they count.

The limits were chosen on some of the runs in tests/training/curves/ and tried on the others.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alexnet.diagnosis.indicators import Signs, interval, smooth

STOPPED = "stopped"
"""No verdict on what was learned: more epochs were to come."""

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
_UNFINISHED = 0.3
"""Share of all that was learned that came in the second half."""
_STILL_FALLS = 0.04
"""Of the loss of guessing, in the second half; a fall by less is no progress."""
_UNDERFIT = 0.6
_FINE = 0.85
_FEW_STEPS = 400
_FEW_A_CLASS, _VERY_FEW_A_CLASS = 100, 25
_RATE_TOO_LOW = 1 / 8
"""Of the usual rate."""


class Finding(NamedTuple):
    """A verdict, what is said behind it, its evidence, and since which epoch it can be seen."""

    verdict: str
    said: str
    evidence: Sequence[str]
    since: int | None = None


def find(signs: Signs) -> Finding:
    """The first of these that holds; what spoils the others' signs comes first."""
    for look in (
        _diverged,
        _blown_up,
        _stopped,
        _relapsed,
        _not_off_the_ground,
        _dead_units,
        _gap,
        _too_few_to_learn_from,
        _under_way,
        _underfitting,
        _too_few_to_judge,
    ):
        found = look(signs)
        if found is not None:
            return found
    (top1, _), figures = signs.fit, list(signs.figures())
    return Finding("good", f": training {top1:.0%}, validation {signs.val_top1:.0%}", figures)


_TOO_HIGH, _OVERFITTING = "learning rate too high", "overfitting"


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


def _blown_up(signs: Signs) -> Finding | None:
    losses = [epoch.train_loss for epoch in signs.epochs]
    worst, guess = max(losses), signs.guess_loss
    if worst > _BLOWN * guess and signs.learned < 0.3:
        epoch = signs.epochs[losses.index(worst)].epoch
        said = f": the training loss rose to {worst:.3g}, where guessing has {guess:.2f}"
        return Finding(_TOO_HIGH, said, [*signs.figures(), *_silent(signs)], epoch)
    return None


def _stopped(signs: Signs) -> Finding | None:
    """Before its end a training shows nothing for sure but what more epochs do not mend."""
    if not signs.is_stopped or signs.recipe is None:
        return None
    gap = _gap(signs)
    if gap is not None and gap.verdict == _OVERFITTING:
        return gap
    said = f" after {len(signs.epochs)} of {signs.recipe.epochs} epochs"
    return Finding(STOPPED, said, list(signs.figures()))


def _relapsed(signs: Signs) -> Finding | None:
    losses, guess = [epoch.train_loss for epoch in signs.epochs], signs.guess_loss
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
    said = f": {share:.0%} of {layer} is 0 for every image"
    return Finding("dead ReLUs", said, [*_silent(signs), *signs.figures()])


def _gap(signs: Signs) -> Finding | None:
    """Training far above validation, and validation that suffers from it."""
    (top1, count), val = signs.fit, signs.val_top1
    apart = interval(top1, count)[0] > interval(val, signs.least_val)[1]
    if not apart or top1 - val < _GAP:
        return None
    since, figures = _since(signs), list(signs.figures())
    said = f": training {top1:.0%}, validation {val:.0%}"
    per_class = signs.train / signs.classes if signs.train else math.inf
    if signs.regular and per_class < _FEW_A_CLASS:
        about = f": {per_class:.0f} a class to train on{said.replace(':', ' give', 1)}"
        return Finding("too few images", about, figures, since)
    rise = _rise(signs)
    if top1 < _KNOWN_BY_HEART and rise < _RISE and top1 - val < _CHASM:
        return None
    if rise >= _RISE:
        figures.append(f"the validation loss rose by {rise:.0%} above its lowest")
    when = "" if since is None else f" since epoch {since}"
    return Finding(_OVERFITTING, f"{when}{said}", figures, since)


def _too_few_to_learn_from(signs: Signs) -> Finding | None:
    """So few that even the difference to training is hidden by noise."""
    per_class = signs.train / signs.classes if signs.train else math.inf
    if per_class >= _VERY_FEW_A_CLASS or signs.val_top1 >= _FINE:
        return None
    said = f": {per_class:.0f} a class to train on give validation {signs.val_top1:.0%}"
    return Finding("too few images", said, list(signs.figures()))


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
    is_short = signs.steps <= _FEW_STEPS
    if fall <= 0 or (not is_short and (share < _UNFINISHED or fall < _STILL_FALLS)):
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
    low, high = interval(signs.val_top1, signs.val)
    if not signs.val or high - low <= _WIDE:
        return None
    said = f": by {signs.val} to validate on, the accuracy is anything from {low:.0%} to {high:.0%}"
    return Finding("too few images", said, list(signs.figures()))


def _is_apart(signs: Signs) -> bool:
    """Whether training is surely above validation by more than in a healthy training."""
    (top1, count), val = signs.fit, signs.val_top1
    apart = interval(top1, count)[0] > interval(val, signs.least_val)[1]
    return apart and top1 - val >= _GAP / 2


def _since(signs: Signs) -> int | None:
    """The epoch behind the lowest validation loss, or that from which on the curves are apart."""
    losses = [epoch.val_loss for epoch in signs.epochs]
    if _rise(signs) >= _RISE:
        return signs.epochs[losses.index(min(losses))].epoch + 1
    since, count = None, signs.train or signs.fit[1]
    for epoch in reversed(signs.epochs):
        low = interval(epoch.train_top1, count)[0]
        if low <= interval(epoch.val_top1, signs.least_val)[1]:
            break
        since = epoch.epoch
    return since


def _rise(signs: Signs) -> float:
    """How far the validation loss has risen above its lowest, relative."""
    losses = smooth([epoch.val_loss for epoch in signs.epochs])
    return losses[-1] / max(min(losses), 1e-9) - 1


def _silent(signs: Signs) -> Iterator[str]:
    known = signs.measured.silent if signs.measured else {}
    if any(share > 0 for share in known.values()):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in known.items())
        yield f"units that are 0 for every image: {shares}"
