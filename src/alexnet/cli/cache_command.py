"""alexnet cache: list and clear the user's cache."""

from typing import Annotated

import typer

app = typer.Typer(
    help="List and clear the cache: decoded images, features, archives, digits, weights, hashes.",
)


@app.command("path")
def show_path() -> None:
    """Print the cache folder; set it with ALEXNET_CACHE_DIR."""
    from alexnet.io.cache import cache_dir
    from alexnet.text import printable

    typer.echo(printable(cache_dir()))


@app.command("list")
def show_entries() -> None:
    """List the entries of the cache with their sizes."""
    from alexnet.io.cache import cache_dir, cache_entries
    from alexnet.text import format_bytes, printable

    entries = cache_entries()
    if not entries:
        typer.echo(f"the cache is empty: {printable(cache_dir())}")
        return
    rows = [("kind", "images", "created", "size", "made from")]
    for entry in entries:
        index, count = entry.index, entry.index.get("count")
        rows.append(
            (
                entry.kind,
                f"{count:,}" if isinstance(count, int) else "",
                str(index.get("created", "")),
                format_bytes(entry.size_bytes),
                printable(str(index.get("source", ""))),
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for kind, count, created, size, source in rows:
        # The path comes last and is never wrapped, so that it can be copied.
        typer.echo(
            f"{kind:<{widths[0]}}  {count:>{widths[1]}}  {created:<{widths[2]}}  "
            f"{size:>{widths[3]}}  {source}".rstrip()
        )
    typer.echo(
        f"{format_bytes(sum(entry.size_bytes for entry in entries))} in {printable(cache_dir())}"
    )


@app.command("clear")
def clear(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove everything from the cache; it is rebuilt on demand."""
    from alexnet.io.cache import cache_dir, cache_entries, clear_cache
    from alexnet.text import format_bytes, pluralize, printable

    entries = cache_entries()
    if not entries:
        typer.echo(f"the cache is empty: {printable(cache_dir())}")
        return
    size = format_bytes(sum(entry.size_bytes for entry in entries))
    what = f"{pluralize(len(entries), 'entry', 'entries')}, {size}, from {printable(cache_dir())}"
    if not yes:
        typer.confirm(f"Remove {what}?", abort=True)
    typer.echo(f"freed {format_bytes(clear_cache(entries))}")
