"""Plot learning curves: loss, accuracy and learning rate over the epochs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from alexnet.plots.canvas import BLUE, GRAY, GREEN, VERMILION, figure
from alexnet.plots.class_labels import drawable

Row = Mapping[str, Any]
"""A row of metrics.csv, with numbers or strings; empty values are skipped."""


def plot_learning_curve(rows: Sequence[Row], metric: str) -> Figure:
    """Plot one learning curve in the width of a phone: 3.8 inches, 365 CSS pixels.

    Args:
        rows: as for `plot_learning_curves`.
        metric: "loss", "accuracy" or "learning rate".
    """
    fig = figure(3.8, 1.7 if metric == "learning rate" else 2.9)
    axes = fig.add_subplot()
    {"loss": _loss, "accuracy": _accuracy, "learning rate": _learning_rate}[metric](axes, rows)
    if metric == "accuracy":
        _mark_best(rows, axes, axes)
    elif metric == "loss":
        _mark_best(rows, axes, None)
    _finish(axes, rows)
    axes.title.set_fontsize(10)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_fontsize(9)
        axis.set_tick_params(labelsize=8.5)
    if metric != "learning rate" and axes.lines:
        axes.legend(loc="best", fontsize=8)
    return fig


def plot_learning_curves(rows: Sequence[Row], title: str = "") -> Figure:
    """Plot loss, accuracy and learning rate, with the best epoch marked.

    Args:
        rows: rows with the columns of metrics.csv: epoch, lr, train_loss, train_top1, val_loss,
            val_top1, val_top5.
        title: the title of the plot.
    """
    fig = figure(10, 5.4)
    grid = fig.add_gridspec(2, 2, height_ratios=[3, 1])
    loss, accuracy = fig.add_subplot(grid[0, 0]), fig.add_subplot(grid[0, 1])
    rate = fig.add_subplot(grid[1, :])
    _loss(loss, rows)
    _accuracy(accuracy, rows)
    _learning_rate(rate, rows)
    _mark_best(rows, loss, accuracy)
    for axes in (loss, accuracy, rate):
        _finish(axes, rows)
    for axes in (loss, accuracy):
        if axes.lines:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8)
    if title:
        displayed, families = drawable(title)
        fig.suptitle(displayed, fontsize=11, fontfamily=list(families), parse_math=False)
    return fig


def _loss(axes: Axes, rows: Sequence[Row]) -> None:
    _line(axes, rows, "train_loss", "training loss", BLUE, "--")
    _line(axes, rows, "val_loss", "validation loss", VERMILION, "-")
    axes.set(title="loss", xlabel="epoch", ylabel="cross-entropy (nats)")
    axes.set_ylim(0, _top(rows, "train_loss", "val_loss"))


def _accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    _line(axes, rows, "train_top1", "training top-1", BLUE, "--")
    _line(axes, rows, "val_top1", "validation top-1", VERMILION, "-")
    if any(_number(row, "val_top5") < 1 for row in rows):  # always 1 with five classes or fewer
        _line(axes, rows, "val_top5", "validation top-5", GREEN, ":")
    axes.set(title="accuracy", xlabel="epoch", ylim=(-0.02, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _learning_rate(axes: Axes, rows: Sequence[Row]) -> None:
    _line(axes, rows, "lr", "learning rate", GRAY, "-")
    axes.set(title="learning rate", xlabel="epoch")
    axes.set_ylim(0, _top(rows, "lr"))


def _line(axes: Axes, rows: Sequence[Row], column: str, label: str, color: str, dash: str) -> None:
    points = [(_number(row, "epoch"), _number(row, column)) for row in rows]
    points = [point for point in points if all(map(math.isfinite, point))]
    if not points:
        return
    marker = "o" if len(points) <= 20 else None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    axes.plot(xs, ys, dash, color=color, label=label, marker=marker, markersize=3.5)


def _mark_best(rows: Sequence[Row], loss: Axes, accuracy: Axes | None) -> None:
    """Mark the epoch whose weights are saved as the best."""
    best = max(rows, key=_rank, default=None)
    if best is None or not math.isfinite(_number(best, "val_top1")):
        return
    epoch, top1 = _number(best, "epoch"), _number(best, "val_top1")
    label = f"best epoch: {epoch:g}, {top1:.1%}"
    for axes in dict.fromkeys((loss, accuracy)):
        if axes is not None:
            axes.axvline(epoch, color=GRAY, linewidth=1, zorder=0)
    if accuracy is not None:
        accuracy.plot([epoch], [top1], "*", color="black", markersize=11, label=label, zorder=5)


def _finish(axes: Axes, rows: Sequence[Row]) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    epochs = [_number(row, "epoch") for row in rows] or [0.0, 1.0]
    # Half an epoch on each side, so that a single epoch has a width too.
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)


def _top(rows: Sequence[Row], *columns: str) -> float:
    """Return a limit slightly above the highest value, so that no point is clipped."""
    values = [_number(row, column) for row in rows for column in columns]
    return 1.08 * max(filter(math.isfinite, values), default=0.0) or 1.0


def _number(row: Row, column: str) -> float:
    value = row.get(column)
    return math.nan if value in (None, "") else float(value)


def _rank(row: Row) -> tuple[float, float]:
    """Return the sort key of an epoch: the highest validation top-1, then the lowest loss."""
    values = (_number(row, "val_top1"), -_number(row, "val_loss"))
    top1, loss = (value if math.isfinite(value) else -math.inf for value in values)
    return top1, loss
