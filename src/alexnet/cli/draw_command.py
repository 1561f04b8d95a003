"""alexnet draw: the network as a figure, in the manner of the paper's."""

from typing import Annotated

import typer

from alexnet.cli.options import SetOption, VariantArgument
from alexnet.config.settings import parse_assignments
from alexnet.spec.architectures import Architecture


def draw(
    variant: VariantArgument,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="Ends with .svg, .png or .pdf."),
    ],
    set_: SetOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE where it exists already.")
    ] = False,
) -> None:
    """Draw a network as figure 2 of the paper does: maps, kernels, columns, dense layers.

    Of a convolution the output is drawn as it is before pooling. Sides grow more slowly than sizes.
    """
    from alexnet import summary
    from alexnet.summary.drawing import require_drawable

    require_drawable(output, overwrite=force)
    net = summary.network(variant, parse_assignments(set_ or [], Architecture))
    summary.draw(net, output, overwrite=force)
