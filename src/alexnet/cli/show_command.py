"""alexnet show: what a run learned, as figures."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from alexnet.cli.figure_options import FigureOption, ForceOption, save, say, stem
from alexnet.cli.options import CropsOption, RunArgument, with_compute

app = typer.Typer(
    help="Look at what a run learned: its filters, what layers make of an image, what it takes "
    "images for, and where it looks.",
)

CountOption: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=200,
        help="Images to show at most; of more, so many are taken, spread evenly.",
    ),
]
ImagesArgument: TypeAlias = Annotated[
    list[str],
    typer.Argument(help="Images, folders, or patterns such as '*.jpg'.", metavar="IMAGE..."),
]

if TYPE_CHECKING:
    from alexnet.backends import Compute


@app.command()
def filters(run: RunArgument, output: FigureOption = None, force: ForceOption = False) -> None:
    """Draw the kernels of conv1, each scaled to its own range (the paper's figure 3)."""
    from alexnet.inspect.kernels import filters as found_filters
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    target = figure_target(output, opened.folder, ["filters"], force=force)
    found = found_filters(opened)
    from alexnet.plots import filters_figure

    save(filters_figure(found), target)


@app.command()
@with_compute("device")
def activations(
    run: RunArgument,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image to look at.")],
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="The layer: conv1, relu1, norm1, pool1, … fc8.")
    ] = "conv1",
    count: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Maps to show, those with the highest values first; 0 for all.",
        ),
    ] = 64,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Draw what a layer makes of an image: its maps, or its values as bars."""
    from alexnet.inspect.feature_maps import activations as found_activations
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    target = figure_target(
        output, opened.folder, ["activations", layer, stem([image])], force=force
    )
    found = found_activations(opened, image, layer, compute=compute)
    from alexnet.plots import activations_figure

    save(activations_figure(found, count), target)


@app.command()
@with_compute("device", "workers")
def predictions(
    run: RunArgument,
    images: ImagesArgument,
    count: CountOption = 24,
    crops: CropsOption = 1,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Draw images with their five most probable classes as bars (the paper's figure 4, left).

    An image in a folder with the name of a class is taken to be of that class.
    """
    from alexnet.inspect.labeled_predictions import predictions as found_predictions
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    target = figure_target(output, opened.folder, ["predictions", stem(images)], force=force)
    found = found_predictions(opened, images, count=count, crops=crops, compute=compute)
    from alexnet.plots import predictions_figure

    say(found.notices)
    save(predictions_figure(found), target)


@app.command()
@with_compute("device", "workers")
def attention(
    run: RunArgument,
    images: ImagesArgument,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="The class whose evidence is shown.",
            show_default="of each image the most probable",
        ),
    ] = None,
    layer: Annotated[
        str,
        typer.Option(metavar="NAME", help="A layer with maps; later ones see more of the image."),
    ] = "relu5",
    count: CountOption = 24,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Draw where in images the network finds what speaks for a class (Grad-CAM)."""
    from alexnet.inspect.class_evidence import attention as found_attention
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    name = ["attention", layer, class_name or "", stem(images)]
    target = figure_target(output, opened.folder, name, force=force)
    found = found_attention(
        opened,
        images,
        class_name=class_name,
        layer=layer,
        count=count,
        compute=compute,
    )
    from alexnet.plots import attention_figure

    say(found.notices)
    save(attention_figure(found), target)
