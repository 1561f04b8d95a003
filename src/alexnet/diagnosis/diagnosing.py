"""What the curves of a training say in words: overfitting, a wrong learning rate, …

The training figures of the curves are of augmented images, with dropout and before each update,
so they lie below what the network knows of its training images. Where a run has measured this
(`alexnet.training.measured`), the measured figures are compared with validation instead.
A difference counts only where the 95% intervals of its two shares lie apart.
"""

import math
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alexnet.config.hyperparameters import Recipe
from alexnet.diagnosis.indicators import Signs
from alexnet.diagnosis.measurements import DIAGNOSIS, Measured, read_measured, to_dict
from alexnet.diagnosis.rules import STOPPED, Finding, find
from alexnet.diagnosis.suggestions import Advice, Setup, advise
from alexnet.errors import UserError
from alexnet.history import Epoch, epochs_of, read_epochs
from alexnet.io.atomic import write_json
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.text import printable

_ADVICE_IN_LINE = 3


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What the curves of a training say.

    Example:
        >>> def row(epoch):
        ...     top1, loss = 1 - 0.8 / epoch, 1.6 / epoch
        ...     return Epoch(epoch, 0.02, loss, top1, loss, top1, 1.0)
        >>> print(diagnose([row(e) for e in range(1, 41)], classes=5, val=400).line)
        good: training 98%, validation 98%
    """

    verdict: str
    """overfitting, underfitting, learning rate too high, learning rate too low, standing still,
    dead ReLUs, not finished, too few images, good, or stopped (before its end, and nothing to be
    seen yet that more epochs would not mend)."""
    sentence: str
    """The verdict with its most telling numbers."""
    since: int | None = None
    """The epoch from which on it can be seen, where it set in."""
    evidence: tuple[str, ...]
    """The figures that it rests on, one sentence each."""
    advice: tuple[Advice, ...]
    """What to try next, most useful first; nothing where there is nothing to say."""

    @property
    def line(self) -> str:
        """All of it that fits a line."""
        options = [advice.option for advice in self.advice[:_ADVICE_IN_LINE]]
        return f"{self.sentence}; try {', '.join(options)}" if options else self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "since": self.since,
            "evidence": list(self.evidence),
            "advice": [advice._asdict() for advice in self.advice],
        }


def diagnose(
    source: Run | str | os.PathLike[str] | Sequence[Epoch | Mapping[str, Any]],
    *,
    classes: int | None = None,
    val: int | None = None,
    measured: Measured | None = None,
    recipe: Recipe | None = None,
    architecture: Architecture | None = None,
) -> Diagnosis:
    """Say what the curves of a training show, and what to try next.

    Args:
        source: a run, its folder, or the rows of a metrics.csv (as values or as texts).
        classes: for rows, the number of classes.
        val: for rows, the number of validation images; where it is not given, no verdict rests
            on there being few.
        measured: for rows, what a run measures at its end.
        recipe: for rows, how they were made; without it there is no advice.
        architecture: for rows, what was trained; without it there is no advice.

    Raises:
        UserError: no epoch has ended, a table without the columns of metrics.csv, or rows
            without the number of classes.
    """
    if isinstance(source, (Run, str, os.PathLike)):
        run = source if isinstance(source, Run) else Run.open(source)
        kept = read_measured(run.folder)
        # A run that diverged in its first epoch has no curves, and yet a diagnosis.
        epochs = [] if kept and kept.diverged and not has_epochs(run) else read_epochs(run.folder)
        return _of_run(run, epochs, kept)
    epochs = epochs_of(source)
    if not epochs and not (measured and measured.diverged):
        raise UserError("there are no rows of metrics: no epoch has ended yet")
    known = measured.val_counts if measured else ()
    if classes is None and not known:
        raise UserError("rows of metrics do not say how many classes there are: give classes=…")
    dropout = architecture.dropout if architecture else None
    signs = Signs(epochs, classes or len(known), val, measured, recipe, dropout)
    return _diagnosis(signs, recipe, architecture)


def has_epochs(run: Run) -> bool:
    """Whether an epoch of the run has ended."""
    try:
        return bool(read_epochs(run.folder))
    except UserError:
        return False


def keep_diagnosis(run: Run, measured: Measured) -> None:
    """Write what was measured and what it says, diagnosis.json, into the run's folder."""
    epochs = read_epochs(run.folder) if has_epochs(run) else []
    found = _of_run(run, epochs, measured)
    write_json(run.folder / DIAGNOSIS, {**found.to_dict(), "measured": to_dict(measured)})


def _of_run(run: Run, epochs: Sequence[Epoch], measured: Measured | None) -> Diagnosis:
    dropout = run.architecture.dropout
    train, val = (run.data.train or None, run.data.val or None)
    signs = Signs(epochs, len(run.classes), val, measured, run.recipe, dropout, train)
    found = _diagnosis(signs, run.recipe, run.architecture)
    if found.verdict != STOPPED:
        return found
    again = f"alexnet train --resume {shlex.quote(printable(run.folder))}"
    return replace(found, advice=(Advice(again, "goes on where it was stopped"),))


def _diagnosis(signs: Signs, recipe: Recipe | None, architecture: Architecture | None) -> Diagnosis:
    found: Finding = find(signs)
    advice: tuple[Advice, ...] = ()
    if recipe is not None and architecture is not None:
        per_class = signs.train / signs.classes if signs.train else math.inf
        advice = advise(found.verdict, Setup(recipe, architecture, per_class))
    return Diagnosis(
        verdict=found.verdict,
        sentence=f"{found.verdict}{found.said}",
        since=found.since,
        evidence=tuple(found.evidence),
        advice=advice,
    )
