"""Diagnose a training from its learning curves: overfitting, a wrong learning rate, …

The training metrics of the curves are taken on augmented images, with dropout and before each
update, so they are lower than the accuracy of the final network on its training images. Where a
run has measured that accuracy (`alexnet.diagnosis.measurements`), it is compared with validation
instead. Two accuracies differ only if their 95% confidence intervals do not overlap.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alexnet.config.hyperparameters import Recipe
from alexnet.diagnosis.indicators import Indicators
from alexnet.diagnosis.measurements import DIAGNOSIS, Measurements, read_measurements, to_dict
from alexnet.diagnosis.rules import INTERRUPTED, apply_rules
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
    """The diagnosis of a training.

    Example:
        >>> def row(epoch):
        ...     top1, loss = 1 - 0.8 / epoch, 1.6 / epoch
        ...     return Epoch(epoch, 0.02, loss, top1, loss, top1, 1.0)
        >>> print(diagnose([row(e) for e in range(1, 41)], num_classes=5, val_count=400).line)
        healthy fit: training 98%, validation 98%
    """

    verdict: str
    """overfitting, underfitting, learning rate too high, learning rate too low, not learning,
    dead ReLUs, not converged yet, too few images, healthy fit, or interrupted (before the last
    epoch, with nothing wrong that more epochs would not fix)."""
    summary: str
    """The verdict with its most important metrics, in one sentence."""
    since: int | None = None
    """The first epoch that shows it, if it started during the training."""
    evidence: tuple[str, ...]
    """The metrics behind the verdict, one sentence each."""
    advice: tuple[Advice, ...]
    """What to try next, most useful first."""

    @property
    def line(self) -> str:
        """The summary and the first options of the advice, in one line."""
        options = [advice.option for advice in self.advice[:_ADVICE_IN_LINE]]
        return f"{self.summary}; try {', '.join(options)}" if options else self.summary

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "verdict": self.verdict,
            "summary": self.summary,
            "since": self.since,
            "evidence": list(self.evidence),
            "advice": [advice._asdict() for advice in self.advice],
        }


def diagnose(
    source: Run | str | os.PathLike[str] | Sequence[Epoch | Mapping[str, Any]],
    *,
    num_classes: int | None = None,
    val_count: int | None = None,
    measurements: Measurements | None = None,
    recipe: Recipe | None = None,
    architecture: Architecture | None = None,
) -> Diagnosis:
    """Diagnose a training and suggest what to try next.

    Args:
        source: a run, its folder, or the rows of a metrics.csv (with numbers or strings). The
            other arguments are for rows only.
        num_classes: the number of classes; required without measurements.
        val_count: the number of validation images; if missing, they are never called too few.
        measurements: the measurements at the end of the run.
        recipe: the hyperparameters; without them there is no advice.
        architecture: the network; without it there is no advice.

    Raises:
        UserError: no epoch has ended, a table without the columns of metrics.csv, or rows
            without `num_classes`.
    """
    if isinstance(source, (Run, str, os.PathLike)):
        run = source if isinstance(source, Run) else Run.open(source)
        measurements = read_measurements(run.folder)
        # A run that diverged in its first epoch has a diagnosis, but no curves.
        has_diverged = measurements is not None and bool(measurements.diverged)
        no_curves = has_diverged and not has_epochs(run)
        return _diagnose_run(run, [] if no_curves else read_epochs(run.folder), measurements)
    epochs = epochs_of(source)
    if not epochs and not (measurements and measurements.diverged):
        raise UserError("no rows of metrics: no epoch has ended yet")
    num_classes = num_classes or (len(measurements.val_counts) if measurements else 0)
    if not num_classes:
        raise UserError("rows of metrics do not contain the number of classes; pass num_classes=…")
    indicators = Indicators(
        epochs=epochs,
        num_classes=num_classes,
        measurements=measurements,
        recipe=recipe,
        dropout=architecture.dropout if architecture else None,
        val_count=val_count or 0,
    )
    return _diagnose(indicators, recipe, architecture)


def has_epochs(run: Run) -> bool:
    """Return whether an epoch of the run has ended."""
    try:
        return bool(read_epochs(run.folder))
    except UserError:
        return False


def save_diagnosis(run: Run, measurements: Measurements) -> None:
    """Diagnose a run and save diagnosis.json, with the measurements, in its folder."""
    epochs = read_epochs(run.folder) if has_epochs(run) else []
    diagnosis = _diagnose_run(run, epochs, measurements)
    report = {**diagnosis.to_dict(), "measurements": to_dict(measurements)}
    write_json(run.folder / DIAGNOSIS, report)


def _diagnose_run(
    run: Run, epochs: Sequence[Epoch], measurements: Measurements | None
) -> Diagnosis:
    indicators = Indicators(
        epochs=epochs,
        num_classes=len(run.classes),
        measurements=measurements,
        recipe=run.recipe,
        dropout=run.architecture.dropout,
        train_count=run.data.train or 0,
        val_count=run.data.val or 0,
    )
    diagnosis = _diagnose(indicators, run.recipe, run.architecture)
    if diagnosis.verdict != INTERRUPTED:
        return diagnosis
    command = f"alexnet train --resume {shlex.quote(printable(run.folder))}"
    return replace(diagnosis, advice=(Advice(command, "resumes where it was interrupted"),))


def _diagnose(
    indicators: Indicators, recipe: Recipe | None, architecture: Architecture | None
) -> Diagnosis:
    finding = apply_rules(indicators)
    advice: tuple[Advice, ...] = ()
    if recipe is not None and architecture is not None:
        setup = Setup(recipe, architecture, indicators.train_per_class)
        advice = advise(finding.verdict, setup)
    return Diagnosis(
        verdict=finding.verdict,
        summary=f"{finding.verdict}{finding.details}",
        since=finding.since,
        evidence=tuple(finding.evidence),
        advice=advice,
    )
