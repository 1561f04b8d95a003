"""Files of features, written row by row: NumPy, HDF5, Parquet. Each is complete or absent."""

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
from alexnet.io.output_paths import checked_target
from alexnet.spec.layers import Shape
from alexnet.text import how_to_install, printable

FORMATS = ("npy", "h5", "parquet")

_GROUP_BYTES = 32 << 20
"""About so much is a row group of a Parquet file, which readers take at a time."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows to be added."""

    paths: Sequence[str]
    labels: Sequence[str]
    """Empty where it is not known."""
    values: NDArray[np.float32]


class FeatureFile(Protocol):
    """A file that is being written."""

    def add(self, rows: Rows) -> None: ...

    def close(self) -> None:
        """Make what is under the partial names whole."""
        ...


@contextmanager
def opened_file(
    target: Path, most_rows: int, shape: Shape, *, force: bool = False
) -> Iterator[tuple[FeatureFile, tuple[Path, ...]]]:
    """A file to add rows to, and what will lie there when all went well; else nothing will.

    Args:
        target: its ending, one of `FORMATS`, says what it is.
        most_rows: there will not be more.
        shape: of the features of one image.

    Raises:
        UserError: the format's library is not installed, or a file is there that `force` does
            not say to replace.
        RunError: it cannot be written.
    """
    kind = target.suffix[1:].lower()
    names = (target, target.with_suffix(".csv")) if kind == "npy" else (target,)
    for path in names[1:]:
        ending = path.suffix[1:]
        checked_target(path, (ending,), "table of file names", force=force, in_run=True)
    partial = [path.with_name(f".{path.name}.{os.getpid()}.partial") for path in names]
    with ExitStack() as cleaning:
        for path in partial:
            cleaning.callback(_remove, path)
        try:
            target.parent.mkdir(exist_ok=True)
            file = _file(kind, partial, most_rows, shape)
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


def _file(kind: str, partial: Sequence[Path], most_rows: int, shape: Shape) -> FeatureFile:
    if kind == "npy":
        return _Npy(partial, most_rows, shape)
    return _Hdf5(partial[0], most_rows, shape) if kind == "h5" else _Parquet(partial[0], shape)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


class _Npy:
    """An array (N, *shape) as numpy.load takes it, and a CSV file with a line for each row."""

    def __init__(self, partial: Sequence[Path], most_rows: int, shape: Shape) -> None:
        self._shape, self._count = shape, 0
        self._array, self._table = (path.open("wb") for path in partial)
        self._array.write(self._header(most_rows))
        self._table.write(b"path,label\n")

    def add(self, rows: Rows) -> None:
        self._array.write(np.ascontiguousarray(rows.values, "<f4").tobytes())
        self._count += len(rows.values)
        for path, label in zip(rows.paths, rows.labels, strict=True):
            self._table.write(_csv_line(path, label))

    def close(self) -> None:
        # How many rows there are is only known now. NumPy leaves room for any number of digits.
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
    # The module leaves a lone carriage return unquoted, and then cannot read it back.
    if any("\r" in cell for cell in cells):
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


class _Hdf5:
    """The data sets `features` (N, *shape), `paths` and `labels`, texts in UTF-8."""

    def __init__(self, partial: Path, most_rows: int, shape: Shape) -> None:
        import h5py

        self._file = h5py.File(partial, "w")
        rows = max(1, min(most_rows, (1 << 20) // (4 * math.prod(shape))))
        self._features = self._file.create_dataset(
            "features", (0, *shape), "<f4", maxshape=(None, *shape), chunks=(rows, *shape)
        )
        text = h5py.string_dtype("utf-8")
        self._texts = [
            self._file.create_dataset(name, (0,), text, maxshape=(None,), chunks=(1024,))
            for name in ("paths", "labels")
        ]

    def add(self, rows: Rows) -> None:
        start, end = len(self._features), len(self._features) + len(rows.values)
        texts = (rows.paths, rows.labels)
        for data, values in ((self._features, rows.values), *zip(self._texts, texts, strict=True)):
            data.resize(end, axis=0)
            # Bytes of names that are no UTF-8 stay as they are.
            data[start:] = values if data is self._features else [os.fsencode(v) for v in values]

    def close(self) -> None:
        self._file.close()


class _Parquet:
    """The columns `path`, `label` (null where it is not known) and `feature`, a list of floats."""

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
        self._waiting: list[Rows] = []

    def add(self, rows: Rows) -> None:
        self._waiting.append(rows)
        if sum(one.values.nbytes for one in self._waiting) >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        values = np.concatenate([one.values.reshape(-1) for one in waiting])
        text = self._arrow.string()
        columns: list[Any] = [
            self._arrow.array([_utf8(path) for one in waiting for path in one.paths], text),
            self._arrow.array([label or None for one in waiting for label in one.labels], text),
            self._arrow.FixedSizeListArray.from_arrays(self._arrow.array(values), self._size),
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _utf8(path: str) -> str:
    """A name as a column of texts can hold it; bytes that are no UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _arrow() -> tuple[Any, Any]:
    from importlib import import_module

    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise UserError(
            f"a .parquet file needs pyarrow; end the name in .npy or .h5, or install it, "
            f"{how_to_install('parquet')}"
        ) from None
