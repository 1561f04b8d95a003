"""alexnet report: one HTML file that says how a run went and how good it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.options import CropsOption, RunArgument, SplitOption, with_compute

if TYPE_CHECKING:
    from alexnet.backends import Compute


@with_compute("backend", "device", "workers")
def report(
    run: RunArgument,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="Images to judge it on, as for evaluate.",
            show_default="what it was trained from",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where it goes.", show_default="RUN/report.html"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of others.")] = False,
    split: SplitOption = None,
    crops: CropsOption = 1,
    *,
    compute: "Compute",
) -> None:
    """Make a page of a run: diagnosis, curves, classes, mistakes, calibration, settings.

    One HTML file that opens offline, on a phone and on paper.
    """
    from rich.console import Console

    from alexnet.cli.output import forgiving_streams
    from alexnet.progress import rich_progress
    from alexnet.report import report as made
    from alexnet.text import printable

    forgiving_streams()
    path = made(
        run,
        data,
        output=output,
        force=force,
        split=split,
        crops=crops,
        compute=compute,
        progress=rich_progress(Console(stderr=True)),
    )
    typer.echo(printable(path))
