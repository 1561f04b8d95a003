"""alexnet size: how large a convolution's or a pooling's output is, with the arithmetic."""

import itertools
from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.errors import UserError

if TYPE_CHECKING:
    from alexnet.spec.windows import Window

_SHOWN = 4
"""So many paddings are worked out; with a large stride very many give the same size."""


def size(
    input_: Annotated[
        int, typer.Option("--input", metavar="PX", min=1, help="Width of the map, W.")
    ],
    kernel: Annotated[
        int | None,
        typer.Option(metavar="PX", min=1, help="Width of the window, F.", show_default="3 to pool"),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(
            metavar="PX", min=1, help="Pixels to the next place, S.", show_default="1, 2 to pool"
        ),
    ] = None,
    padding: Annotated[
        str | None,
        typer.Option(
            metavar="P|BEFORE:AFTER", help="Zeros on each side, or on both.", show_default="0"
        ),
    ] = None,
    output: Annotated[
        int | None,
        typer.Option(metavar="PX", min=1, help="Find the padding that gives this size, N."),
    ] = None,
    pool: Annotated[
        bool, typer.Option("--pool", help="A pooling: the paper's 3 and 2, if not given.")
    ] = False,
) -> None:
    """Work out N = (W - F + 2P)/S + 1; with --output and no --padding, which padding gives it."""
    from alexnet.cli.output import until_pipe_closes
    from alexnet.spec.windows import Window
    from alexnet.summary import paddings

    if kernel is None and not pool:
        raise UserError("--kernel is missing: the width of the window, such as 11 (or use --pool)")
    kernel, stride = kernel or 3, stride or (2 if pool else 1)
    if output is None:
        zeros = _pair(padding or "0")
        window = Window(size=input_, window=kernel, stride=stride, padding=zeros)
        if not window.output:
            raise UserError(
                f"nothing is left: a window of {kernel} does not fit into {input_} pixels "
                f"and {sum(zeros)} zeros"
            )
        found = [window]
    elif padding is not None:
        raise UserError("give --padding, or the --output to find it for, and not both")
    else:
        found = list(itertools.islice(paddings(input_, kernel, stride, output), _SHOWN + 1))
    with until_pipe_closes():
        for i, window in enumerate(found[:_SHOWN]):
            typer.echo("\n" * (i > 0) + "\n".join(_lines(window, output is not None, pool)))
        if len(found) > _SHOWN:
            typer.echo("\nand larger ones")


def _pair(text: str) -> tuple[int, int]:
    parts = text.split(":")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 0:
        raise UserError(f"--padding takes a number such as 2, or 1:2 for both sides, got {text!r}")
    return numbers[0], numbers[-1]


def _lines(window: "Window", solved: bool, pool: bool) -> list[str]:
    """The answer first, then how it comes about."""
    before, after = window.padding
    padding = str(before) if before == after else f"{before}:{after}"
    rounded = "" if window.exact == str(window.output) else f", rounded down to {window.output}"
    lines = [
        f"--padding {padding}" if solved else str(window.output),
        f"  {window.formula}",
        f"    = {window.worked}",
        f"    = {window.exact}{rounded}",
    ]
    lines += [f"  {sentence}" for sentence in _remarks(window, pool)]
    return lines


def _remarks(window: "Window", pool: bool) -> list[str]:
    from alexnet.text import counted

    remarks = []
    if window.dropped:
        padded = window.size + sum(window.padding)
        zeros = window.dropped_zeros
        lost = "only zeros" if zeros == window.dropped else f"{zeros} of them zeros"
        of = f" ({lost})" if zeros else ""
        remarks.append(f"no window reaches the last {window.dropped} of {padded} pixels{of}")
    if max(window.padding) >= window.window:
        remarks.append("windows at the edge see nothing but zeros")
    if pool and window.stride < window.window:
        remarks.append(f"neighboring windows overlap by {window.window - window.stride}")
    if window.stride > window.window:
        gap = counted(window.stride - window.window, "pixel")
        remarks.append(f"{gap} left out between neighboring windows")
    return remarks
