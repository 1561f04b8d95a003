"""Print text in aligned columns, whose total width is available beforehand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_GAP = "  "


def align_columns(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Return each row as a line of aligned columns; the first row holds the headings.

    Args:
        rows: the cells.
        right: for each column, whether it is right-aligned.

    >>> align_columns([("layer", "size"), ("conv1", "55")], right=(False, True))
    ['layer  size', 'conv1    55']
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(right))]
    return [
        _GAP.join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def format_kilobytes(count: int) -> str:
    """Format bytes as kilobytes with one decimal, comparable within a column.

    >>> format_kilobytes(1_161_600)
    '1,161.6'
    """
    return f"{count / 1000:,.1f}"


def width_of(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> int:
    """Return the width of the rows in terminal columns."""
    return max(map(len, align_columns(rows, right)))


def print_columns(console: "Console", rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Print the rows with bold headings."""
    heading, *lines = align_columns(rows, right)
    console.print(heading, style="bold", markup=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
