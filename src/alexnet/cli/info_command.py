"""alexnet info: the layers of a network with their output sizes and costs."""

from typing import TYPE_CHECKING

from alexnet.cli.options import JsonOption, SetOption, VariantArgument
from alexnet.settings import parse_assignments
from alexnet.spec.architectures import Architecture

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.summary import LayerRow, LayerTable

_NAME, _SIZES, _COSTS = (False,), (True, False), (True, True, True, True, True)
"""Which columns are right-aligned."""


def info(variant: VariantArgument, set_: SetOption = None, json: JsonOption = None) -> None:
    """Show every layer: output size with its arithmetic, parameters, MACs, memory.

    Costs are for one image; --set changes a field of the architecture.
    """
    from alexnet import summary
    from alexnet.cli.output import require_writable, table_console, until_pipe_closes, write_report

    if json is not None:
        require_writable(json)
    changes = parse_assignments(set_ or [], Architecture)
    table = summary.summarize(summary.resolve_architecture(variant, changes))
    with until_pipe_closes():
        if json != "-":
            _print_table(table, table_console())
        if json is not None:
            write_report(table.to_dict(), json)


def _print_table(table: "LayerTable", console: "Console") -> None:
    """Print one table if the terminal is wide enough, else two: sizes and costs."""
    from alexnet.cli.columns import print_columns, width_of
    from alexnet.text import pluralize, printable

    net = table.architecture
    classes = pluralize(net.num_classes, "class", "classes")
    title = f"{net.variant}: input {_format_shape(net.input_shape)}, {classes}"
    console.print(printable(title) + "\n", markup=False, soft_wrap=True)
    names, sizes, costs = _cells(table)
    combined = [(*name, *size, *cost) for name, size, cost in zip(names, sizes, costs, strict=True)]
    if width_of(combined, _NAME + _SIZES + _COSTS) <= console.width:
        print_columns(console, combined, _NAME + _SIZES + _COSTS)
    else:
        left = [(*name, *size) for name, size in zip(names, sizes, strict=True)]
        right = [(*name, *cost) for name, cost in zip(names, costs, strict=True)]
        print_columns(console, left[:-1], _NAME + _SIZES)  # no totals for sizes
        console.print()
        print_columns(console, right, _NAME + _COSTS)
    _print_legend(console)


def _cells(
    table: "LayerTable",
) -> tuple[list[tuple[str]], list[tuple[str, str]], list[tuple[str, ...]]]:
    """Return names, sizes and costs, with the headings first and the totals last."""
    from alexnet.cli.columns import format_kilobytes

    names = [("layer",), *((row.layer,) for row in table.rows), ("total",)]
    sizes = [
        ("output", "arithmetic"),
        *((_format_shape(r.output_shape), r.arithmetic) for r in table.rows),
        ("", ""),
    ]
    headings = ("parameters", "MACs", "RF", "stride", "kB")
    totals = (f"{table.num_parameters:,}", f"{table.macs:,}", "", "")
    memory = format_kilobytes(table.activation_bytes)
    return names, sizes, [headings, *map(_costs, table.rows), (*totals, memory)]


def _costs(row: "LayerRow") -> tuple[str, ...]:
    from alexnet.cli.columns import format_kilobytes

    counts = [f"{count:,}" if count else "" for count in (row.num_parameters, row.macs)]
    stride = "" if row.stride_px is None else str(row.stride_px)
    memory = format_kilobytes(row.activation_bytes) if row.activation_bytes else ""
    return (*counts, str(row.receptive_field_px), stride, memory)


def _format_shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _print_legend(console: "Console") -> None:
    for line in (
        "\noutput      channels x height x width",
        "arithmetic  N = (W - F + 2P)/S + 1, rounded down: input size W, kernel size F,",
        "            padding P (both sides listed if they differ), stride S; dropped:",
        "            pixels at the end, padding included, that no window reaches",
        "RF          receptive field: side of the input square that one value depends on",
        "stride      distance between neighboring values in input pixels",
        "kB          memory of the output for one image in float32",
    ):
        console.print(line, markup=False, soft_wrap=True)
