"""alexnet cache: see and clear what is kept in the user's cache."""

from typing import Annotated

import typer

app = typer.Typer(
    help="See and clear the cache: decoded images, features, archives, digits, weights, hashes.",
)


@app.command("path")
def show_path() -> None:
    """Print the folder of the cache; ALEXNET_CACHE_DIR moves it."""
    from alexnet.io.cache import cache_dir
    from alexnet.text import printable

    typer.echo(printable(cache_dir()))


@app.command("list")
def show_entries() -> None:
    """List what is in the cache, and how large each entry is."""
    from alexnet.io.cache import cache_dir, cache_entries
    from alexnet.text import byte_text, printable

    entries = cache_entries()
    if not entries:
        typer.echo(f"nothing in {printable(cache_dir())}")
        return
    rows = [("kind", "images", "created", "size", "made from")]
    for entry in entries:
        index, count = entry.index, entry.index.get("count")
        rows.append(
            (
                entry.kind,
                f"{count:,}" if isinstance(count, int) else "",
                str(index.get("created", "")),
                byte_text(entry.size_bytes),
                printable(str(index.get("source", ""))),
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for kind, count, created, size, source in rows:
        # The path comes last and is never broken: so it can be copied.
        typer.echo(
            f"{kind:<{widths[0]}}  {count:>{widths[1]}}  {created:<{widths[2]}}  "
            f"{size:>{widths[3]}}  {source}".rstrip()
        )
    typer.echo(
        f"{byte_text(sum(entry.size_bytes for entry in entries))} in {printable(cache_dir())}"
    )


@app.command("clear")
def clear(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove everything from the cache; it is made again when it is needed."""
    from alexnet.io.cache import cache_dir, cache_entries, clear_cache
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
