"""Rows of text under headings, aligned; how wide they are is known before they are printed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_GAP = "  "


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Each row as one line; the first row holds the headings.

    Args:
        right: for each column, whether it is set flush right, as numbers are.

    >>> aligned([("layer", "size"), ("conv1", "55")], right=(False, True))
    ['layer  size', 'conv1    55']
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(right))]
    return [
        _GAP.join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def kilobytes(count: int) -> str:
    """Bytes in thousands, so that a column of them can be compared.

    >>> kilobytes(1_161_600)
    '1,161.6'
    """
    return f"{count / 1000:,.1f}"


def width_of(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> int:
    """Columns of the terminal that the rows take."""
    return max(map(len, aligned(rows, right)))


def show(console: "Console", rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Print the rows, the headings bold."""
    heading, *lines = aligned(rows, right)
    console.print(heading, style="bold", markup=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
