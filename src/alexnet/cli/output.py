"""Output for other programs: the same bytes whatever the terminal is."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

_SIGPIPE_STATUS = 141
"""Exit status of a program that a closed pipe ended."""


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    r"""Encode a value as JSON with a trailing newline, UTF-8.

    File names that are no UTF-8 are written with escapes, `"\udce9"` for the byte e9, which
    Python's `os.fsencode` brings back.
    """
    try:
        return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, indent=indent) + "\n").encode()


def require_writable(target: str) -> None:
    """Raise `UserError` unless a JSON report can be written to the file, or `-`."""
    from alexnet.io.output_paths import check_output_file

    if target != "-":
        check_output_file(target, label="report")


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
    """Return a console on standard output; wide where it is no terminal that wraps lines."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=1000)


def forgiving_streams() -> None:
    """Escape characters that the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextmanager
def until_pipe_closes() -> Iterator[None]:
    """End the command silently when the reader closes the pipe, as in `| head`."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes its buffers at exit, and would fail again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
        raise typer.Exit(_SIGPIPE_STATUS) from None
