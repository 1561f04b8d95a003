"""alexnet evaluate: how good a run is on images whose classes are known."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.options import (
    CropsOption,
    DataArgument,
    JsonOption,
    RunArgument,
    SplitOption,
    with_compute,
)

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.backends import Compute
    from alexnet.evaluation import Evaluation, Metrics

_ALL_CLASSES = 30
_WORST_CLASSES = 15


@with_compute("backend", "device", "workers", "batch_size")
def evaluate(
    run: RunArgument,
    data: DataArgument,
    split: SplitOption = None,
    crops: CropsOption = 1,
    json: JsonOption = None,
    output_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where figures, images and predictions go.",
            show_default="RUN/evaluation/…",
        ),
    ] = None,
    *,
    compute: "Compute",
) -> None:
    """Judge a run: top-1 and top-5 with 95% intervals, loss, figures of each class, mistakes."""
    from rich.console import Console

    from alexnet.cli.output import (
        forgiving_streams,
        require_writable,
        table_console,
        until_pipe_closes,
        write_report,
    )
    from alexnet.evaluation import NotSavedError
    from alexnet.evaluation import evaluate as evaluated
    from alexnet.progress import rich_progress

    if json is not None:
        require_writable(json)
    forgiving_streams()
    errors = Console(stderr=True)
    failure: NotSavedError | None = None
    try:
        found = evaluated(
            run,
            data,
            split=split,
            crops=crops,
            output_dir=output_dir,
            compute=compute,
            progress=rich_progress(errors),
        )
    except NotSavedError as error:  # the figures are shown all the same
        found, failure = error.evaluation, error
    for notice in found.notices:
        _line(errors, notice)
    with until_pipe_closes():
        if json != "-":
            _show(found, table_console())
        if json is not None:
            write_report(found.to_dict(), json)
    if failure is not None:
        raise failure


def _show(evaluation: "Evaluation", console: "Console") -> None:
    from alexnet.text import counted, printable

    metrics = evaluation.metrics
    what = "" if evaluation.split == "all" else f", {evaluation.split}"
    crops = "center crop" if evaluation.crops == 1 else "ten crops"
    images = counted(metrics.count, "image")
    _line(console, f"{printable(evaluation.source)}{what}: {images}, {crops}\n")
    _show_totals(metrics, console)
    _show_classes(metrics, console)
    if evaluation.folder is not None:
        _line(
            console,
            f"\n{printable(evaluation.folder)}: confusion.png, mistakes.png, predictions.csv, "
            "metrics.json",
        )


def _show_totals(metrics: "Metrics", console: "Console") -> None:
    top1 = ("top-1", metrics.top1, metrics.top1_interval)
    top5 = (f"top-{metrics.top5_k}", metrics.top5, metrics.top5_interval)
    for name, share, (low, high) in (top1, top5):
        of_all = "" if share < 1 or name != f"top-{len(metrics.classes)}" else "  (of all classes)"
        _line(console, f"{name}  {share:>6.1%}   95% interval {low:.1%} to {high:.1%}{of_all}")
    _line(console, f"loss   {metrics.loss:>6.3f}   mean cross-entropy\n")


def _show_classes(metrics: "Metrics", console: "Console") -> None:
    """Worst F1 first; of many classes only the worst."""
    from rich.table import Table
    from rich.text import Text

    from alexnet.text import printable

    def badness(i: int) -> float:
        f1 = metrics.per_class[i].f1
        return 2.0 if f1 is None else f1

    count = len(metrics.per_class)
    order = sorted(range(count), key=badness)
    shown = order if count <= _ALL_CLASSES else order[:_WORST_CLASSES]
    table = Table("class", box=None, pad_edge=False, header_style="bold")
    for name in ("images", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    table.add_column("most often taken for")
    for i in shown:
        one = metrics.per_class[i]
        shares = [_percent(value) for value in (one.precision, one.recall, one.f1)]
        label, taken_for = Text(printable(one.name)), Text(_taken_for(metrics, i))
        table.add_row(label, f"{one.support:,}", *shares, taken_for)
    console.print(table)
    if len(shown) < count:
        _line(console, f"the {len(shown)} worst of {count} classes, by F1; --json has all of them")


def _taken_for(metrics: "Metrics", i: int) -> str:
    """The most frequent mistake with images of a class."""
    from alexnet.text import printable

    row = metrics.confusion[i].copy()
    row[i] = 0
    other = int(row.argmax())
    return f"{printable(metrics.classes[other])} ({row[other]:,})" if row[other] else ""


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _line(console: "Console", text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
