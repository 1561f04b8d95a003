"""A figure as a file for the screen (PNG), the web (SVG) or print (PDF)."""

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from alexnet.errors import RunError
from alexnet.io.atomic import write_bytes

# No dates and no random names: the same figure gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def save(figure: Figure, path: Path) -> Path:
    """Write the figure, complete or not at all, in the format that the file's ending names.

    Raises:
        RunError: it cannot be written.
    """
    kind = path.suffix[1:].lower()
    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "alexnet"}):
        figure.savefig(file, format=kind, metadata=_METADATA[kind])
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {path.parent}: {error.strerror}") from error
    write_bytes(path, file.getvalue())
    return path
