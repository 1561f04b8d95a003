"""The figure of an experiment: learning curves on the left, paired differences on the right."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from alexnet.experiments.results import ArmResult, ExperimentResult, Finding
from alexnet.experiments.verdicts import TARGET_ERROR
from alexnet.plots.canvas import BLUE, GRAY, GREEN, VERMILION, figure

# Each arm has its own color, line style and marker, so that it is distinct without colors too.
_STYLES = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, ":", "^"))
_SPREAD = 0.22
"""Vertical spread of the seeds of a comparison, relative to the distance between comparisons."""


def draw(result: ExperimentResult) -> Figure:
    """Draw the figure; diverged trainings are omitted."""
    height = max(4.2, 1.9 + 0.95 * len(result.findings))
    whole = figure(10.5, height)
    left, right = whole.subplots(1, 2, width_ratios=(1, 1.1))
    _left(left, result)
    _differences(right, result.findings)
    return whole


def panels(result: ExperimentResult) -> tuple[Figure, Figure]:
    """Draw both panels as separate figures, which small screens stack."""
    left, right = figure(5, 4.2), figure(5.5, max(3.6, 1.7 + 0.9 * len(result.findings)))
    _left(left.add_subplot(), result)
    _differences(right.add_subplot(), result.findings)
    return left, right


def _left(axes: Axes, result: ExperimentResult) -> None:
    if any(one.arm.crops == 10 for one in result.arms):
        _crops(axes, result.arms)
        return
    is_training = any(finding.is_factor for finding in result.findings)
    _learning_curves(axes, result.arms, "training" if is_training else "validation")
    chance = 1 - 1 / result.num_classes
    if axes.lines and axes.get_ylim()[1] > chance:
        axes.axhline(chance, color=GRAY, linewidth=1, linestyle=(0, (1, 3)))
        axes.annotate("chance", (1, chance), xycoords=("axes fraction", "data"),
                      ha="right", va="bottom", fontsize=8, color=GRAY)  # fmt: skip


def _learning_curves(axes: Axes, arms: Sequence[ArmResult], split: str) -> None:
    """Plot the error over epochs: the mean of the seeds, and each seed as a thin line."""
    for result, (color, dash, _) in zip(arms, _STYLES, strict=False):
        curves = [
            [1 - (e.train_top1 if split == "training" else e.val_top1) for e in one.curve]
            for one in result.outcomes
            if one.curve
        ]
        if not curves:
            continue
        epochs = np.arange(1, len(curves[0]) + 1)
        for curve in curves:
            axes.plot(epochs[: len(curve)], curve, dash, color=color, linewidth=0.6, alpha=0.45)
        mean = np.mean(curves, axis=0)
        axes.plot(epochs, mean, dash, color=color, linewidth=2, label=result.arm.name)
    if split == "training":
        axes.axhline(TARGET_ERROR, color=GRAY, linewidth=1)
    axes.set(title=f"{split} error (top-1)", xlabel="epoch", ylim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _finish(axes)
    if axes.lines:
        axes.legend(fontsize=9)


def _crops(axes: Axes, arms: Sequence[ArmResult]) -> None:
    """Plot the error of each seed's network with one crop and with ten, connected by a line."""
    one, ten = sorted(arms, key=lambda result: result.arm.crops)
    for outcome in one.outcomes:
        if outcome.curve and outcome.ten_crop_top1 is not None:
            values = (1 - outcome.top1, 1 - outcome.ten_crop_top1)
            axes.plot((0, 1), values, "o-", color=BLUE, linewidth=1, alpha=0.8)
    axes.set_xticks((0, 1), (one.arm.name, ten.arm.name))
    axes.set(title="validation error (top-1), one line per seed", xlim=(-0.3, 1.3))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    _finish(axes)


def _differences(axes: Axes, findings: Sequence[Finding]) -> None:
    """Plot a row for each comparison: all pairs, their mean with its CI, the paper's number."""
    if all(finding.mean is None for finding in findings):
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no pair to compare", ha="center", va="center", fontsize=11)
        return
    is_factor = any(finding.is_factor for finding in findings)
    for row, finding in enumerate(findings):
        _row(axes, row, finding)
    axes.axvline(1 if is_factor else 0, color="black", linewidth=1)
    axes.set_yticks(range(len(findings)), [_label(finding) for finding in findings], fontsize=9)
    axes.set_ylim(len(findings) - 0.4, -0.6)
    if is_factor:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(f"ratio of epochs to {TARGET_ERROR:.0%} training error")
        axes.set_xlabel("factor; above 1 the paper's arm is faster")
    else:
        axes.set_title("improvement of each pair of trainings")
        axes.set_xlabel("percentage points of error; above 0 the paper's arm is better")
    _finish(axes)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    # Below the axes, because inside them the legend would cover points.
    axes.figure.legend(
        unique.values(), unique, fontsize=8, ncols=3, frameon=False,
        loc="outside lower right",
    )  # fmt: skip


def _row(axes: Axes, row: int, finding: Finding) -> None:
    count = len(finding.differences)
    offsets = np.linspace(-_SPREAD, _SPREAD, count) if count > 1 else np.zeros(count)
    axes.plot(
        finding.differences,
        row + offsets,
        "o",
        color=GRAY,
        markersize=4,
        alpha=0.7,
        label="one seed",
    )
    if finding.mean is not None and finding.low is not None and finding.high is not None:
        axes.errorbar(
            finding.mean,
            row,
            xerr=[[finding.mean - finding.low], [finding.high - finding.mean]],
            fmt="s",
            color=BLUE,
            capsize=5,
            linewidth=2,
            markersize=7,
            label="mean, 95% CI",
        )
    if finding.comparison.claimed is not None:
        axes.plot(
            finding.comparison.claimed, row, "D", color=VERMILION, markersize=8,
            markerfacecolor="none", markeredgewidth=2, label="paper",
        )  # fmt: skip


def _label(finding: Finding) -> str:
    compared = finding.comparison
    measures = {"error": "top-1 error", "top5": "top-5 error", "gap": "generalization gap"}
    at_least = " (at least)" if finding.is_lower_bound else ""
    lines = [compared.arm, f"vs. {compared.baseline}{at_least}", measures.get(compared.measure)]
    return "\n".join(line for line in lines if line)


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
