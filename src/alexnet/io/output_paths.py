"""Checks of output paths, made before the work whose result is written there."""

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from alexnet.errors import UserError
from alexnet.text import already_exists_message, printable

FIGURES = "figures"
"""The subfolder of a run for figures without an explicit path."""

FIGURE_FORMATS = ("png", "svg", "pdf")

_MAX_NAME_LENGTH = 60
"""In characters of up to 4 bytes; file systems allow 255 bytes."""


def check_output_file(
    path: str | os.PathLike[str],
    *,
    label: str,
    formats: Collection[str] = (),
    overwrite: bool = True,
    create_parent: bool = False,
    argument: str = "force=True",
    exists_reason: str = "",
) -> Path:
    """Return the path if a file can be written there.

    Args:
        label: the kind of content for messages, such as `report`.
        formats: valid suffixes without the dot; any suffix if empty.
        overwrite: whether an existing file may be replaced.
        create_parent: whether the writer creates the parent folder if it does not exist.
        argument: Python equivalent of `--force`, for the message about an existing file.
        exists_reason: why an existing file is not replaced, appended to "already exists".

    Raises:
        UserError: the path is a folder, has another suffix, exists and must not be replaced, or
            is not writable.
    """
    path = Path(path)
    folder = path.parent.parent if create_parent and not path.parent.exists() else path.parent
    if path.is_dir():
        problem = "it is a folder; pass the name of a file"
    elif formats and path.suffix[1:].lower() not in formats:
        problem = f"the suffix must be one of {', '.join(f'.{name}' for name in formats)}"
    elif path.exists() and not overwrite:
        raise UserError(already_exists_message(path, argument, exists_reason))
    elif not folder.exists():
        problem = f"no such folder: {printable(folder)}"
    elif not folder.is_dir():
        problem = f"{printable(folder)} is not a folder"
    elif path.exists() and not os.access(path, os.W_OK):
        problem = "permission denied; choose another path"
    # A device such as /dev/stderr is written to directly, a file is replaced in its folder.
    elif (path.is_file() or not path.exists()) and not os.access(folder, os.W_OK | os.X_OK):
        problem = f"the folder {printable(folder)} is not writable; choose another path"
    else:
        return path
    raise UserError(f"cannot write the {label} to {printable(path)}: {problem}")


def check_output_folder(
    path: str | os.PathLike[str], *, label: str, option: str = "--output-dir"
) -> Path:
    """Return the path if files can be written to this folder, which need not exist yet.

    Raises:
        UserError: the folder, or the closest existing parent, is a file or is not writable.
    """
    path = Path(path)
    existing = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not existing.is_dir():
        problem = f"{printable(existing)} is a file"
    elif not os.access(existing, os.W_OK | os.X_OK):
        problem = f"the folder {printable(existing)} is not writable"
    else:
        return path
    raise UserError(
        f"cannot write the {label} to {printable(path)}: {problem}; choose another folder with "
        f"{option}"
    )


def check_figure_path(
    path: str | os.PathLike[str] | None,
    run_folder: Path,
    name: Sequence[str],
    *,
    force: bool = False,
) -> Path:
    """Return the path of a figure: the one passed, or RUN/figures/NAME.png.

    A figure at its default path is replaced when it is drawn again; an explicit path only with
    `force`.

    Args:
        name: parts of the file name, such as the command, the layer and the image.

    Raises:
        UserError: an unknown format, an existing file, or a path that is not writable.
    """
    if path is not None:
        return check_output_file(path, label="figure", formats=FIGURE_FORMATS, overwrite=force)
    path = run_folder / FIGURES / f"{file_name(name)}.png"
    return check_output_file(path, label="figure", create_parent=True)


def file_name(parts: Sequence[str]) -> str:
    """Join parts to a file name that is valid on any file system.

    >>> file_name(["activations", "conv2", "my cat: $5/玫瑰"])
    'activations-conv2-my-cat-5-玫瑰'
    """
    joined = "-".join(printable(part) for part in parts if part)
    name = re.sub(r"[^\w.]+", "-", joined).strip("-.")
    return name[:_MAX_NAME_LENGTH]
