"""What commands write for other programs: bytes that are the same whatever the terminal is."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from alexnet.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

_SIGPIPE_STATUS = 141
"""What a shell reports of a program that a closed pipe ended."""


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    r"""A value as one JSON text with a newline, UTF-8.

    File names that are no UTF-8 are written with escapes, `"\udce9"` for the byte e9, which
    Python's `os.fsencode` brings back.
    """
    try:
        return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, indent=indent) + "\n").encode()


def require_writable(target: str) -> None:
    """Look whether a report can be written there, before the work that it is about.

    Raises:
        UserError: it cannot; says why.
    """
    from alexnet.text import printable

    path = Path(target)
    if target == "-":
        return
    if path.is_dir():
        why = "it is a folder; give the name of a file in it"
    elif path.exists() and not os.access(path, os.W_OK):
        why = "permission denied"
    elif not path.parent.is_dir():
        why = f"there is no folder {printable(path.parent)}"
    elif not path.exists() and not os.access(path.parent, os.W_OK | os.X_OK):
        why = f"the folder {printable(path.parent)} is not writable"
    else:
        return
    raise UserError(f"{printable(target)}: the report cannot be written: {why}")


def write_report(value: Any, target: str) -> None:
    """Write a value as JSON to a file, or to standard output for `-`.

    Raises:
        RunError: the file cannot be written; what was there stays.
    """
    from alexnet.io.atomic import write_bytes

    path, content = Path(target), json_bytes(value, indent=2)
    if target == "-":
        typer.echo(content, nl=False)
    elif path.exists() and not path.is_file():  # such as /dev/stderr, which cannot be replaced
        path.write_bytes(content)
    else:
        write_bytes(path, content)


def table_console() -> "Console":
    """Standard output; as wide as a table where it is no terminal that would break lines."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=1000)


def forgiving_streams() -> None:
    """Write letters that the terminal's encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextmanager
def until_pipe_closes() -> Iterator[None]:
    """A reader that has seen enough, as in `| head`, ends the command without a word."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python writes what is left in its buffers when it ends, and would fail again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
        raise typer.Exit(_SIGPIPE_STATUS) from None
