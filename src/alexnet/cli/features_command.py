"""alexnet features: what a layer makes of images, as a file for other programs."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.figure_options import ForceOption, say
from alexnet.cli.options import RunArgument, with_compute

if TYPE_CHECKING:
    from alexnet.backends import Compute


@with_compute("device", "workers", "batch_size")
def features(
    run: RunArgument,
    paths: Annotated[
        list[str],
        typer.Argument(help="Folders, images, or patterns such as '*.jpg'.", metavar="PATH..."),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where they go: .npy (with a .csv of the paths), .h5, or .parquet.",
            show_default="RUN/features/….npy",
        ),
    ] = None,
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="The layer: conv1, relu1, pool5, fc6, … fc8.")
    ] = "fc7",
    post_relu: Annotated[
        bool | None,
        typer.Option(
            "--post-relu/--pre-relu",
            help="Behind or before the layer's ReLU; fc7 with --post-relu is relu7, which Caffe "
            "calls fc7.",
            show_default="as the layer is named",
        ),
    ] = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Write the features of images, a row each, in the order in which they are found."""
    from rich.console import Console

    from alexnet.inspect.extraction import features as written_features
    from alexnet.progress import rich_progress
    from alexnet.text import counted, printable

    found = written_features(
        run,
        paths,
        output,
        layer=layer,
        post_relu=post_relu,
        force=force,
        compute=compute,
        progress=rich_progress(Console(stderr=True)),
    )
    say(found.notices)
    size = "×".join(map(str, found.shape))
    files = ", ".join(printable(path) for path in found.files)
    typer.echo(f"{counted(found.count, 'row')} of {size}: {files}")
