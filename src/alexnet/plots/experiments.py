"""The figure of an experiment: the courses on the left, the paired differences on the right."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from alexnet.experiments.verdicts import GOAL, ArmResult, Finding
from alexnet.plots.canvas import BLUE, GRAY, GREEN, VERMILION, figure

if TYPE_CHECKING:
    from alexnet.experiments.runner import Result

# Each arm has a color, a dash and a mark, so that it is known without colors too.
_LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, ":", "^"))
_SPREAD = 0.22
"""How far the seeds of a comparison lie apart, of the distance between comparisons."""


def draw(result: "Result") -> Figure:
    """The figure; arms that came to no end are left out."""
    height = max(4.2, 1.9 + 0.95 * len(result.findings))
    drawn = figure(10.5, height)
    left, right = drawn.subplots(1, 2, width_ratios=(1, 1.1))
    _left(left, result)
    _differences(right, result.findings)
    return drawn


def panels(result: "Result") -> tuple[Figure, Figure]:
    """The two halves by themselves, which a small screen shows one above the other."""
    left, right = figure(5, 4.2), figure(5.5, max(3.6, 1.7 + 0.9 * len(result.findings)))
    _left(left.add_subplot(), result)
    _differences(right.add_subplot(), result.findings)
    return left, right


def _left(axes: Axes, result: "Result") -> None:
    if any(one.arm.views == 10 for one in result.arms):
        _views(axes, result.arms)
        return
    is_training = any(found.is_factor for found in result.findings)
    _courses(axes, result.arms, "training" if is_training else "validation")
    guessed = 1 - 1 / result.classes
    if axes.lines and axes.get_ylim()[1] > guessed:
        axes.axhline(guessed, color=GRAY, linewidth=1, linestyle=(0, (1, 3)))
        axes.annotate("guessing", (1, guessed), xycoords=("axes fraction", "data"),
                      ha="right", va="bottom", fontsize=8, color=GRAY)  # fmt: skip


def _courses(axes: Axes, arms: Sequence[ArmResult], of: str) -> None:
    """The error over the epochs: the mean of the seeds, and each seed as a thin line."""
    for result, (color, dash, _) in zip(arms, _LOOKS, strict=False):
        curves = [
            [1 - (e.train_top1 if of == "training" else e.val_top1) for e in one.curve]
            for one in result.trained
            if one.curve
        ]
        if not curves:
            continue
        epochs = np.arange(1, len(curves[0]) + 1)
        for curve in curves:
            axes.plot(epochs[: len(curve)], curve, dash, color=color, linewidth=0.6, alpha=0.45)
        mean = np.mean(curves, axis=0)
        axes.plot(epochs, mean, dash, color=color, linewidth=2, label=result.arm.name)
    if of == "training":
        axes.axhline(GOAL, color=GRAY, linewidth=1)
    axes.set(title=f"{of} error (top-1)", xlabel="epoch", ylim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _finish(axes)
    if axes.lines:
        axes.legend(fontsize=9)


def _views(axes: Axes, arms: Sequence[ArmResult]) -> None:
    """The error of each seed's network with one crop and with ten, joined."""
    one, ten = sorted(arms, key=lambda result: result.arm.views)
    for trained in one.trained:
        if trained.curve and trained.ten_top1 is not None:
            values = (1 - trained.top1, 1 - trained.ten_top1)
            axes.plot((0, 1), values, "o-", color=BLUE, linewidth=1, alpha=0.8)
    axes.set_xticks((0, 1), (one.arm.name, ten.arm.name))
    axes.set(title="validation error (top-1), a line for each seed", xlim=(-0.3, 1.3))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    _finish(axes)


def _differences(axes: Axes, findings: Sequence[Finding]) -> None:
    """A row for each comparison: every pair, their mean with its interval, the paper's number."""
    if all(found.mean is None for found in findings):
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no pair can be judged", ha="center", va="center", fontsize=11)
        return
    is_factor = any(found.is_factor for found in findings)
    for row, found in enumerate(findings):
        _row(axes, row, found)
    axes.axvline(1 if is_factor else 0, color="black", linewidth=1)
    axes.set_yticks(range(len(findings)), [_label(found) for found in findings], fontsize=9)
    axes.set_ylim(len(findings) - 0.4, -0.6)
    if is_factor:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(f"times as many epochs to {GOAL:.0%} training error")
        axes.set_xlabel("factor; right of 1 the way of the paper is faster")
    else:
        axes.set_title("what is gained, each pair of trainings")
        axes.set_xlabel("points of error; right of 0 the way of the paper is better")
    _finish(axes)
    handles = axes.get_legend_handles_labels()
    found_once = dict(zip(handles[1], handles[0], strict=True))
    # Beneath the figure: within it some point would lie under the legend.
    axes.figure.legend(
        found_once.values(), found_once, fontsize=8, ncols=3, frameon=False,
        loc="outside lower right",
    )  # fmt: skip


def _row(axes: Axes, row: int, found: Finding) -> None:
    count = len(found.differences)
    offsets = np.linspace(-_SPREAD, _SPREAD, count) if count > 1 else np.zeros(count)
    axes.plot(
        found.differences, row + offsets, "o", color=GRAY, markersize=4, alpha=0.7, label="a seed"
    )
    if found.mean is not None and found.low is not None and found.high is not None:
        axes.errorbar(
            found.mean,
            row,
            xerr=[[found.mean - found.low], [found.high - found.mean]],
            fmt="s",
            color=BLUE,
            capsize=5,
            linewidth=2,
            markersize=7,
            label="mean, 95% interval",
        )
    if found.comparison.claimed is not None:
        axes.plot(
            found.comparison.claimed, row, "D", color=VERMILION, markersize=8,
            markerfacecolor="none", markeredgewidth=2, label="the paper",
        )  # fmt: skip


def _label(found: Finding) -> str:
    compared = found.comparison
    what = {"error": "top-1 error", "top5": "top-5 error", "gap": "overfitting gap", "epochs": ""}
    least = " (at least)" if found.at_least else ""
    lines = [compared.of, f"against {compared.against}{least}", what[compared.measure]]
    return "\n".join(line for line in lines if line)


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
