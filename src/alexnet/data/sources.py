"""Find a dataset: a folder, a table, an archive or a name."""

import os
from dataclasses import replace
from pathlib import Path

from alexnet.data.archives import is_archive, unpack
from alexnet.data.digits import digits_folder
from alexnet.data.folders import find_in_folder
from alexnet.data.samples import Dataset
from alexnet.data.tables import TABLE_SUFFIXES, find_in_table
from alexnet.data.walking import is_image_name
from alexnet.errors import UserError
from alexnet.progress import Progress
from alexnet.text import printable

DIGITS = "digits"


def find(source: "str | os.PathLike[str]", *, progress: Progress | None = None) -> Dataset:
    """List the images and classes of a dataset without opening any image.

    Args:
        source: one of
            a folder ROOT with ROOT/CLASS/… (images at any depth below the class),
            a folder with ROOT/{train, val|valid|validation, test}/CLASS/…,
            a CSV file with the columns path, label and optionally split (paths relative to it),
            a zip or tar (.gz, .bz2, .xz) of any of these, which is unpacked into the cache,
            or the name `digits`: scikit-learn's handwritten digits (write `./digits` for a
            folder of that name).
        progress: reports the progress of unpacking.

    Returns:
        The dataset. Its notices name what was skipped, such as hidden and empty folders and
        files that are not images.

    Raises:
        UserError: the path does not exist, or no image belongs to a class.

    Example:
        >>> find("no/such/folder")
        Traceback (most recent call last):
        alexnet.errors.UserError: no such file or folder: no/such/folder
    """
    text = os.fspath(source)
    # In a shell, ./digits is a folder; a Path has dropped the dot.
    if text == DIGITS and (isinstance(source, str) or not Path(text).exists()):
        return find_in_folder(digits_folder(progress), DIGITS)
    path = Path(text)
    _check_exists(path, text)
    if path.is_dir():
        return find_in_folder(path, text)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return find_in_table(path, text)
    if is_archive(path):
        return _find_in_archive(path, text, progress)
    if is_image_name(path.name):
        raise UserError(
            f"{printable(text)} is a single image; "
            "pass the folder that contains one folder of images per class"
        )
    raise UserError(
        f"{printable(text)} is not a folder, a CSV file, a zip or a tar archive; "
        "pass a folder that contains one folder of images per class"
    )


def _check_exists(path: Path, source: str) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no such file or folder: {printable(source)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot open {printable(source)}: {reason}") from None
    if not source:
        raise UserError("the path of the dataset is empty; pass a folder of images")


def _find_in_archive(path: Path, source: str, progress: Progress | None) -> Dataset:
    """Find the dataset in an archive; a single table at its top level takes precedence."""
    root = unpack(path, source, progress)
    tables = sorted(p for p in root.iterdir() if p.suffix.lower() in TABLE_SUFFIXES)
    if len(tables) != 1:
        return find_in_folder(root, source)
    try:
        return replace(find_in_table(tables[0], f"{source}/{tables[0].name}"), source=source)
    except UserError as table_error:
        try:
            return find_in_folder(root, source)
        except UserError:
            raise table_error from None
