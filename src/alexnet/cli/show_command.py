"""alexnet show: what a run learned, as figures."""

from typing import Annotated, Any, TypeAlias

import typer

from alexnet.cli.figure_options import FigureOption, ForceOption, save, say, stem
from alexnet.cli.options import CropsOption, DeviceOption, RunArgument, with_computing

app = typer.Typer(
    help="Look at what a run learned: its filters, what layers make of a picture, what it takes "
    "pictures for, and where it looks.",
)

CountOption: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=200,
        help="Pictures to show at most; of more, so many are taken, spread evenly.",
    ),
]
PicturesArgument: TypeAlias = Annotated[
    list[str],
    typer.Argument(help="Pictures, folders, or patterns such as '*.jpg'.", metavar="PICTURE..."),
]


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
def activations(
    run: RunArgument,
    picture: Annotated[str, typer.Argument(metavar="PICTURE", help="The picture to look at.")],
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
    device: DeviceOption = "auto",
) -> None:
    """Draw what a layer makes of a picture: its maps, or its values as bars."""
    from alexnet.inspect.feature_maps import activations as found_activations
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    target = figure_target(
        output, opened.folder, ["activations", layer, stem([picture])], force=force
    )
    found = found_activations(opened, picture, layer, device=device)
    from alexnet.plots import activations_figure

    save(activations_figure(found, count), target)


@app.command()
@with_computing("device", "workers")
def predictions(
    run: RunArgument,
    pictures: PicturesArgument,
    count: CountOption = 24,
    crops: CropsOption = 1,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    computing: dict[str, Any],
) -> None:
    """Draw pictures with their five most probable classes as bars (the paper's figure 4, left).

    A picture in a folder with the name of a class is taken to be of that class.
    """
    from alexnet.inspect.labeled_predictions import predictions as found_predictions
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    target = figure_target(output, opened.folder, ["predictions", stem(pictures)], force=force)
    found = found_predictions(opened, pictures, count=count, crops=crops, **computing)
    from alexnet.plots import predictions_figure

    say(found.notices)
    save(predictions_figure(found), target)


@app.command()
@with_computing("device", "workers")
def attention(
    run: RunArgument,
    pictures: PicturesArgument,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="The class whose evidence is shown.",
            show_default="of each picture the most probable",
        ),
    ] = None,
    layer: Annotated[
        str,
        typer.Option(metavar="NAME", help="A layer with maps; later ones see more of the picture."),
    ] = "relu5",
    count: CountOption = 24,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    computing: dict[str, Any],
) -> None:
    """Draw where in pictures the network finds what speaks for a class (Grad-CAM)."""
    from alexnet.inspect.class_evidence import attention as found_attention
    from alexnet.io.output_paths import figure_target
    from alexnet.run import Run

    opened = Run.open(run)
    name = ["attention", layer, class_name or "", stem(pictures)]
    target = figure_target(output, opened.folder, name, force=force)
    found = found_attention(
        opened,
        pictures,
        class_name=class_name,
        layer=layer,
        count=count,
        **computing,
    )
    from alexnet.plots import attention_figure

    say(found.notices)
    save(attention_figure(found), target)
