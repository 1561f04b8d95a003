"""alexnet show: plot what a network learned."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from alexnet.cli.figure_options import (
    FigureOption,
    ForceOption,
    images_stem,
    print_notices,
    save_and_print,
)
from alexnet.cli.options import CropsOption, RunArgument, with_compute

app = typer.Typer(
    help="Plot what a network learned: kernels of conv1, activations, predictions and Grad-CAM.",
)

MaxImagesOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--count",
        metavar="N",
        min=1,
        max=200,
        help="Maximum number of images; if there are more, evenly spaced ones are shown.",
    ),
]
ImagesArgument: TypeAlias = Annotated[
    list[str],
    typer.Argument(help="Images, folders, or patterns such as '*.jpg'.", metavar="IMAGE..."),
]

if TYPE_CHECKING:
    from alexnet.backends import Compute


@app.command("filters")
def show_filters(run: RunArgument, output: FigureOption = None, force: ForceOption = False) -> None:
    """Plot the kernels of conv1, each scaled to its own range (the paper's figure 3)."""
    from alexnet.inspect.kernels import first_layer_kernels
    from alexnet.io.output_paths import check_figure_path
    from alexnet.run import Run

    opened = Run.open(run)
    target = check_figure_path(output, opened.folder, ["filters"], force=force)
    kernels = first_layer_kernels(opened)
    from alexnet.plots import plot_kernels

    save_and_print(plot_kernels(kernels), target)


@app.command("activations")
@with_compute("device")
def show_activations(
    run: RunArgument,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Input image.")],
    layer: Annotated[
        str, typer.Option(metavar="NAME", help="Layer: conv1, relu1, norm1, pool1, … fc8.")
    ] = "conv1",
    count: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Number of feature maps, those with the highest activations first; 0 for all.",
        ),
    ] = 64,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Plot the activations of a layer for an image: feature maps, or a bar per unit."""
    from alexnet.inspect.layer_activations import compute_activations
    from alexnet.io.output_paths import check_figure_path
    from alexnet.run import Run

    opened = Run.open(run)
    name = ["activations", layer, images_stem([image])]
    target = check_figure_path(output, opened.folder, name, force=force)
    activations = compute_activations(opened, image, layer, compute=compute)
    from alexnet.plots import plot_feature_maps

    save_and_print(plot_feature_maps(activations, count), target)


@app.command("predictions")
@with_compute("device", "workers")
def show_predictions(
    run: RunArgument,
    images: ImagesArgument,
    max_images: MaxImagesOption = 24,
    crops: CropsOption = 1,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Plot images with their five most probable classes (left of the paper's figure 4).

    If an image's folder is named after a class, that class is its label.
    """
    from alexnet.inspect.labeled_predictions import predict_labeled
    from alexnet.io.output_paths import check_figure_path
    from alexnet.run import Run

    opened = Run.open(run)
    name = ["predictions", images_stem(images)]
    target = check_figure_path(output, opened.folder, name, force=force)
    predictions = predict_labeled(
        opened, images, max_images=max_images, crops=crops, compute=compute
    )
    from alexnet.plots import plot_predictions

    print_notices(predictions.notices)
    save_and_print(plot_predictions(predictions), target)


@app.command("grad-cam")
@with_compute("device", "workers")
def show_grad_cam(
    run: RunArgument,
    images: ImagesArgument,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="Class to explain.",
            show_default="most probable class of each image",
        ),
    ] = None,
    layer: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Layer with spatial dimensions; later layers have larger receptive fields.",
        ),
    ] = "relu5",
    max_images: MaxImagesOption = 24,
    output: FigureOption = None,
    force: ForceOption = False,
    *,
    compute: "Compute",
) -> None:
    """Plot Grad-CAM heatmaps: the regions of images that support a class."""
    from alexnet.inspect.class_activation_maps import compute_grad_cam
    from alexnet.io.output_paths import check_figure_path
    from alexnet.run import Run

    opened = Run.open(run)
    name = ["grad-cam", layer, class_name or "", images_stem(images)]
    target = check_figure_path(output, opened.folder, name, force=force)
    result = compute_grad_cam(
        opened,
        images,
        class_name=class_name,
        layer=layer,
        max_images=max_images,
        compute=compute,
    )
    from alexnet.plots import plot_grad_cam

    print_notices(result.notices)
    save_and_print(plot_grad_cam(result), target)
