"""alexnet size: the output size of a convolution or pooling layer, with its arithmetic."""

import itertools
from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.errors import UserError

if TYPE_CHECKING:
    from alexnet.spec.windows import Window

_MAX_RESULTS = 4
"""With a large stride very many paddings give the same size."""


def size(
    input_: Annotated[int, typer.Option("--input", metavar="PX", min=1, help="Input size, W.")],
    kernel: Annotated[
        int | None,
        typer.Option(metavar="PX", min=1, help="Kernel size, F.", show_default="3 with --pool"),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(metavar="PX", min=1, help="Stride, S.", show_default="1; 2 with --pool"),
    ] = None,
    padding: Annotated[
        str | None,
        typer.Option(
            metavar="P|BEFORE:AFTER",
            help="Padding of both sides, or of each side.",
            show_default="0",
        ),
    ] = None,
    output: Annotated[
        int | None,
        typer.Option(metavar="PX", min=1, help="Find the padding for this output size, N."),
    ] = None,
    pool: Annotated[
        bool,
        typer.Option(
            "--pool", help="Pooling; by default with the paper's kernel of 3 and stride of 2."
        ),
    ] = False,
) -> None:
    """Compute the output size N = (W - F + 2P)/S + 1, or with --output the padding for it."""
    from alexnet.cli.output import until_pipe_closes
    from alexnet.spec.windows import Window
    from alexnet.summary import find_paddings

    if kernel is None and not pool:
        raise UserError("missing --kernel, such as 11; or use --pool")
    kernel, stride = kernel or 3, stride or (2 if pool else 1)
    if output is None:
        both_sides = _parse_padding(padding or "0")
        window = Window(size=input_, window=kernel, stride=stride, padding=both_sides)
        if not window.output:
            raise UserError(
                f"the kernel of {kernel} does not fit into {input_} pixels with a padding of "
                f"{sum(both_sides)} in total; use a smaller --kernel or a larger --padding"
            )
        windows = [window]
    elif padding is not None:
        raise UserError("--padding and --output cannot be combined; pass one of them")
    else:
        windows = list(
            itertools.islice(find_paddings(input_, kernel, stride, output), _MAX_RESULTS + 1)
        )
    with until_pipe_closes():
        for i, window in enumerate(windows[:_MAX_RESULTS]):
            typer.echo("\n" * (i > 0) + "\n".join(_result_lines(window, output is not None, pool)))
        if len(windows) > _MAX_RESULTS:
            typer.echo("\n… and larger paddings")


def _parse_padding(text: str) -> tuple[int, int]:
    parts = text.split(":")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 0:
        raise UserError(
            "invalid value for --padding: expected a number such as 2, or BEFORE:AFTER such as "
            f"1:2, got {text!r}"
        )
    return numbers[0], numbers[-1]


def _result_lines(window: "Window", is_padding: bool, pool: bool) -> list[str]:
    """Return the result, followed by its arithmetic."""
    before, after = window.padding
    padding = str(before) if before == after else f"{before}:{after}"
    rounded = "" if window.exact == str(window.output) else f", rounded down to {window.output}"
    lines = [
        f"--padding {padding}" if is_padding else str(window.output),
        f"  {window.formula}",
        f"    = {window.calculation}",
        f"    = {window.exact}{rounded}",
    ]
    lines += [f"  {note}" for note in _notes(window, pool)]
    return lines


def _notes(window: "Window", pool: bool) -> list[str]:
    from alexnet.text import pluralize

    notes = []
    if window.dropped:
        padded = window.size + sum(window.padding)
        zeros = window.dropped_zeros
        kind = "padding only" if zeros == window.dropped else f"{zeros} of them padding"
        suffix = f" ({kind})" if zeros else ""
        notes.append(f"no window reaches the last {window.dropped} of {padded} pixels{suffix}")
    if max(window.padding) >= window.window:
        notes.append("windows at the edge cover only padding")
    if pool and window.stride < window.window:
        notes.append(
            f"neighboring windows overlap by {pluralize(window.window - window.stride, 'pixel')}"
        )
    if window.stride > window.window:
        gap = pluralize(window.stride - window.window, "pixel")
        notes.append(f"{gap} skipped between neighboring windows")
    return notes
