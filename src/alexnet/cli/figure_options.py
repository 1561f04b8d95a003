"""What the commands that draw share: where the figure goes, and what is said of it."""

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
        help="Where the figure goes: .png, .svg or .pdf.",
        show_default="RUN/figures/….png",
    ),
]
ForceOption: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Replace a file that is there.", show_default=False)
]


def stem(images: Sequence[str]) -> str:
    """What the images are called in the name of a figure: after the first of them."""
    others = f"and {len(images) - 1} more" if len(images) > 1 else ""
    return f"{Path(images[0]).absolute().stem} {others}".strip()


def save(figure: "Figure", target: Path) -> None:
    """Write the figure and say where it lies."""
    from alexnet.plots import save as save_figure
    from alexnet.text import printable

    typer.echo(printable(save_figure(figure, target)))


def say(notices: Sequence[str]) -> None:
    """Notices go to standard error, so that standard output is the result alone."""
    from alexnet.text import printable

    for notice in notices:
        typer.echo(printable(notice), err=True)
