"""Where a figure or a table goes: looked at before the work, so that none is done in vain."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from alexnet.errors import UserError
from alexnet.text import exists_already, printable

FIGURES = "figures"
"""The folder under a run's where a figure goes when no place is given."""

FIGURE_FORMATS = ("png", "svg", "pdf")

_LONGEST_NAME = 60
"""In letters; file systems allow 255 bytes, and a letter can have four."""


def figure_target(
    given: str | os.PathLike[str] | None,
    run_folder: Path,
    name: Sequence[str],
    *,
    force: bool = False,
) -> Path:
    """The file of a figure: the one that is given, or RUN/figures/NAME.png.

    A figure in its own place is replaced when it is drawn again; a given file is not, unless
    `force` says so.

    Args:
        name: parts of the name of the file, such as the command, the layer, the image.

    Raises:
        UserError: a format that is not known, a file that is there already, or a place that
            cannot be written.
    """
    if given is not None:
        return checked_target(given, FIGURE_FORMATS, "figure", force=force)
    path = run_folder / FIGURES / f"{file_name(name)}.png"
    return checked_target(path, FIGURE_FORMATS, "figure", force=True, in_run=True)


def checked_target(
    given: str | os.PathLike[str],
    formats: Sequence[str],
    what: str,
    *,
    force: bool,
    in_run: bool = False,
) -> Path:
    """The path, once it is clear that it can be written.

    Args:
        in_run: its folder is one that is made in a run's when something is written there.

    Raises:
        UserError: its ending is none of `formats`, it is there already and `force` does not say
            to replace it, or it cannot be written.
    """
    path = Path(given)
    folder = path.parent.parent if in_run and not path.parent.exists() else path.parent
    if path.is_dir():
        why = "it is a folder; give the name of a file in it"
    elif path.suffix[1:].lower() not in formats:
        endings = ", ".join(f".{name}" for name in formats)
        why = f"its ending is none of {endings}"
    elif path.exists() and not force:
        raise UserError(exists_already(path))
    elif not folder.is_dir():
        why = f"there is no folder {printable(folder)}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        why = "permission denied; give another place with -o"
    else:
        return path
    raise UserError(f"{printable(path)}: the {what} cannot be written: {why}")


def file_name(parts: Sequence[str]) -> str:
    """Parts of a name joined to one that any file system takes.

    >>> file_name(["activations", "conv2", "my cat: $5/玫瑰"])
    'activations-conv2-my-cat-5-玫瑰'
    """
    joined = "-".join(printable(part) for part in parts if part)
    name = re.sub(r"[^\w.]+", "-", joined).strip("-.")
    return name[:_LONGEST_NAME]
