"""Plot a reliability diagram: accuracy over confidence, and the number of predictions per bin."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from alexnet.plots.canvas import BLUE, VERMILION, figure


class Bin(Protocol):
    """One bin of confidences, as `alexnet.evaluation.calibration` returns it."""

    @property
    def low(self) -> float: ...
    @property
    def count(self) -> int: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def accuracy(self) -> float | None: ...


class Bins(Protocol):
    """The bins of a calibration."""

    @property
    def bins(self) -> Sequence[Bin]: ...


def plot_reliability_diagram(calibration: Bins) -> Figure:
    """Plot the accuracy per confidence bin beside perfect calibration, and the counts below."""
    fig = figure(5, 4.6)
    grid = fig.add_gridspec(2, 1, height_ratios=[3, 1])
    axes = fig.add_subplot(grid[0])
    counts = fig.add_subplot(grid[1], sharex=axes)
    filled = [bin_ for bin_ in calibration.bins if bin_.count]
    width = 1 / len(calibration.bins)
    lows = [bin_.low for bin_ in filled]
    accuracies = [bin_.accuracy or 0.0 for bin_ in filled]
    gaps = [(bin_.confidence or 0.0) - (bin_.accuracy or 0.0) for bin_ in filled]
    style = {"align": "edge", "width": width, "edgecolor": "black", "linewidth": 0.7}
    axes.bar(lows, accuracies, color=BLUE, label="accuracy", **style)  # type: ignore[arg-type]
    axes.bar(
        lows,
        gaps,
        bottom=accuracies,
        label="gap to confidence",
        **{**style, "color": "none", "edgecolor": VERMILION, "hatch": "////"},  # type: ignore[arg-type]
    )
    axes.plot([0, 1], [0, 1], "--", color="black", linewidth=1.2, label="perfect calibration")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    # Above the axes, since every corner may hold bars.
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8, frameon=False,
        columnspacing=1.2, handlelength=1.6,
    )  # fmt: skip
    counts.bar(lows, [bin_.count for bin_ in filled], color="#b0b0b0", **style)  # type: ignore[arg-type]
    counts.set(xlabel="confidence", ylabel="images")
    for panel in (axes, counts):
        panel.xaxis.set_major_formatter(PercentFormatter(1))
        panel.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(labelbottom=False)
    return fig
