"""Evaluate claims: paired differences, their confidence interval, and the verdict."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from alexnet.experiments.claims import Arm, Comparison, Experiment
from alexnet.experiments.results import ArmResult, Finding, TrainingOutcome, Verdict
from alexnet.history import Epoch
from alexnet.text import format_decimal, pluralize

TARGET_ERROR = 0.25
"""Training error that figure 1 of the paper measures the time to."""

MEASURES = {
    "error": "top-1 error",
    "top5": "top-5 error",
    "gap": "gap between validation and training error",
    "epochs": f"epochs to a training error of {TARGET_ERROR:.0%}",
}

_CONFIDENCE = 0.95


def compare_arms(
    experiment: Experiment, results: Sequence[ArmResult], num_classes: int, val_count: int
) -> list[Finding]:
    """Evaluate each comparison of an experiment.

    Args:
        num_classes: number of classes; with at most five the top-5 error is always 0 and is
            omitted.
        val_count: number of validation images.
    """
    arms = {result.arm.name: result for result in results}
    comparisons = []
    for comparison in experiment.comparisons:
        comparisons.append(comparison)
        if comparison.claimed_top5 is not None and num_classes > 5:
            comparisons.append(replace(comparison, measure="top5", claimed=comparison.claimed_top5))
    return [
        _compare(c, arms[c.arm], arms[c.baseline], num_classes=num_classes, val_count=val_count)
        for c in comparisons
    ]


def _compare(
    comparison: Comparison, arm: ArmResult, baseline: ArmResult, *, num_classes: int, val_count: int
) -> Finding:
    for result in (arm, baseline):
        for outcome in result.outcomes:
            if outcome.diverged:
                reason = f"the training of {result.arm.name} with seed {outcome.seed} diverged"
                return _inconclusive(comparison, reason)
    if comparison.measure == "epochs":
        return _compare_epochs(comparison, arm, baseline)
    chance = min(1.5 / num_classes, 1 / num_classes + 0.1)
    if all(one.top1 < chance for result in (arm, baseline) for one in result.outcomes):
        return _inconclusive(comparison, "no training was clearly above chance; increase --epochs")
    values = [[measure(comparison, r.arm, one) for one in r.outcomes] for r in (arm, baseline)]
    if any(value is None for row in values for value in row):
        return _inconclusive(comparison, "the training error was not measured")
    differences = np.array(values[1], float) - np.array(values[0], float)
    return _evaluate(comparison, differences, resolution=100 / val_count)


def _compare_epochs(comparison: Comparison, arm: ArmResult, baseline: ArmResult) -> Finding:
    """Compare epochs to the target error; a baseline that never reaches it gives a lower bound."""
    arm_epochs = [epochs_until(one.curve, TARGET_ERROR) for one in arm.outcomes]
    if None in arm_epochs:
        return _inconclusive(
            comparison,
            f"{arm.arm.name} did not reach a training error of {TARGET_ERROR:.0%} with "
            f"{arm_epochs.count(None)} of {len(arm_epochs)} seeds",
        )
    baseline_epochs = [epochs_until(one.curve, TARGET_ERROR) for one in baseline.outcomes]
    trained_epochs = [float(one.curve[-1].epoch) for one in baseline.outcomes]
    at_least = [
        trained if epochs is None else epochs
        for epochs, trained in zip(baseline_epochs, trained_epochs, strict=True)
    ]
    log_factors = np.log(np.array(at_least) / np.array(arm_epochs, float))
    finding = _evaluate(comparison, log_factors, resolution=0.0)
    return replace(finding, is_lower_bound=None in baseline_epochs)


def _evaluate(comparison: Comparison, differences: "np.ndarray", *, resolution: float) -> Finding:
    """Return mean, interval and verdict of differences (of logarithms, for factors)."""
    is_factor = comparison.measure == "epochs"
    scale = np.exp if is_factor else np.asarray
    count = len(differences)
    mean = float(differences.mean())
    scaled = tuple(float(value) for value in scale(differences))
    if count < 2:
        reason = "one seed gives no confidence interval; use --seeds 5"
        return Finding(
            comparison=comparison, differences=scaled, mean=float(scale(mean)), low=None, high=None,
            verdict="inconclusive", reason=reason,
        )  # fmt: skip
    # Errors count whole images, so equal differences are still uncertain by the rounding error.
    spread = max(float(differences.std(ddof=1)), resolution / math.sqrt(12))
    half = float(student.ppf((1 + _CONFIDENCE) / 2, count - 1)) * spread / math.sqrt(count)
    verdict: Verdict = "inconclusive"
    if mean - half > 0:
        verdict = "supported"
    elif mean + half < 0:
        verdict = "reversed"
    low, middle, high = (float(scale(value)) for value in (mean - half, mean, mean + half))
    return Finding(
        comparison=comparison, differences=scaled, mean=middle, low=low, high=high, verdict=verdict
    )


def _inconclusive(comparison: Comparison, reason: str) -> Finding:
    return Finding(
        comparison=comparison, differences=(), mean=None, low=None, high=None,
        verdict="inconclusive", reason=reason,
    )  # fmt: skip


def measure(comparison: Comparison, arm: Arm, outcome: TrainingOutcome) -> float | None:
    """Return the compared value of one training: percentage points, or epochs (None: never)."""
    if comparison.measure == "epochs":
        return epochs_until(outcome.curve, TARGET_ERROR)
    if comparison.measure == "gap":
        train_top1 = outcome.train_top1
        return None if train_top1 is None else 100 * (train_top1 - outcome.top1)
    is_top1 = comparison.measure == "error"
    if arm.crops == 10:
        accuracy = outcome.ten_crop_top1 if is_top1 else outcome.ten_crop_top5
    else:
        accuracy = outcome.top1 if is_top1 else outcome.top5
    return None if accuracy is None else 100 * (1 - accuracy)


def epochs_until(curve: Sequence[Epoch], error: float) -> float | None:
    """Return the epochs until the training error is this low, by linear interpolation.

    The training error of an epoch is an average over its steps, so it is assigned to the middle
    of the epoch. None if the error is never reached.

    Example:
        >>> curve = [Epoch(1, 0.1, 1.0, 0.5, 1.0, 0.5, 1.0), Epoch(2, 0.1, 0.5, 1.0, 0.5, 0.9, 1.0)]
        >>> epochs_until(curve, 0.25)
        1.0
    """
    previous: tuple[float, float] | None = None
    for epoch in curve:
        current = (epoch.epoch - 0.5, 1 - epoch.train_top1)
        if current[1] <= error:
            if previous is None:
                return current[0]
            fraction = (previous[1] - error) / (previous[1] - current[1])
            return previous[0] + fraction * (current[0] - previous[0])
        previous = current
    return None


def describe_finding(finding: Finding) -> str:
    """Return the verdict as a sentence, with the paper's number.

    Example:
        >>> compared = Comparison(arm="LRN", baseline="no LRN", claimed=1.4)
        >>> for difference in ([0.5, -0.6, 0.4], [-0.9, -1.1, -1.0]):
        ...     print(describe_finding(_evaluate(compared, np.array(difference), resolution=0.1)))
        Inconclusive: with LRN the top-1 error is 0.1 points lower than with no LRN (95% CI -1.4 to 1.6, 3 seeds); paper: 1.4 points lower.
        Reversed: with LRN the top-1 error is 1.0 points higher than with no LRN (95% CI 0.8 to 1.2, 3 seeds); paper: 1.4 points lower.
    """  # noqa: E501
    verdict = finding.verdict.capitalize()
    if finding.mean is None:
        compared = finding.comparison
        subject = f"{MEASURES[compared.measure]}, {compared.arm} vs. {compared.baseline}"
        return f"{verdict} ({subject}): {finding.reason}."
    difference, interval = _describe_difference(finding)
    seeds = pluralize(len(finding.differences), "seed")
    uncertainty = f"95% CI {interval}, {seeds}" if interval else finding.reason
    return f"{verdict}: {difference} ({uncertainty}){_describe_claim(finding)}."


def _describe_difference(finding: Finding) -> tuple[str, str]:
    """Describe the mean difference and its interval; both are positive for a higher error too."""
    compared, mean = finding.comparison, finding.mean or 0.0
    bounds: tuple[float, ...]
    bounds = () if finding.low is None or finding.high is None else (finding.low, finding.high)
    if finding.is_factor:
        at_least = "at least " if finding.is_lower_bound else ""
        text = (
            f"{compared.baseline} needs {at_least}{mean:.1f} times as many epochs as "
            f"{compared.arm} to a training error of {TARGET_ERROR:.0%}"
        )
    else:
        direction = "higher" if mean < 0 else "lower"
        bounds = tuple(-value for value in reversed(bounds)) if mean < 0 else bounds
        text = (
            f"with {compared.arm} the {MEASURES[compared.measure]} is {abs(mean):.1f} points "
            f"{direction} than with {compared.baseline}"
        )
    return text, " to ".join(map(format_decimal, bounds))


def _describe_claim(finding: Finding) -> str:
    claimed = finding.comparison.claimed
    if claimed is None:
        return ""
    if finding.is_factor:
        return f"; paper: {claimed:g} times"
    return f"; paper: {claimed:g} {'point' if claimed == 1 else 'points'} lower"
