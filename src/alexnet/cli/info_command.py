"""alexnet info: every layer of a network, its size worked out, and its costs."""

from typing import TYPE_CHECKING

from alexnet.cli.options import JsonOption, SetOption, VariantArgument
from alexnet.config.settings import parse_assignments
from alexnet.spec.architectures import Architecture

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.summary import Row, Table

_NAME, _SIZES, _COSTS = (False,), (True, False), (True, True, True, True, True)
"""Which columns are set flush right."""


def info(variant: VariantArgument, set_: SetOption = None, json: JsonOption = None) -> None:
    """Show every layer: output size and its arithmetic, parameters, operations, memory.

    For one image; what VARIANT is changed by --set is shown as changed.
    """
    from alexnet import summary
    from alexnet.cli.output import require_writable, table_console, until_pipe_closes, write_report

    if json is not None:
        require_writable(json)
    net = summary.network(variant, parse_assignments(set_ or [], Architecture))
    found = summary.table(net)
    with until_pipe_closes():
        if json != "-":
            _show(found, table_console())
        if json is not None:
            write_report(found.to_dict(), json)


def _show(table: "Table", console: "Console") -> None:
    """One table where the screen is wide enough, else sizes and costs one below the other."""
    from alexnet.cli.columns import show, width_of
    from alexnet.text import counted, printable

    net = table.architecture
    classes = counted(net.num_classes, "class", "classes")
    title = f"{net.variant}: images of {_shape(net.input_shape)}, {classes}"
    console.print(printable(title) + "\n", markup=False, soft_wrap=True)
    names, sizes, costs = _cells(table)
    whole = [(*name, *size, *cost) for name, size, cost in zip(names, sizes, costs, strict=True)]
    if width_of(whole, _NAME + _SIZES + _COSTS) <= console.width:
        show(console, whole, _NAME + _SIZES + _COSTS)
    else:
        left = [(*name, *size) for name, size in zip(names, sizes, strict=True)]
        right = [(*name, *cost) for name, cost in zip(names, costs, strict=True)]
        show(console, left[:-1], _NAME + _SIZES)  # sizes have no total
        console.print()
        show(console, right, _NAME + _COSTS)
    _show_legend(console)


def _cells(
    table: "Table",
) -> tuple[list[tuple[str]], list[tuple[str, str]], list[tuple[str, ...]]]:
    """The names, the sizes and the costs; first the headings, last the totals."""
    from alexnet.cli.columns import kilobytes

    names = [("layer",), *((row.layer,) for row in table.rows), ("total",)]
    sizes = [("output", "how"), *((_shape(r.output_shape), r.how) for r in table.rows), ("", "")]
    headings = ("parameters", "MACs", "field", "stride", "kB")
    totals = (f"{table.num_parameters:,}", f"{table.macs:,}", "", "")
    memory = kilobytes(table.activation_bytes)
    return names, sizes, [headings, *map(_costs, table.rows), (*totals, memory)]


def _costs(row: "Row") -> tuple[str, ...]:
    from alexnet.cli.columns import kilobytes

    counts = [f"{count:,}" if count else "" for count in (row.num_parameters, row.macs)]
    stride = "" if row.stride_px is None else str(row.stride_px)
    memory = kilobytes(row.activation_bytes) if row.activation_bytes else ""
    return (*counts, str(row.receptive_field_px), stride, memory)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _show_legend(console: "Console") -> None:
    for line in (
        "\noutput   channels x height x width",
        "how      N = (W - F + 2P)/S + 1, rounded down: W pixels, window F, stride S, P",
        "         zeros before and after (written one by one where they differ); dropped:",
        "         pixels at the end, with the zeros, that no window reaches",
        "field    width of the square of input pixels that one value depends on",
        "stride   input pixels from one value to the next",
        "kB       memory of the output for one image in float32",
    ):
        console.print(line, markup=False, soft_wrap=True)
