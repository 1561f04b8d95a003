"""alexnet compare: the differences between two networks and their costs."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.options import JsonOption, SetOption, VariantArgument, completion
from alexnet.errors import UserError
from alexnet.settings import parse_assignments
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import variants

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.summary import Comparison


def compare(
    variant: VariantArgument,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="VARIANT",
            help="The second network; by default the first one, changed by --with.",
            autocompletion=completion(variants()),
        ),
    ] = None,
    set_: SetOption = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="FIELD=VALUE", help="Change a field of the second network only."
        ),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Compare two networks: the fields that differ, parameters, MACs and memory.

    --set changes a field of both networks.
    """
    from alexnet import summary
    from alexnet.cli.output import require_writable, table_console, until_pipe_closes, write_report

    if other is None and not with_:
        raise UserError("missing second network: pass a second VARIANT or --with FIELD=VALUE")
    if json is not None:
        require_writable(json)
    both, second = (parse_assignments(texts or [], Architecture) for texts in (set_, with_))
    comparison = summary.compare_architectures(
        summary.resolve_architecture(variant, both),
        summary.resolve_architecture(other or variant, both | second),
    )
    names = _names(variant, other or variant, with_ or [])
    with until_pipe_closes():
        if json != "-":
            _print_comparison(comparison, names, table_console())
        if json is not None:
            write_report(comparison.to_dict(), json)


def _names(first: str, second: str, changes: list[str]) -> tuple[str, str]:
    from alexnet.text import printable

    return printable(first), printable(" ".join([second, *changes]) if changes else second)


def _print_comparison(comparison: "Comparison", names: tuple[str, str], console: "Console") -> None:
    from alexnet.cli.columns import format_kilobytes, print_columns
    from alexnet.settings import as_text

    rows = [("field", *names)]
    for name, values in comparison.fields.items():
        first, second = (
            "-" if name in unused else as_text(value)
            for value, unused in zip(values, comparison.unused, strict=True)
        )
        rows.append((name, first, second))
    if len(rows) > 1:
        print_columns(console, rows, (False, False, False))
    else:
        console.print("no differences", markup=False)
    console.print()
    costs = [("per image", *names, "ratio")]
    for name, total in comparison.totals.items():
        text = format_kilobytes if name == "activation_bytes" else "{:,}".format
        label = {
            "num_parameters": "parameters",
            "macs": "MACs",
            "activation_bytes": "activations, kB",
        }.get(name, name)
        costs.append((label, text(total.first), text(total.second), f"{total.ratio:.3f}"))
    print_columns(console, costs, (False, True, True, True))
