"""The course of a training: loss, accuracy and learning rate over the epochs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from alexnet.plots.canvas import BLUE, GRAY, GREEN, VERMILION, figure
from alexnet.plots.class_labels import drawable

Row = Mapping[str, Any]
"""A row of metrics.csv: its values as numbers or as texts; an empty one is left out."""


def curve(rows: Sequence[Row], what: str) -> Figure:
    """One of the three by itself, in the width of a phone: 3.8 inches, 365 pixels of a page.

    Args:
        what: "loss", "accuracy" or "learning rate".
    """
    drawn = figure(3.8, 1.7 if what == "learning rate" else 2.9)
    axes = drawn.add_subplot()
    {"loss": _loss, "accuracy": _accuracy, "learning rate": _rate}[what](axes, rows)
    if what == "accuracy":
        _mark_best(rows, axes, axes)
    elif what == "loss":
        _mark_best(rows, axes, None)
    _finish(axes, rows)
    axes.title.set_fontsize(10)
    for place in (axes.xaxis, axes.yaxis):
        place.label.set_fontsize(9)
        place.set_tick_params(labelsize=8.5)
    if what != "learning rate" and axes.lines:
        axes.legend(loc="best", fontsize=8)
    return drawn


def curves(rows: Sequence[Row], title: str = "") -> Figure:
    """Loss on the left, accuracy on the right, the learning rate below; the best epoch is marked.

    Args:
        rows: with the columns of metrics.csv: epoch, lr, train_loss, train_top1, val_loss,
            val_top1, val_top5.
    """
    drawn = figure(10, 5.4)
    grid = drawn.add_gridspec(2, 2, height_ratios=[3, 1])
    loss, accuracy = drawn.add_subplot(grid[0, 0]), drawn.add_subplot(grid[0, 1])
    rate = drawn.add_subplot(grid[1, :])
    _loss(loss, rows)
    _accuracy(accuracy, rows)
    _rate(rate, rows)
    _mark_best(rows, loss, accuracy)
    for axes in (loss, accuracy, rate):
        _finish(axes, rows)
    for axes in (loss, accuracy):
        if axes.lines:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8)
    if title:
        shown, families = drawable(title)
        drawn.suptitle(shown, fontsize=11, fontfamily=list(families), parse_math=False)
    return drawn


def _loss(axes: Axes, rows: Sequence[Row]) -> None:
    _line(axes, rows, "train_loss", "training", BLUE, "--")
    _line(axes, rows, "val_loss", "validation", VERMILION, "-")
    axes.set(title="loss", xlabel="epoch", ylabel="mean cross-entropy, nats")
    axes.set_ylim(0, _top(rows, "train_loss", "val_loss"))


def _accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    _line(axes, rows, "train_top1", "training, top-1", BLUE, "--")
    _line(axes, rows, "val_top1", "validation, top-1", VERMILION, "-")
    if any(_number(row, "val_top5") < 1 for row in rows):  # with five classes it says nothing
        _line(axes, rows, "val_top5", "validation, top-5", GREEN, ":")
    axes.set(title="accuracy", xlabel="epoch", ylim=(-0.02, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _rate(axes: Axes, rows: Sequence[Row]) -> None:
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
    """Mark the epoch whose weights are kept as the best."""
    best = max(rows, key=_goodness, default=None)
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
    # Half an epoch to each side; so one epoch has a width too.
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)


def _top(rows: Sequence[Row], *columns: str) -> float:
    """A little above the highest value, so that no point is cut by the frame."""
    values = [_number(row, column) for row in rows for column in columns]
    return 1.08 * max(filter(math.isfinite, values), default=0.0) or 1.0


def _number(row: Row, column: str) -> float:
    value = row.get(column)
    return math.nan if value in (None, "") else float(value)


def _goodness(row: Row) -> tuple[float, float]:
    """Most validation images right, and of several such epochs the least loss."""
    values = (_number(row, "val_top1"), -_number(row, "val_loss"))
    top1, loss = (value if math.isfinite(value) else -math.inf for value in values)
    return top1, loss
