"""alexnet similar: the images that a run finds most alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.figure_options import ForceOption, save, say
from alexnet.cli.options import RunArgument, with_compute

if TYPE_CHECKING:
    from alexnet.backends import Compute
    from alexnet.inspect.neighbors import Similar


@with_compute("device", "workers", "batch_size")
def similar(
    run: RunArgument,
    images: Annotated[
        list[str],
        typer.Argument(help="Images to find the like of.", metavar="IMAGE..."),
    ],
    folder: Annotated[
        list[str],
        typer.Option(
            "--in", metavar="FOLDER", help="Images that are searched; can be given repeatedly."
        ),
    ],
    count: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="Images to find for each.")
    ] = 6,
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="The layer whose output is compared.")
    ] = "relu7",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Draw the images, too: .png, .svg or .pdf.",
            show_default="no figure",
        ),
    ] = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Find the images whose features are nearest (the paper's figure 4, right).

    Features of the searched images are kept in the cache; changed images are computed anew.
    """
    from rich.console import Console

    from alexnet.cli.output import forgiving_streams, until_pipe_closes
    from alexnet.inspect.neighbors import similar as found_similar
    from alexnet.io.output_paths import figure_target
    from alexnet.progress import rich_progress
    from alexnet.run import Run

    opened = Run.open(run)
    target = None if output is None else figure_target(output, opened.folder, [], force=force)
    forgiving_streams()
    found = found_similar(
        opened,
        images,
        folder,
        count=count,
        layer=layer,
        compute=compute,
        progress=rich_progress(Console(stderr=True)),
    )
    say(found.notices)
    with until_pipe_closes():
        _show(found)
    if target is not None:
        from alexnet.plots import similar_figure

        save(similar_figure(found), target)


def _show(found: "Similar") -> None:
    """A row for each image that was found; the path comes last, so that it can be copied."""
    from alexnet.text import printable

    for number, one in enumerate(found.queries):
        typer.echo("\n" * (number > 0) + printable(one.query.path))
        for rank, neighbor in enumerate(one.found, start=1):
            typer.echo(f"{rank:>4}  {neighbor.distance:>10.4g}  {printable(neighbor.path)}")
        if not one.found:
            typer.echo("      there is no other image")
