"""alexnet similar: find similar images."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.figure_options import ForceOption, print_notices, save_and_print
from alexnet.cli.options import RunArgument, with_compute

if TYPE_CHECKING:
    from alexnet.backends import Compute
    from alexnet.inspect.neighbors import SimilarImages


@with_compute("device", "workers", "batch_size")
def similar(
    run: RunArgument,
    images: Annotated[list[str], typer.Argument(help="Query images.", metavar="IMAGE...")],
    folder: Annotated[
        list[str],
        typer.Option("--in", metavar="FOLDER", help="Images to search; repeatable."),
    ],
    count: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="Neighbors per query image.")
    ] = 6,
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="Layer whose output is compared.")
    ] = "relu7",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Also plot the images: .png, .svg or .pdf.",
            show_default="no figure",
        ),
    ] = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Find the nearest neighbors of images by their features (right of the paper's figure 4).

    Features of the searched images are cached; only new and changed images are computed.
    """
    from rich.console import Console

    from alexnet.cli.output import forgiving_streams, until_pipe_closes
    from alexnet.inspect.neighbors import find_similar_images
    from alexnet.io.output_paths import check_figure_path
    from alexnet.progress import rich_progress
    from alexnet.run import Run

    opened = Run.open(run)
    target = None if output is None else check_figure_path(output, opened.folder, [], force=force)
    forgiving_streams()
    result = find_similar_images(
        opened,
        images,
        folder,
        count=count,
        layer=layer,
        compute=compute,
        progress=rich_progress(Console(stderr=True)),
    )
    print_notices(result.notices)
    with until_pipe_closes():
        _print_neighbors(result)
    if target is not None:
        from alexnet.plots import plot_neighbors

        save_and_print(plot_neighbors(result), target)


def _print_neighbors(result: "SimilarImages") -> None:
    """Print one line per neighbor, with the path last so that it is easy to copy."""
    from alexnet.text import printable

    for number, query in enumerate(result.queries):
        typer.echo("\n" * (number > 0) + printable(query.query.path))
        for rank, neighbor in enumerate(query.neighbors, start=1):
            typer.echo(f"{rank:>4}  {neighbor.distance:>10.4g}  {printable(neighbor.path)}")
        if not query.neighbors:
            typer.echo("      no other images")
