"""What the trainings say of a claim: differences of pairs, their interval, a verdict in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.stats import t as student

from alexnet.experiments.claims import Arm, Comparison, Experiment
from alexnet.experiments.outcomes import Trained
from alexnet.history import Epoch
from alexnet.text import counted, one_decimal

GOAL = 0.25
"""Training error that figure 1 of the paper measures the time to."""

MEASURES = {
    "error": "top-1 error",
    "top5": "top-5 error",
    "gap": "gap between validation and training error",
    "epochs": "epochs until a training error of 25%",
}

_CONFIDENCE = 0.95

Verdict = Literal["shown", "the other way round", "not shown"]
NOT_SHOWN: Verdict = "not shown"


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """An arm with what each of its seeds gave, in the order of the seeds."""

    arm: Arm
    trained: tuple[Trained, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the pairs say of one comparison.

    Differences are positive where the way of the paper is better: in points, or as a factor
    where epochs are compared. `low` and `high` bound the 95% interval of their mean over seeds
    (Student's t of the paired differences; for factors of their logarithms, so that the mean
    is the geometric one). None where there is no interval, with the reason in `why`.
    """

    comparison: Comparison
    differences: tuple[float, ...]
    mean: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    why: str = ""
    at_least: bool = False
    """Whether the factor is a lower bound: some trainings did not get there at all."""

    @property
    def is_factor(self) -> bool:
        """Whether epochs are compared."""
        return self.comparison.measure == "epochs"

    @property
    def nothing(self) -> float:
        """The difference that stands for none: 0 points, or a factor of 1."""
        return 1.0 if self.is_factor else 0.0


def findings(
    experiment: Experiment, results: Sequence[ArmResult], classes: int, val_count: int
) -> list[Finding]:
    """What the trainings say of each comparison of an experiment.

    Args:
        classes: with no more than five the top-5 error says nothing, and is left out.
        val_count: validation images, of which errors are counted.
    """
    of = {result.arm.name: result for result in results}
    compared = []
    for comparison in experiment.comparisons:
        compared.append(comparison)
        if comparison.claimed_top5 is not None and classes > 5:
            compared.append(replace(comparison, measure="top5", claimed=comparison.claimed_top5))
    return [
        _finding(one, of[one.of], of[one.against], classes=classes, count=val_count)
        for one in compared
    ]


def _finding(
    comparison: Comparison, of: ArmResult, against: ArmResult, *, classes: int, count: int
) -> Finding:
    for result in (of, against):
        for one in result.trained:
            if one.diverged:
                why = f"the training of {result.arm.name}, seed {one.seed}, diverged"
                return _unknown(comparison, why)
    if comparison.measure == "epochs":
        return _of_epochs(comparison, of, against)
    chance = min(1.5 / classes, 1 / classes + 0.1)
    if all(one.top1 < chance for result in (of, against) for one in result.trained):
        return _unknown(comparison, "neither was surely better than guessing; give more --epochs")
    values = [[measured(comparison, r.arm, one) for one in r.trained] for r in (of, against)]
    if any(value is None for row in values for value in row):
        return _unknown(comparison, "the training error was not measured")
    differences = np.array(values[1], float) - np.array(values[0], float)
    return _judged(comparison, differences, resolution=100 / count)


def _of_epochs(comparison: Comparison, of: ArmResult, against: ArmResult) -> Finding:
    """How many times as long the other needs; where it never gets there, at least."""
    own = [epochs_until(one.curve, GOAL) for one in of.trained]
    if None in own:
        return _unknown(
            comparison,
            f"{of.arm.name} itself did not reach a training error of {GOAL:.0%} with "
            f"{own.count(None)} of {len(own)} seeds",
        )
    others = [epochs_until(one.curve, GOAL) for one in against.trained]
    lasted = [float(one.curve[-1].epoch) for one in against.trained]
    reached = [
        least if until is None else until for until, least in zip(others, lasted, strict=True)
    ]
    ratios = np.log(np.array(reached) / np.array(own, float))
    return replace(_judged(comparison, ratios, resolution=0.0), at_least=None in others)


def _judged(comparison: Comparison, differences: "np.ndarray", *, resolution: float) -> Finding:
    """The mean of differences (of logarithms of factors), its interval, and the verdict."""
    is_factor = comparison.measure == "epochs"
    scale = np.exp if is_factor else np.asarray
    count = len(differences)
    mean = float(differences.mean())
    shown = tuple(float(value) for value in scale(differences))
    if count < 2:
        why = "one seed has no interval; give --seeds 5"
        return Finding(
            comparison=comparison, differences=shown, mean=float(scale(mean)), low=None, high=None,
            verdict=NOT_SHOWN, why=why,
        )  # fmt: skip
    # Errors are whole images: equal differences are not known better than that.
    spread = max(float(differences.std(ddof=1)), resolution / math.sqrt(12))
    half = float(student.ppf((1 + _CONFIDENCE) / 2, count - 1)) * spread / math.sqrt(count)
    verdict: Verdict = NOT_SHOWN
    if mean - half > 0:
        verdict = "shown"
    elif mean + half < 0:
        verdict = "the other way round"
    low, middle, high = (float(scale(value)) for value in (mean - half, mean, mean + half))
    return Finding(
        comparison=comparison, differences=shown, mean=middle, low=low, high=high, verdict=verdict
    )


def _unknown(comparison: Comparison, why: str) -> Finding:
    return Finding(
        comparison=comparison, differences=(), mean=None, low=None, high=None,
        verdict=NOT_SHOWN, why=why,
    )  # fmt: skip


def measured(comparison: Comparison, arm: Arm, one: Trained) -> float | None:
    """What a comparison looks at in one training; points, or epochs (None: never reached)."""
    if comparison.measure == "epochs":
        return epochs_until(one.curve, GOAL)
    if comparison.measure == "gap":
        return None if one.train_top1 is None else 100 * (one.train_top1 - one.top1)
    if arm.views == 10:
        right = one.ten_top1 if comparison.measure == "error" else one.ten_top5
    else:
        right = one.top1 if comparison.measure == "error" else one.top5
    return None if right is None else 100 * (1 - right)


def epochs_until(curve: Sequence[Epoch], error: float) -> float | None:
    """Epochs until the training error is this low, between two epochs on a straight line.

    The training error of an epoch is that of its images on the way, so it stands for the
    middle of the epoch. None where it is never reached.

    Example:
        >>> curve = [Epoch(1, 0.1, 1.0, 0.5, 1.0, 0.5, 1.0), Epoch(2, 0.1, 0.5, 1.0, 0.5, 0.9, 1.0)]
        >>> epochs_until(curve, 0.25)
        1.0
    """
    before: tuple[float, float] | None = None
    for epoch in curve:
        here = (epoch.epoch - 0.5, 1 - epoch.train_top1)
        if here[1] <= error:
            if before is None:
                return here[0]
            share = (before[1] - error) / (before[1] - here[1])
            return before[0] + share * (here[0] - before[0])
        before = here
    return None


def sentence(finding: Finding) -> str:
    """The verdict as a sentence, with the paper's number beside it.

    Example:
        >>> compared = Comparison(of="LRN", against="no LRN", claimed=1.4)
        >>> for difference in ([0.5, -0.6, 0.4], [-0.9, -1.1, -1.0]):
        ...     print(sentence(_judged(compared, np.array(difference), resolution=0.1)))
        Not shown: with LRN the top-1 error is 0.1 points lower than with no LRN (95% interval -1.4 to 1.6, 3 seeds); in the paper 1.4 lower.
        The other way round: with LRN the top-1 error is 1.0 points higher than with no LRN (95% interval 0.8 to 1.2, 3 seeds); in the paper 1.4 lower.
    """  # noqa: E501
    start = finding.verdict[0].upper() + finding.verdict[1:]
    if finding.mean is None:
        compared = finding.comparison
        what = f"{MEASURES[compared.measure]}, {compared.of} against {compared.against}"
        return f"{start} ({what}): {finding.why}."
    what, interval = _in_words(finding)
    seeds = counted(len(finding.differences), "seed")
    said = f"95% interval {interval}, {seeds}" if interval else finding.why
    return f"{start}: {what} ({said}){_claim(finding)}."


def _in_words(finding: Finding) -> tuple[str, str]:
    """What was found, and its interval; an error that rises is told as such."""
    compared, mean = finding.comparison, finding.mean or 0.0
    bounds: tuple[float, ...]
    bounds = () if finding.low is None or finding.high is None else (finding.low, finding.high)
    if finding.is_factor:
        least = "at least " if finding.at_least else ""
        text = (
            f"{compared.against} needs {least}{mean:.1f} times the epochs of {compared.of} to a "
            f"training error of {GOAL:.0%}"
        )
    else:
        direction = "higher" if mean < 0 else "lower"
        bounds = tuple(-value for value in reversed(bounds)) if mean < 0 else bounds
        text = (
            f"with {compared.of} the {MEASURES[compared.measure]} is {abs(mean):.1f} points "
            f"{direction} than with {compared.against}"
        )
    return text, " to ".join(map(one_decimal, bounds))


def _claim(finding: Finding) -> str:
    value = finding.comparison.claimed
    if value is None:
        return ""
    return f"; in the paper {value:g} {'times' if finding.is_factor else 'lower'}"
