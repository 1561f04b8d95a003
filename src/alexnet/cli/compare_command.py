"""alexnet compare: what differs between two networks, and what it costs."""

from typing import TYPE_CHECKING, Annotated

import typer

from alexnet.cli.options import JsonOption, SetOption, VariantArgument, completion
from alexnet.config.settings import parse_assignments
from alexnet.errors import UserError
from alexnet.spec.architectures import Architecture, variants

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.summary import Comparison


def compare(
    variant: VariantArgument,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="VARIANT",
            help="The second one; with --with it may be left out, for the first one changed.",
            autocompletion=completion(variants()),
        ),
    ] = None,
    set_: SetOption = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="FIELD=VALUE", help="Change a field of the second alone."),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Compare two networks: the fields that differ, parameters, operations and memory.

    --set changes a field of both.
    """
    from alexnet import summary
    from alexnet.cli.output import require_writable, table_console, until_pipe_closes, write_report

    if other is None and not with_:
        raise UserError("name a second variant, or what differs by --with FIELD=VALUE")
    if json is not None:
        require_writable(json)
    both, second = (parse_assignments(given or [], Architecture) for given in (set_, with_))
    found = summary.compare(
        summary.network(variant, both), summary.network(other or variant, both | second)
    )
    names = _names(variant, other or variant, with_ or [])
    with until_pipe_closes():
        if json != "-":
            _show(found, names, table_console())
        if json is not None:
            write_report(found.to_dict(), json)


def _names(first: str, second: str, changes: list[str]) -> tuple[str, str]:
    from alexnet.text import printable

    return printable(first), printable(" ".join([second, *changes]) if changes else second)


def _show(comparison: "Comparison", names: tuple[str, str], console: "Console") -> None:
    from alexnet.cli.columns import kilobytes, show
    from alexnet.config.settings import as_text

    rows = [("field", *names)]
    for name, values in comparison.fields.items():
        first, second = (
            "-" if name in unused else as_text(value)
            for value, unused in zip(values, comparison.unused, strict=True)
        )
        rows.append((name, first, second))
    if len(rows) > 1:
        show(console, rows, (False, False, False))
    else:
        console.print("no field differs", markup=False)
    console.print()
    costs = [("for one image", *names, "ratio")]
    for name, total in comparison.totals.items():
        text = kilobytes if name == "activation_bytes" else "{:,}".format
        label = {
            "num_parameters": "parameters",
            "macs": "MACs",
            "activation_bytes": "memory, kB",
        }.get(name, name)
        costs.append((label, text(total.first), text(total.second), f"{total.ratio:.3f}"))
    show(console, costs, (False, True, True, True))
