"""Atomic writes: a file is written under a temporary name, then renamed."""

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alexnet.errors import RunError

_PARTIAL = ".partial"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically, also if the process is killed.

    Raises:
        RunError: the file cannot be written; an existing file is unchanged.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def remove_partial(folder: Path) -> None:
    """Remove temporary files that killed processes left in this folder."""
    for path in folder.glob(f".*{_PARTIAL}"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV in UTF-8 with LF line ends; undecodable bytes of names are preserved."""
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        # The csv module does not quote a lone carriage return, and cannot read it back unquoted.
        (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
    return text.getvalue().encode("utf-8", "surrogateescape")
