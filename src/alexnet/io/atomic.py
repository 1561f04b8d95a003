"""Files that are complete or absent: written beside their place, then renamed."""

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
    """Write a file so that it is complete or absent, also when the process is killed.

    Raises:
        RunError: it cannot be written; an earlier file of this name is untouched.
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
    """Remove what processes left that were killed while they wrote into this folder."""
    for path in folder.glob(f".*{_PARTIAL}"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON, complete or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of a CSV file, lines ended by a newline, in UTF-8; other bytes of names stay."""
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        # The module leaves a lone carriage return unquoted, and then cannot read it back.
        (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
    return text.getvalue().encode("utf-8", "surrogateescape")
