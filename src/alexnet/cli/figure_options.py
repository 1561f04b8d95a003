"""Options and output of the commands that plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FigureOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Output file: .png, .svg or .pdf.",
        show_default="RUN/figures/….png",
    ),
]
ForceOption: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Overwrite an existing file.", show_default=False)
]


def images_stem(images: Sequence[str]) -> str:
    """Return a file stem for these images, based on the first one."""
    others = f"and {len(images) - 1} more" if len(images) > 1 else ""
    return f"{Path(images[0]).absolute().stem} {others}".strip()


def save_and_print(figure: "Figure", target: Path) -> None:
    """Write the figure and print its path."""
    from alexnet.plots import save_figure
    from alexnet.text import printable

    typer.echo(printable(save_figure(figure, target)))


def print_notices(notices: Sequence[str]) -> None:
    """Print notices to standard error, so that standard output holds only the result."""
    from alexnet.text import printable

    for notice in notices:
        typer.echo(printable(notice), err=True)
