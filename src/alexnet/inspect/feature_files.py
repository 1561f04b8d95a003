"""Write features block by block and atomically, as NumPy, HDF5 or Parquet files."""

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alexnet.errors import RunError, UserError
from alexnet.io.output_paths import check_output_file
from alexnet.spec.layers import Shape
from alexnet.text import install_command, printable

FORMATS = ("npy", "h5", "parquet")

_ROW_GROUP_BYTES = 32 << 20
"""Approximate size of a row group of a Parquet file, the unit that readers load."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Consecutive rows of a feature file."""

    paths: Sequence[str]
    labels: Sequence[str]
    """The class of each image; empty if unknown."""
    values: NDArray[np.float32]


class FeatureFile(Protocol):
    """A feature file that is being written."""

    def append(self, rows: Rows) -> None: ...

    def close(self) -> None:
        """Complete the partial files."""
        ...


@contextmanager
def open_feature_file(
    target: Path, max_rows: int, shape: Shape, *, force: bool = False
) -> Iterator[tuple[FeatureFile, tuple[Path, ...]]]:
    """Open a feature file for writing; yield it with the paths that it creates on success.

    On an error no file is created.

    Args:
        target: Its suffix, one of `FORMATS`, selects the format.
        max_rows: An upper bound of the number of rows.
        shape: The shape of the features of one image.

    Raises:
        UserError: the format's library is not installed, or a file exists and `force` is False.
        RunError: a file cannot be written.
    """
    format_ = target.suffix[1:].lower()
    names = (target, target.with_suffix(".csv")) if format_ == "npy" else (target,)
    for path in names[1:]:
        check_output_file(path, label="table of file names", overwrite=force, create_parent=True)
    partial = [path.with_name(f".{path.name}.{os.getpid()}.partial") for path in names]
    with ExitStack() as cleaning:
        for path in partial:
            cleaning.callback(_remove, path)
        try:
            target.parent.mkdir(exist_ok=True)
            file = _create(format_, partial, max_rows, shape)
            try:
                yield file, names
            finally:
                file.close()
            for path, name in zip(partial, names, strict=True):
                _sync(path)
                path.replace(name)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"cannot write {printable(target)}: {reason}") from error


def _create(format_: str, partial: Sequence[Path], max_rows: int, shape: Shape) -> FeatureFile:
    if format_ == "npy":
        return _Npy(partial, max_rows, shape)
    return _Hdf5(partial[0], max_rows, shape) if format_ == "h5" else _Parquet(partial[0], shape)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


class _Npy:
    """An array (N, *shape) for `numpy.load`, and a CSV file with one line per row."""

    def __init__(self, partial: Sequence[Path], max_rows: int, shape: Shape) -> None:
        self._shape, self._count = shape, 0
        self._array, self._table = (path.open("wb") for path in partial)
        self._array.write(self._header(max_rows))
        self._table.write(b"path,label\n")

    def append(self, rows: Rows) -> None:
        self._array.write(np.ascontiguousarray(rows.values, "<f4").tobytes())
        self._count += len(rows.values)
        for path, label in zip(rows.paths, rows.labels, strict=True):
            self._table.write(_csv_line(path, label))

    def close(self) -> None:
        # The number of rows is known only now. NumPy pads the header for any number of digits.
        self._array.seek(0)
        self._array.write(self._header(self._count))
        self._array.close()
        self._table.close()

    def _header(self, count: int) -> bytes:
        file = io.BytesIO()
        header = {"descr": "<f4", "fortran_order": False, "shape": (count, *self._shape)}
        np.lib.format.write_array_header_1_0(file, header)
        return file.getvalue()


def _csv_line(*cells: str) -> bytes:
    text = io.StringIO(newline="")
    # The csv module does not quote a lone carriage return, and then cannot read it back.
    if any("\r" in cell for cell in cells):
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


class _Hdf5:
    """The datasets `features` (N, *shape), `paths` and `labels`, with strings in UTF-8."""

    def __init__(self, partial: Path, max_rows: int, shape: Shape) -> None:
        import h5py

        self._file = h5py.File(partial, "w")
        rows = max(1, min(max_rows, (1 << 20) // (4 * math.prod(shape))))
        self._features = self._file.create_dataset(
            "features", (0, *shape), "<f4", maxshape=(None, *shape), chunks=(rows, *shape)
        )
        text = h5py.string_dtype("utf-8")
        self._texts = [
            self._file.create_dataset(name, (0,), text, maxshape=(None,), chunks=(1024,))
            for name in ("paths", "labels")
        ]

    def append(self, rows: Rows) -> None:
        start, end = len(self._features), len(self._features) + len(rows.values)
        texts = (rows.paths, rows.labels)
        for data, values in ((self._features, rows.values), *zip(self._texts, texts, strict=True)):
            data.resize(end, axis=0)
            # Names that are not valid UTF-8 keep their bytes.
            data[start:] = values if data is self._features else [os.fsencode(v) for v in values]

    def close(self) -> None:
        self._file.close()


class _Parquet:
    """The columns `path`, `label` (null if unknown) and `feature`, a list of floats."""

    def __init__(self, partial: Path, shape: Shape) -> None:
        arrow, parquet = _arrow()
        self._arrow, self._size = arrow, math.prod(shape)
        self._schema = arrow.schema(
            [
                ("path", arrow.string()),
                ("label", arrow.string()),
                ("feature", arrow.list_(arrow.float32(), self._size)),
            ]
        )
        self._writer = parquet.ParquetWriter(partial, self._schema)
        self._buffer: list[Rows] = []

    def append(self, rows: Rows) -> None:
        self._buffer.append(rows)
        if sum(one.values.nbytes for one in self._buffer) >= _ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        buffered, self._buffer = self._buffer, []
        if not buffered:
            return
        values = np.concatenate([one.values.reshape(-1) for one in buffered])
        text = self._arrow.string()
        columns: list[Any] = [
            self._arrow.array([_utf8(path) for one in buffered for path in one.paths], text),
            self._arrow.array([label or None for one in buffered for label in one.labels], text),
            self._arrow.FixedSizeListArray.from_arrays(self._arrow.array(values), self._size),
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _utf8(path: str) -> str:
    """Return the name as valid UTF-8, with other bytes escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _arrow() -> tuple[Any, Any]:
    from importlib import import_module

    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise UserError(
            f"a .parquet file requires pyarrow; use .npy or .h5, or {install_command('parquet')}"
        ) from None
