"""Figures as files: PNG for the screen, SVG for the web, PDF for print."""

import io
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from alexnet.errors import RunError
from alexnet.io.atomic import write_bytes
from alexnet.text import printable


def figure_bytes(figure: Figure, format: str, *, title: str = "") -> bytes:
    """Return the figure as the content of a PNG, SVG or PDF file.

    The same figure gives the same bytes: no dates and no random ids. Text in SVG is drawn as
    paths, so that it needs no font.

    Args:
        title: the document title of a PDF.
    """
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, **({"Title": printable(title)} if title else {})},
    }
    file = io.BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "alexnet"}):
        figure.savefig(file, format=format, metadata=metadata[format])
    return file.getvalue()


def save_figure(figure: Figure, path: Path) -> Path:
    """Write the figure atomically, in the format of the file's extension.

    Raises:
        RunError: the file cannot be written.
    """
    content = figure_bytes(figure, path.suffix[1:].lower())
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot create {path.parent}: {error.strerror}") from error
    write_bytes(path, content)
    return path
