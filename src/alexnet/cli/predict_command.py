"""alexnet predict: classify images with a run."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alexnet.cli.options import CropsOption, RunArgument, completion, with_compute

if TYPE_CHECKING:
    from alexnet.backends import Compute
    from alexnet.prediction import Prediction

FORMATS = ("table", "jsonl", "csv")

_USUAL_NAME = 24
_SPARE = 6
"""Spare columns for later paths longer than those of the first rows."""


@with_compute("backend", "device", "workers", "batch_size")
def predict(
    run: RunArgument,
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Images, folders, patterns such as '*.jpg', or - for a list on standard input, "
            "one path per line.",
            metavar="PATH...",
        ),
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help="table; or jsonl or csv, a row per image, for programs.",
            autocompletion=completion(FORMATS),
        ),
    ] = "table",
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Classes per image.")] = 5,
    crops: CropsOption = 1,
    *,
    compute: "Compute",
) -> None:
    """Classify images, with probabilities.

    Unreadable images are listed on standard error and in their rows, and the exit status is 1.
    """
    from alexnet.cli.output import forgiving_streams, until_pipe_closes
    from alexnet.prediction import predict as predictions
    from alexnet.run import Run
    from alexnet.settings import check_names
    from alexnet.text import printable

    check_names([format_], FORMATS, "format")
    opened = Run.open(run)
    rows = predictions(
        opened,
        paths,
        top=top,
        crops=crops,
        compute=compute,
    )
    forgiving_streams()
    any_failed = False
    shown = {
        "table": lambda: _table(rows, opened.classes, compute.batch_size),
        "jsonl": lambda: _jsonl(rows),
        "csv": lambda: _csv(rows, min(top, len(opened.classes))),
    }[format_]()
    with until_pipe_closes():
        for prediction, text in shown:
            typer.echo(text, nl=False)
            if prediction is not None and prediction.error is not None:
                any_failed = True
                typer.echo(f"error: {printable(prediction.path)}: {prediction.error}", err=True)
    if any_failed:
        raise typer.Exit(1)


Shown = Iterator[tuple["Prediction | None", "str | bytes"]]
"""Each prediction with its output; None with a header."""


def _jsonl(rows: Iterator["Prediction"]) -> Shown:
    from alexnet.cli.output import json_bytes

    for row in rows:
        value: dict[str, Any] = {
            "path": row.path,
            "class": row.classes[0] if row.classes else None,
            "probability": _rounded(row.probabilities[0]) if row.classes else None,
            "top": [
                {"class": name, "probability": _rounded(probability)}
                for name, probability in zip(row.classes, row.probabilities, strict=True)
            ],
            "error": row.error,
        }
        yield row, json_bytes(value)


def _csv(rows: Iterator["Prediction"], places: int) -> Shown:
    """The columns path, class, probability, class_2, probability_2, …, error."""
    from alexnet.io.atomic import csv_bytes

    header = ["path", "class", "probability"]
    header += [f"{what}_{i + 1}" for i in range(1, places) for what in ("class", "probability")]
    yield None, csv_bytes([[*header, "error"]])
    for row in rows:
        pairs = zip(row.classes, row.probabilities, strict=True)
        cells = [text for name, p in pairs for text in (name, f"{_rounded(p):.7g}")]
        cells += [""] * (2 * places - len(cells))
        yield row, csv_bytes([[row.path, *cells, row.error or ""]])


def _table(rows: Iterator["Prediction"], classes: Sequence[str], batch_size: int) -> Shown:
    """Columns as wide as the first rows need, so that rows can be streamed."""
    from rich.cells import cell_len

    from alexnet.text import format_percent, printable

    first = list(islice(rows, batch_size))  # these are there at the same time
    paths = [printable(row.path) for row in first]
    names = [printable(row.classes[0]) for row in first if row.classes]
    # Later rows may have other classes; most names are short.
    names += [name for name in map(printable, classes) if cell_len(name) <= _USUAL_NAME]
    widths = [max(map(cell_len, cells)) for cells in ([*paths, "image"], [*names, "class"])]
    widths[0] += _SPARE if len(first) == batch_size else 0
    has_more = any(len(row.classes) != 1 for row in first)
    yield None, _line(widths, "image", "class", "probability", "then" if has_more else "")
    for row in chain(first, rows):
        path = printable(row.path)
        if row.error is not None:
            yield row, _line(widths, path, "-", "", f"unreadable: {printable(row.error)}")
            continue
        ratios = [format_percent(probability) for probability in row.probabilities]
        others = zip(row.classes[1:], ratios[1:], strict=True)
        then = ", ".join(f"{printable(name)} {ratio}" for name, ratio in others)
        yield row, _line(widths, path, printable(row.classes[0]), ratios[0], then)


def _line(widths: Sequence[int], path: str, name: str, ratio: str, then: str) -> str:
    """Format a row in columns; a cell that is too long pushes the rest to the next line."""
    from rich.cells import cell_len

    text, start = "", 0
    for cell, width in zip((path, name), widths, strict=True):
        start += width + 2
        text += cell
        is_too_long = cell_len(cell) > width
        text += "\n" + " " * start if is_too_long else " " * (width - cell_len(cell) + 2)
    return f"{text}{ratio:>11}  {then}".rstrip() + "\n"


def _rounded(probability: float) -> float:
    return float(f"{probability:.6g}")
