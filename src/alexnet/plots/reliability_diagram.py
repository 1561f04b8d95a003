"""The reliability diagram: accuracy over confidence, and how many predictions each bin has."""

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from alexnet.evaluation.reliability import Calibration
from alexnet.plots.canvas import BLUE, VERMILION, figure


def reliability(calibration: Calibration) -> Figure:
    """Accuracy of each bin of confidence beside the diagonal of a perfect one; counts below."""
    drawn = figure(5, 4.6)
    grid = drawn.add_gridspec(2, 1, height_ratios=[3, 1])
    axes = drawn.add_subplot(grid[0])
    counts = drawn.add_subplot(grid[1], sharex=axes)
    filled = [one for one in calibration.bins if one.count]
    width = 1 / len(calibration.bins)
    lows = [one.low for one in filled]
    accuracies = [one.accuracy or 0.0 for one in filled]
    gaps = [(one.confidence or 0.0) - (one.accuracy or 0.0) for one in filled]
    bars = {"align": "edge", "width": width, "edgecolor": "black", "linewidth": 0.7}
    axes.bar(lows, accuracies, color=BLUE, label="accuracy", **bars)  # type: ignore[arg-type]
    axes.bar(
        lows,
        gaps,
        bottom=accuracies,
        label="difference to the mean confidence",
        **{**bars, "color": "none", "edgecolor": VERMILION, "hatch": "////"},  # type: ignore[arg-type]
    )
    axes.plot([0, 1], [0, 1], "--", color="black", linewidth=1.2, label="perfect")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    # Above: within the axes it would hide the bars of some run, whatever the corner.
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8, frameon=False,
        columnspacing=1.2, handlelength=1.6,
    )  # fmt: skip
    counts.bar(lows, [one.count for one in filled], color="#b0b0b0", **bars)  # type: ignore[arg-type]
    counts.set(xlabel="confidence", ylabel="images")
    for place in (axes, counts):
        place.xaxis.set_major_formatter(PercentFormatter(1))
        place.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(labelbottom=False)
    return drawn
