"""Datasets in a table: a CSV file with the columns path, label and optionally split."""

# ruff: noqa: PTH100, PTH110, PTH113, PTH118
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import csv
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple, NoReturn

from alexnet.data.folders import SPLIT_NAMES, in_order
from alexnet.data.samples import Dataset, Sample, missing_in_val, with_notices
from alexnet.data.walking import is_image_name
from alexnet.errors import UserError
from alexnet.sorting import natural_key
from alexnet.text import join_limited, pluralize, printable

TABLE_SUFFIXES = (".csv", ".tsv")

_PATH_NAMES = [
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "image_file",
    "image_name",
    "img",
    "img_path",
    "picture",
    "photo",
]
_LABEL_NAMES = [
    "label",
    "class",
    "category",
    "class_name",
    "classname",
    "label_name",
    "target",
    "species",
    "y",
]
_SPLIT_NAMES = ["split", "set", "subset", "partition", "dataset", "fold"]
_EXPECTED = "expected the columns path,label or path,label,split"


@dataclass(frozen=True)
class _Columns:
    path: int
    label: int
    split: int | None
    in_header: bool


class _Row(NamedTuple):
    path: str
    class_name: str
    split: str
    """Empty if the table has no split for it."""


def find_in_table(table: Path, source: str) -> Dataset:
    """List the images in a CSV file; paths are relative to its folder.

    Columns are separated by commas, semicolons or tabs. A header is recognized by its names;
    without one, the columns are path, label and optionally split.

    Raises:
        UserError: the table is invalid (the message names the line), or none of the listed
            files exists.
    """
    folder = os.path.abspath(table.parent)
    rows = _rows(_text(table, source), source)
    first = next(rows, None)
    if first is None:
        raise UserError(f"{printable(source)}: the table is empty; {_EXPECTED}")
    columns = _columns(first[1], folder, source)
    lines = rows if columns.in_header else chain([first], rows)
    listed = [_parse(number, cells, columns, folder, source) for number, cells in lines]
    if not listed:
        raise UserError(f"{printable(source)}: the table lists no images")
    images = list(dict.fromkeys(listed))
    if not any(os.path.exists(image.path) for image in images):
        raise UserError(
            f"{printable(source)}: none of the listed images exists, for example "
            f"{join_limited([images[0].path])}; paths are relative to the folder of the table"
        )
    return _dataset(folder, source, images, duplicates=len(listed) - len(images))


def _dataset(folder: str, source: str, images: list[_Row], duplicates: int) -> Dataset:
    classes = tuple(sorted({image.class_name for image in images}, key=natural_key))
    labels = {name: i for i, name in enumerate(classes)}
    without_split = [image.path for image in images if not image.split]
    if 0 < len(without_split) < len(images):
        raise UserError(
            f"{printable(source)}: no split for {printable(without_split[0])}; "
            "set the split of all rows or of none"
        )
    samples = [Sample(path, labels[name], split or "all") for path, name, split in images]
    notices: tuple[str, ...] = ()
    if duplicates:
        notices = (f"skipped {pluralize(duplicates, 'duplicate row')} of the table",)
    split_by = "none" if without_split else "column"
    dataset = Dataset(
        source, Path(folder), classes, in_order(samples), split_by, notices, by_table=True
    )
    return with_notices(dataset, missing_in_val(dataset))


def _text(table: Path, source: str) -> str:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {printable(source)}: {error.strerror}") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    # Bytes that are not UTF-8 become surrogates, as in file names.
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape")


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row that is not empty."""
    lines = text.splitlines(keepends=False) if "\n" not in text else text.split("\n")
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(
        (line.rstrip("\r") + "\n" for line in lines), delimiter=delimiter, skipinitialspace=True
    )
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise UserError(
            f"{printable(source)}, line {reader.line_num}: not a table: {error}"
        ) from None


def _columns(first: list[str], folder: str, source: str) -> _Columns:
    names = [cell.casefold().replace(" ", "_") for cell in first]

    def index(aliases: list[str]) -> int | None:
        # If the header has several, the first alias in the list wins.
        return next((names.index(name) for name in aliases if name in names), None)

    path, label = index(_PATH_NAMES), index(_LABEL_NAMES)
    if path is not None and label is not None:
        return _Columns(path, label, index(_SPLIT_NAMES), in_header=True)
    is_row = is_image_name(first[0]) or os.path.isfile(_resolve(first[0], folder))
    if not is_row:
        raise UserError(
            f"{printable(source)}: no path and label in the header "
            f"{join_limited([','.join(first)])}; {_EXPECTED}"
        )
    if len(first) < 2:
        raise UserError(f"{printable(source)}: only one column; {_EXPECTED}")
    return _Columns(0, 1, 2 if len(first) > 2 else None, in_header=False)


def _parse(line: int, cells: list[str], columns: _Columns, folder: str, source: str) -> _Row:
    def fail(problem: str) -> NoReturn:
        raise UserError(f"{printable(source)}, line {line}: {problem}; {_EXPECTED}")

    def cell(index: int | None) -> str:
        return cells[index] if index is not None and index < len(cells) else ""

    path, label, split = cell(columns.path), cell(columns.label), cell(columns.split)
    if not path:
        fail("no path")
    if not label:
        fail("no label")
    if split and split.casefold() not in SPLIT_NAMES:
        fail(f"invalid split {printable(split)!r}: expected train, val or test")
    label = unicodedata.normalize("NFC", label)
    return _Row(_resolve(path, folder), label, SPLIT_NAMES.get(split.casefold(), ""))


def _resolve(path: str, folder: str) -> str:
    resolved = os.path.normpath(os.path.join(folder, path))
    if "\\" in path and not os.path.exists(resolved):  # written on Windows
        resolved = os.path.normpath(os.path.join(folder, path.replace("\\", "/")))
    return resolved
