"""The rules of the diagnosis: when each verdict applies, and the order in which they are tried.

The thresholds were chosen on part of the runs in tests/diagnosis/curves/ and tested on the others.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alexnet.diagnosis.indicators import Indicators, confidence_interval, median_filter

INTERRUPTED = "interrupted"
"""No verdict yet: the recipe has more epochs."""

_WIDE_INTERVAL = 0.2
"""A validation accuracy whose confidence interval is wider is not conclusive."""
_MIN_GAP = 0.1
"""Between training and validation accuracy; a healthy fit has a smaller one too."""
_LARGE_GAP = 0.2
"""A gap that suffices for a verdict."""
_MEMORIZED_TOP1 = 0.97
_VAL_LOSS_RISE = 0.1
"""Relative to the lowest validation loss."""
_EXPLODED = 1.3
"""Times the chance-level loss: only steps that are too large lead there."""
_LOST_PROGRESS = 0.25
"""Fraction of the loss reduction that is lost again."""
_MIN_PROGRESS = 0.02
"""Fraction of the chance-level loss; with less reduction a training is still at its start."""
_DEAD_FRACTION = 0.9
_SECOND_HALF_PROGRESS = 0.3
"""Fraction of the loss reduction that came in the second half."""
_MIN_LOSS_DROP = 0.04
"""Fraction of the chance-level loss, in the second half; a smaller drop is no progress."""
_UNDERFIT_TOP1 = 0.6
_GOOD_TOP1 = 0.85
_FEW_STEPS = 400
_FEW_PER_CLASS, _VERY_FEW_PER_CLASS = 100, 25
_LOW_RELATIVE_LR = 1 / 8


class Finding(NamedTuple):
    """A verdict, the details that follow it in a sentence, its evidence, and its first epoch."""

    verdict: str
    details: str
    evidence: Sequence[str]
    since: int | None = None


def apply_rules(indicators: Indicators) -> Finding:
    """Return the first finding that applies; conditions that mask others are tried first."""
    for rule in (
        _diverged,
        _loss_exploded,
        _interrupted,
        _loss_rose_again,
        _not_learning,
        _dead_relus,
        _overfitting,
        _too_few_training_images,
        _not_converged,
        _underfitting,
        _too_few_validation_images,
    ):
        finding = rule(indicators)
        if finding is not None:
            return finding
    return Finding("healthy fit", f": {_accuracies(indicators)}", list(indicators.evidence()))


_LR_TOO_HIGH, _OVERFITTING = "learning rate too high", "overfitting"
_NOT_CONVERGED, _TOO_FEW_IMAGES = "not converged yet", "too few images"


def _accuracies(indicators: Indicators) -> str:
    return f"training {indicators.train_top1:.0%}, validation {indicators.val_top1:.0%}"


def _diverged(indicators: Indicators) -> Finding | None:
    description = indicators.measurements.diverged if indicators.measurements else ""
    for epoch in indicators.epochs:
        values = (epoch.train_loss, epoch.val_loss)
        if not all(map(math.isfinite, values)):
            description = f"in epoch {epoch.epoch}: the loss is {values[0]:g}"
            break
    if not description:
        return None
    losses = [f"loss of epoch {e.epoch}: {e.train_loss:.3g}" for e in indicators.epochs[-3:]]
    evidence = [f"diverged {description}", *losses]
    since = len(indicators.epochs) + 1
    return Finding(_LR_TOO_HIGH, f": training diverged {description}", evidence, since)


def _loss_exploded(indicators: Indicators) -> Finding | None:
    losses = [epoch.train_loss for epoch in indicators.epochs]
    highest, chance = max(losses), indicators.chance_loss
    if highest > _EXPLODED * chance and indicators.loss_reduction < 0.3:
        epoch = indicators.epochs[losses.index(highest)].epoch
        details = f": the training loss rose to {highest:.3g}; chance level is {chance:.2f}"
        evidence = [*indicators.evidence(), *_dead_units(indicators)]
        return Finding(_LR_TOO_HIGH, details, evidence, epoch)
    return None


def _interrupted(indicators: Indicators) -> Finding | None:
    """Report only overfitting before the last epoch: more epochs may fix anything else."""
    if not indicators.was_interrupted or indicators.recipe is None:
        return None
    finding = _overfitting(indicators)
    if finding is not None and finding.verdict == _OVERFITTING:
        return finding
    details = f" after {len(indicators.epochs)} of {indicators.recipe.epochs} epochs"
    return Finding(INTERRUPTED, details, list(indicators.evidence()))


def _loss_rose_again(indicators: Indicators) -> Finding | None:
    losses, chance = [epoch.train_loss for epoch in indicators.epochs], indicators.chance_loss
    lowest = min(losses)
    reduction, loss = chance - lowest, indicators.train_loss
    if reduction > _MIN_PROGRESS * chance and loss - lowest > _LOST_PROGRESS * reduction:
        epoch = indicators.epochs[losses.index(lowest)].epoch
        details = (
            f" since epoch {epoch + 1}: the training loss had fallen to {lowest:.3g} "
            f"and rose to {loss:.3g} again"
        )
        evidence = [*indicators.evidence(), *_dead_units(indicators)]
        return Finding(_LR_TOO_HIGH, details, evidence, epoch + 1)
    return None


def _not_learning(indicators: Indicators) -> Finding | None:
    if indicators.loss_reduction > _MIN_PROGRESS:
        return None
    evidence = [*indicators.evidence(), *_dead_units(indicators)]
    if indicators.relative_lr < _LOW_RELATIVE_LR:
        return _lr_too_low(indicators)
    if indicators.most_dead_layer[1] >= _DEAD_FRACTION:
        return _dead_relus_finding(indicators)
    if indicators.steps < _FEW_STEPS:
        details = f": {indicators.steps:.0f} steps are too few to leave chance level"
        return Finding(_NOT_CONVERGED, details, evidence)
    details = f": validation {indicators.val_top1:.0%}, chance level {indicators.chance_top1:.0%}"
    return Finding("not learning", details, evidence)


def _dead_relus(indicators: Indicators) -> Finding | None:
    _, fraction = indicators.most_dead_layer
    if fraction >= _DEAD_FRACTION and indicators.train_top1 < _UNDERFIT_TOP1:
        return _dead_relus_finding(indicators)
    return None


def _dead_relus_finding(indicators: Indicators) -> Finding:
    layer, fraction = indicators.most_dead_layer
    details = f": {fraction:.0%} of {layer} is 0 for every image"
    return Finding("dead ReLUs", details, [*_dead_units(indicators), *indicators.evidence()])


def _overfitting(indicators: Indicators) -> Finding | None:
    """Training accuracy far above validation, which suffers from it."""
    train_top1, gap = indicators.train_top1, indicators.train_top1 - indicators.val_top1
    if not indicators.has_gap or gap < _MIN_GAP:
        return None
    since, evidence = _gap_since(indicators), list(indicators.evidence())
    per_class = indicators.train_per_class
    if indicators.is_regularized and per_class < _FEW_PER_CLASS:
        details = f": {per_class:.0f} training images per class; {_accuracies(indicators)}"
        return Finding(_TOO_FEW_IMAGES, details, evidence, since)
    rise = _val_loss_rise(indicators)
    if train_top1 < _MEMORIZED_TOP1 and rise < _VAL_LOSS_RISE and gap < _LARGE_GAP:
        return None
    if rise >= _VAL_LOSS_RISE:
        evidence.append(f"the validation loss rose by {rise:.0%} above its minimum")
    start = "" if since is None else f" since epoch {since}"
    return Finding(_OVERFITTING, f"{start}: {_accuracies(indicators)}", evidence, since)


def _too_few_training_images(indicators: Indicators) -> Finding | None:
    """So few that even the gap to training accuracy is within the noise."""
    per_class, val_top1 = indicators.train_per_class, indicators.val_top1
    if per_class >= _VERY_FEW_PER_CLASS or val_top1 >= _GOOD_TOP1:
        return None
    details = f": {per_class:.0f} training images per class; validation {val_top1:.0%}"
    return Finding(_TOO_FEW_IMAGES, details, list(indicators.evidence()))


def _not_converged(indicators: Indicators) -> Finding | None:
    """Ended while the loss still fell, or so slow that it will not converge."""
    if indicators.train_top1 >= _MEMORIZED_TOP1 or _exceeds_healthy_gap(indicators):
        return None
    if indicators.relative_lr < _LOW_RELATIVE_LR and indicators.steps > _FEW_STEPS:
        return _lr_too_low(indicators)
    progress, epochs = indicators.second_half_progress, indicators.epochs
    middle, last = epochs[(len(epochs) - 1) // 2], epochs[-1]
    drop = (middle.train_loss - last.train_loss) / indicators.chance_loss
    is_short = indicators.steps <= _FEW_STEPS
    is_flat = progress < _SECOND_HALF_PROGRESS or drop < _MIN_LOSS_DROP
    if drop <= 0 or (not is_short and is_flat):
        return None
    details = (
        f": from epoch {middle.epoch} to {last.epoch} the training loss still fell from "
        f"{middle.train_loss:.3g} to {last.train_loss:.3g}"
    )
    part = f"{progress:.0%} of the loss reduction came in the second half of the epochs"
    return Finding(_NOT_CONVERGED, details, [*indicators.evidence(), part])


def _lr_too_low(indicators: Indicators) -> Finding:
    first = indicators.epochs[0].train_loss
    details = (
        f": in {len(indicators.epochs)} epochs the training loss only went from {first:.3g} "
        f"to {indicators.train_loss:.3g}"
    )
    ratio = f"the learning rate is {indicators.relative_lr:.2g} times the usual for its optimizer"
    return Finding("learning rate too low", details, [*indicators.evidence(), ratio])


def _underfitting(indicators: Indicators) -> Finding | None:
    if indicators.train_top1 >= _UNDERFIT_TOP1 or _exceeds_healthy_gap(indicators):
        return None
    details = f": {_accuracies(indicators)}; the training loss hardly falls any more"
    return Finding("underfitting", details, list(indicators.evidence()))


def _too_few_validation_images(indicators: Indicators) -> Finding | None:
    count = indicators.val_count
    low, high = confidence_interval(indicators.val_top1, count)
    if not count or high - low <= _WIDE_INTERVAL:
        return None
    details = (
        f": with {count} validation images the 95% confidence interval of the accuracy is "
        f"{low:.0%} to {high:.0%}"
    )
    return Finding(_TOO_FEW_IMAGES, details, list(indicators.evidence()))


def _exceeds_healthy_gap(indicators: Indicators) -> bool:
    return indicators.has_gap and indicators.train_top1 - indicators.val_top1 >= _MIN_GAP / 2


def _gap_since(indicators: Indicators) -> int | None:
    """Return the epoch after the lowest validation loss, or the first with a lasting gap."""
    losses = [epoch.val_loss for epoch in indicators.epochs]
    if _val_loss_rise(indicators) >= _VAL_LOSS_RISE:
        return indicators.epochs[losses.index(min(losses))].epoch + 1
    since, count = None, indicators.train_count or indicators.train_top1_count
    for epoch in reversed(indicators.epochs):
        low = confidence_interval(epoch.train_top1, count)[0]
        if low <= confidence_interval(epoch.val_top1, indicators.min_val_count)[1]:
            break
        since = epoch.epoch
    return since


def _val_loss_rise(indicators: Indicators) -> float:
    """Return the relative rise of the validation loss above its minimum."""
    losses = median_filter([epoch.val_loss for epoch in indicators.epochs])
    return losses[-1] / max(min(losses), 1e-9) - 1


def _dead_units(indicators: Indicators) -> Iterator[str]:
    fractions = indicators.measurements.dead_units if indicators.measurements else {}
    if any(fraction > 0 for fraction in fractions.values()):
        layers = ", ".join(f"{name} {fraction:.0%}" for name, fraction in fractions.items())
        yield f"dead ReLU units (0 for every image): {layers}"
