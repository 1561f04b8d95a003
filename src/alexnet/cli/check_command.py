"""alexnet check: read a whole dataset and report its contents and problems."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.options import DataArgument, WorkersOption

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.data import CheckReport

_SHOWN = 20
"""Lines of a list on the terminal; the JSON has all of them."""


def check(
    data: DataArgument,
    json: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the report as JSON; - for standard output."
        ),
    ] = None,
    workers: WorkersOption = None,
) -> None:
    """Read every image; report classes, sizes, unreadable files, duplicates and imbalance.

    Exits with 2 if a training on this dataset is not possible.
    """
    from rich.console import Console

    from alexnet import data as images
    from alexnet.cli.output import require_writable, write_report
    from alexnet.progress import rich_progress

    if json is not None:
        require_writable(json)
    errors = Console(stderr=True)
    report = images.check(data, workers, rich_progress(errors))
    if json != "-":
        _show(report, Console())
    if json is not None:
        write_report(report.to_dict(), json)
    for problem in report.problems:
        errors.print(f"error: {problem}", markup=False, highlight=False, soft_wrap=True)
    if report.problems:
        raise typer.Exit(2)


def _show(report: "CheckReport", console: "Console") -> None:
    _show_classes(report, console)
    _show_images(report, console)
    unreadable = [f"{path}: {reason}" for path, reason in report.unreadable.items()]
    _show_list(console, unreadable, "unreadable files, skipped by training")
    _show_list(
        console,
        _joined(report.across_splits),
        "duplicates across splits (data leakage: accuracy will be too optimistic)",
    )
    _show_list(console, _joined(report.across_classes), "duplicates in different classes")
    _show_list(console, _joined(report.duplicates), "groups of duplicates")
    _show_list(console, list(report.notices), "notices")
    if report.trainable:
        _line(console, "This dataset can be trained on.")


def _show_classes(report: "CheckReport", console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    from alexnet.text import printable

    table = Table()
    table.add_column("class", overflow="fold")
    splits = list(next(iter(report.classes.values()), {}))
    for split in splits:
        table.add_column(split, justify="right")
    for name, counts in report.classes.items():
        table.add_row(Text(printable(name)), *(f"{counts[split]:,}" for split in splits))
    totals = [sum(counts[split] for counts in report.classes.values()) for split in splits]
    table.add_section()
    table.add_row("all", *(f"{total:,}" for total in totals))
    console.print(table)


def _show_images(report: "CheckReport", console: "Console") -> None:
    from alexnet.text import pluralize

    formats = ", ".join(f"{count:,} {name}" for name, count in report.formats.items())
    _line(console, f"{pluralize(report.images, 'readable image')}: {formats or 'none'}")
    if report.sizes:
        _line(console, f"width x height, pixels: {_sizes(report)}")
    if report.split_by == "hash":
        _line(console, "not split: train and val are assigned by a hash of each image's content")
    if report.imbalance is not None and report.imbalance > 1 and len(report.classes) > 1:
        _line(
            console,
            f"imbalance: the largest class has {report.imbalance:.3g} times the images "
            "of the smallest",
        )


def _sizes(report: "CheckReport") -> str:
    smallest, largest = report.sizes["smallest"], report.sizes["largest"]
    if str(smallest) == str(largest):
        return str(smallest)
    return (
        f"smallest {smallest} ({smallest.path}), median {report.sizes['median']}, "
        f"largest {largest} ({largest.path})"
    )


def _show_list(console: "Console", lines: list[str], title: str) -> None:
    if not lines:
        return
    _line(console, f"\n{title}: {len(lines):,}")
    for line in lines[:_SHOWN]:
        _line(console, f"  {line}")
    if len(lines) > _SHOWN:
        _line(console, f"  and {len(lines) - _SHOWN:,} more (all of them with --json FILE)")


def _joined(groups: list[list[str]]) -> list[str]:
    return [" = ".join(group) for group in groups]


def _line(console: "Console", text: str) -> None:
    from alexnet.text import printable

    start, text = ("\n", text[1:]) if text.startswith("\n") else ("", text)
    console.print(start + printable(text), markup=False, highlight=False, soft_wrap=True)
