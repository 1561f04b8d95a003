"""alexnet draw: draw a network in the style of figure 2 of the paper."""

from typing import Annotated

import typer

from alexnet.cli.options import SetOption, VariantArgument
from alexnet.settings import parse_assignments
from alexnet.spec.architectures import Architecture


def draw(
    variant: VariantArgument,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="The file: .svg, .png or .pdf."),
    ],
    set_: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Draw a network in the style of figure 2 of the paper.

    Convolutions are drawn with their output before pooling. Sizes are on a power scale.
    """
    from alexnet import summary
    from alexnet.summary.drawing import require_drawable

    require_drawable(output, overwrite=force)
    changes = parse_assignments(set_ or [], Architecture)
    architecture = summary.resolve_architecture(variant, changes)
    summary.draw(architecture, output, overwrite=force)
