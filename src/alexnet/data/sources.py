"""From what a person gives (a folder, a table, an archive, a name) to the list of images."""

import os
from dataclasses import replace
from pathlib import Path

from alexnet.data.archives import is_archive, unpacked
from alexnet.data.digits import digits_folder
from alexnet.data.folders import find_in_folder, is_image_name
from alexnet.data.samples import Dataset
from alexnet.data.tables import TABLE_SUFFIXES, find_in_table
from alexnet.errors import UserError
from alexnet.progress import Progress
from alexnet.text import printable

DIGITS = "digits"


def find(source: "str | os.PathLike[str]", *, progress: Progress | None = None) -> Dataset:
    """List the images and classes of a data set; no image is opened.

    Args:
        source: one of
            a folder ROOT with ROOT/CLASS/… (images at any depth below the class),
            a folder with ROOT/{train, val|valid|validation, test}/CLASS/…,
            a CSV file with the columns path, label and optionally split (paths relative to it),
            a zip or tar (.gz, .bz2, .xz) of any of these, which is unpacked into the cache,
            or the name `digits`: scikit-learn's handwritten digits (a folder of that name
            is given as `./digits`).
        progress: told how far unpacking is.

    Returns:
        The data set. Hidden and empty folders, files of other kinds and the like are left out
        and named in its notices.

    Raises:
        UserError: the path does not exist, or holds no images that belong to a class.

    Example:
        >>> find("no/such/folder")
        Traceback (most recent call last):
        alexnet.errors.UserError: no/such/folder: there is no such file or folder
    """
    given = os.fspath(source)
    # A shell's ./digits is a folder; as a Path it has lost its dot.
    if given == DIGITS and (isinstance(source, str) or not Path(given).exists()):
        return find_in_folder(digits_folder(progress), DIGITS)
    path = Path(given)
    _check_exists(path, given)
    if path.is_dir():
        return find_in_folder(path, given)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return find_in_table(path, given)
    if is_archive(path):
        return _find_in_archive(path, given, progress)
    if is_image_name(path.name):
        raise UserError(f"{printable(given)}: this is one file; give the folder of all images")
    raise UserError(
        f"{printable(given)}: not a folder, a CSV file, a zip or a tar; "
        "give a folder with a folder of images for each class"
    )


def _check_exists(path: Path, given: str) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{printable(given)}: there is no such file or folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{printable(given)}: cannot be opened: {reason}") from None
    if not given:
        raise UserError("the path of the data is empty; give a folder of images")


def _find_in_archive(path: Path, given: str, progress: Progress | None) -> Dataset:
    """The data set in an archive; a table at its top that lists its files goes first."""
    root = unpacked(path, given, progress)
    tables = sorted(p for p in root.iterdir() if p.suffix.lower() in TABLE_SUFFIXES)
    if len(tables) != 1:
        return find_in_folder(root, given)
    try:
        return replace(find_in_table(tables[0], f"{given}/{tables[0].name}"), source=given)
    except UserError as of_table:
        try:
            return find_in_folder(root, given)
        except UserError:
            raise of_table from None
