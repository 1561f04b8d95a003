"""alexnet cache: see and clear what is kept in the user's cache."""

from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="See and clear the cache: decoded pictures, unpacked archives, digits, weights, hashes.",
)


@app.command("path")
def show_path() -> None:
    """Print the folder of the cache; ALEXNET_CACHE_DIR moves it."""
    from alexnet.data.cache import cache_dir
    from alexnet.text import printable

    typer.echo(printable(cache_dir()))


@app.command("list")
def show_entries() -> None:
    """List what is in the cache, and how large each entry is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from alexnet.data.cache import cache_dir, cache_entries
    from alexnet.text import byte_text, printable

    entries = cache_entries()
    if not entries:
        typer.echo(f"nothing in {printable(cache_dir())}")
        return
    table = Table("kind")
    table.add_column("made from", overflow="fold")
    for title in ("pictures", "created", "size"):
        table.add_column(title, justify="right", no_wrap=True)
    for entry in entries:
        index = entry.index
        table.add_row(
            entry.kind,
            Text(printable(str(index.get("source", "")))),
            str(index.get("count", "")),
            str(index.get("created", "")),
            byte_text(entry.size_bytes),
        )
    console = Console()
    console.print(table)
    total = byte_text(sum(entry.size_bytes for entry in entries))
    console.print(f"{total} in {printable(cache_dir())}", markup=False, soft_wrap=True)


@app.command("clear")
def clear(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove everything from the cache; it is made again when it is needed."""
    from alexnet.data.cache import cache_dir, cache_entries, clear_cache
    from alexnet.text import byte_text, counted, printable

    entries = cache_entries()
    if not entries:
        typer.echo(f"nothing in {printable(cache_dir())}")
        return
    size = byte_text(sum(entry.size_bytes for entry in entries))
    what = f"{counted(len(entries), 'entry', 'entries')}, {size}, from {printable(cache_dir())}"
    if not yes:
        typer.confirm(f"Remove {what}?", abort=True)
    typer.echo(f"freed {byte_text(clear_cache(entries))}")
