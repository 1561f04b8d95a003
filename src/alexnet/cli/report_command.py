"""alexnet report: write the HTML report of a run."""

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
            help="Images to evaluate, as for evaluate.",
            show_default="the run's dataset",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Output file.", show_default="RUN/report.html"
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that is not a report.")
    ] = False,
    split: SplitOption = None,
    crops: CropsOption = 1,
    *,
    compute: "Compute",
) -> None:
    """Write a report: diagnosis, learning curves, classes, errors, calibration, settings.

    The report is one HTML file that works offline, on a phone and in print.
    """
    from rich.console import Console

    from alexnet.cli.output import forgiving_streams
    from alexnet.progress import rich_progress
    from alexnet.report import write_report
    from alexnet.text import printable

    forgiving_streams()
    path = write_report(
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
