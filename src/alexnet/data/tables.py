"""Images listed in a table: a CSV file with the columns path, label and optionally split."""

# ruff: noqa: PTH100, PTH110, PTH113, PTH118
# Paths are texts here: a million of them take a fifth of the memory of Path objects.

import csv
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from alexnet.data.folders import SPLIT_NAMES, in_order, is_image_name, with_notices
from alexnet.data.samples import Dataset, Sample, missing_in_val, natural_key
from alexnet.errors import UserError
from alexnet.text import counted, printable, some

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
    "image",
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


def find_in_table(table: Path, source: str) -> Dataset:
    """The images that a CSV file lists; paths are relative to its folder.

    Columns are separated by commas, semicolons or tabs. A header is known by its names; without
    one the columns are path, label and optionally split.

    Raises:
        UserError: a table that cannot be read, with the number of the line; or none of the
            listed files exists.
    """
    folder = os.path.abspath(table.parent)
    rows = _rows(_text(table, source), source)
    first = next(rows, None)
    if first is None:
        raise UserError(f"{printable(source)}: the table is empty; {_EXPECTED}")
    columns = _columns(first[1], folder, source)
    found: dict[tuple[str, str, str], None] = {}
    listed = 0
    for line, row in rows if columns.in_header else _chained(first, rows):
        found[_cells(line, row, columns, folder, source)] = None
        listed += 1
    if not found:
        raise UserError(f"{printable(source)}: the table lists no images")
    if not any(os.path.exists(path) for path, _, _ in found):
        raise UserError(
            f"{printable(source)}: none of the listed images exists, for example "
            f"{some([next(iter(found))[0]])}; paths are relative to the folder of the table"
        )
    return _dataset(folder, source, list(found), listed)


def _dataset(folder: str, source: str, found: list[tuple[str, str, str]], listed: int) -> Dataset:
    classes = tuple(sorted({label for _, label, _ in found}, key=natural_key))
    labels = {name: i for i, name in enumerate(classes)}
    by_column = [split for _, _, split in found if split]
    if by_column and len(by_column) < len(found):
        path = next(path for path, _, split in found if not split)
        raise UserError(
            f"{printable(source)}: no split for {printable(path)}; "
            "give one in every line or in none"
        )
    samples = [Sample(path, labels[label], split or "all") for path, label, split in found]
    notices: tuple[str, ...] = ()
    if listed > len(found):
        notices = (f"{counted(listed - len(found), 'repeated line')} left out of the table",)
    split_by = "column" if by_column else "none"
    dataset = Dataset(
        source, Path(folder), classes, in_order(samples), split_by, notices, by_table=True
    )
    return with_notices(dataset, missing_in_val(dataset))


def _text(table: Path, source: str) -> str:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise UserError(f"{printable(source)}: cannot be read: {error.strerror}") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    # Bytes that are no UTF-8 stay what they are, as they do in the names of files.
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape")


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not empty."""
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


def _chained(
    first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest


def _columns(first: list[str], folder: str, source: str) -> _Columns:
    names = [cell.casefold().replace(" ", "_") for cell in first]

    def place(known: list[str]) -> int | None:
        # The order of the known names decides when several are there.
        return next((names.index(name) for name in known if name in names), None)

    path, label = place(_PATH_NAMES), place(_LABEL_NAMES)
    if path is not None and label is not None:
        return _Columns(path, label, place(_SPLIT_NAMES), in_header=True)
    is_row = is_image_name(first[0]) or os.path.isfile(_located(first[0], folder))
    if not is_row:
        raise UserError(
            f"{printable(source)}: the header {some([','.join(first)])} does not name a path and a "
            f"label; {_EXPECTED}"
        )
    if len(first) < 2:
        raise UserError(f"{printable(source)}: only one column; {_EXPECTED}")
    return _Columns(0, 1, 2 if len(first) > 2 else None, in_header=False)


def _cells(
    line: int, row: list[str], columns: _Columns, folder: str, source: str
) -> tuple[str, str, str]:
    """Path, label and split ("" when the cell is empty) of one row."""

    def fail(what: str) -> NoReturn:
        raise UserError(f"{printable(source)}, line {line}: {what}; {_EXPECTED}")

    def cell(place: int | None) -> str:
        return row[place] if place is not None and place < len(row) else ""

    path, label, split = cell(columns.path), cell(columns.label), cell(columns.split)
    if not path:
        fail("no path")
    if not label:
        fail("no label")
    if split and split.casefold() not in SPLIT_NAMES:
        fail(f"the split {printable(split)!r} is none of train, val, test")
    label = unicodedata.normalize("NFC", label)
    return _located(path, folder), label, SPLIT_NAMES.get(split.casefold(), "")


def _located(path: str, folder: str) -> str:
    located = os.path.normpath(os.path.join(folder, path))
    if "\\" in path and not os.path.exists(located):  # written on Windows
        located = os.path.normpath(os.path.join(folder, path.replace("\\", "/")))
    return located
