"""alexnet evaluate: metrics of a run on labeled images."""

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
            help="Folder for metrics, plots and predictions.",
            show_default="RUN/evaluation/…",
        ),
    ] = None,
    *,
    compute: "Compute",
) -> None:
    """Evaluate a run: top-1, top-5, loss, metrics per class, most confident errors.

    Accuracies come with 95% confidence intervals (CI).
    """
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
        evaluation = evaluated(
            run,
            data,
            split=split,
            crops=crops,
            output_dir=output_dir,
            compute=compute,
            progress=rich_progress(errors),
        )
    except NotSavedError as error:  # the metrics are printed nevertheless
        evaluation, failure = error.evaluation, error
    for notice in evaluation.notices:
        _line(errors, notice)
    with until_pipe_closes():
        if json != "-":
            _show(evaluation, table_console())
        if json is not None:
            write_report(evaluation.to_dict(), json)
    if failure is not None:
        raise failure


def _show(evaluation: "Evaluation", console: "Console") -> None:
    from alexnet.text import pluralize, printable

    metrics = evaluation.metrics
    what = "" if evaluation.split == "all" else f", {evaluation.split}"
    crops = "center crop" if evaluation.crops == 1 else "ten crops"
    images = pluralize(metrics.count, "image")
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
    for name, value, (low, high) in (top1, top5):
        of_all = "" if value < 1 or name != f"top-{len(metrics.classes)}" else "  (of all classes)"
        _line(console, f"{name}  {value:>6.1%}   95% CI {low:.1%} to {high:.1%}{of_all}")
    _line(console, f"loss   {metrics.loss:>6.3f}   mean cross-entropy\n")


def _show_classes(metrics: "Metrics", console: "Console") -> None:
    """Print the classes, lowest F1 first; only the lowest of many."""
    from rich.table import Table
    from rich.text import Text

    from alexnet.text import format_percent, printable

    def badness(i: int) -> float:
        f1 = metrics.per_class[i].f1
        return 2.0 if f1 is None else f1

    count = len(metrics.per_class)
    order = sorted(range(count), key=badness)
    shown = order if count <= _ALL_CLASSES else order[:_WORST_CLASSES]
    table = Table("class", box=None, pad_edge=False, header_style="bold")
    for name in ("images", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    table.add_column("most often predicted as")
    for i in shown:
        one = metrics.per_class[i]
        ratios = [format_percent(value) for value in (one.precision, one.recall, one.f1)]
        label, confused_with = Text(printable(one.name)), Text(_confused_with(metrics, i))
        table.add_row(label, f"{one.support:,}", *ratios, confused_with)
    console.print(table)
    if len(shown) < count:
        _line(
            console, f"the {len(shown)} lowest of {count} classes by F1; --json writes all of them"
        )


def _confused_with(metrics: "Metrics", i: int) -> str:
    """Return the most frequent wrong prediction for images of a class."""
    from alexnet.text import printable

    row = metrics.confusion[i].copy()
    row[i] = 0
    other = int(row.argmax())
    return f"{printable(metrics.classes[other])} ({row[other]:,})" if row[other] else ""


def _line(console: "Console", text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
