"""alexnet features: extract the features of images to a file."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.figure_options import ForceOption, print_notices
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
            help="Output file: .npy (with a .csv of the paths), .h5, or .parquet.",
            show_default="RUN/features/….npy",
        ),
    ] = None,
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="Layer: conv1, relu1, pool5, fc6, … fc8.")
    ] = "fc7",
    post_relu: Annotated[
        bool | None,
        typer.Option(
            "--post-relu/--pre-relu",
            help="Output of the layer after or before its ReLU; fc7 with --post-relu is relu7, "
            "which Caffe calls fc7.",
            show_default="the layer as named",
        ),
    ] = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Extract the features of images to a file, one row per image."""
    from rich.console import Console

    from alexnet.inspect.extraction import extract_features
    from alexnet.progress import rich_progress
    from alexnet.text import pluralize, printable

    result = extract_features(
        run,
        paths,
        output,
        layer=layer,
        post_relu=post_relu,
        force=force,
        compute=compute,
        progress=rich_progress(Console(stderr=True)),
    )
    print_notices(result.notices)
    shape = "×".join(map(str, result.shape))
    files = ", ".join(printable(path) for path in result.files)
    typer.echo(f"{pluralize(result.num_rows, 'row')} of {shape}: {files}")
