"""The metrics and times of each epoch, and their tables in a run's folder."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from alexnet.errors import UserError
from alexnet.io.atomic import write_bytes
from alexnet.run import METRICS, TIMES


@dataclass(frozen=True)
class Epoch:
    """One row of metrics.csv: accuracies from 0 to 1, losses as means in nats.

    Training metrics are running means over augmented images, with dropout, before each update;
    validation metrics are computed at the end of the epoch on center crops. No loss has
    label smoothing in it.
    """

    epoch: int
    lr: float
    """Learning rate of the last step of the epoch."""
    train_loss: float
    train_top1: float
    val_loss: float
    val_top1: float
    val_top5: float


@dataclass(frozen=True)
class Times:
    """One row of times.csv, apart from the metrics, which a resumed run repeats exactly."""

    epoch: int
    train_seconds: float
    val_seconds: float
    images_per_second: float


def write_tables(folder: Path, epochs: Sequence[Epoch], times: Sequence[Times]) -> None:
    """Write metrics.csv and times.csv, complete or not at all."""
    for name, cls, rows in ((METRICS, Epoch, epochs), (TIMES, Times, times)):
        text = io.StringIO()
        writer = csv.DictWriter(text, [f.name for f in fields(cls)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
        write_bytes(folder / name, text.getvalue().encode())


def read_epochs(folder: Path) -> list[Epoch]:
    """Read a run's metrics.csv.

    Raises:
        UserError: no epoch has ended yet, or the table is damaged.
    """
    path = folder / METRICS
    try:
        with path.open(newline="") as file:
            epochs = epochs_of(list(csv.DictReader(file)))
    except FileNotFoundError:
        epochs = []
    except (OSError, UserError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if not epochs:
        raise UserError(f"{folder} has no {METRICS} with an epoch in it: none has ended yet")
    return epochs


def epochs_of(rows: Sequence[Epoch | Mapping[str, Any]]) -> list[Epoch]:
    """Convert rows with the columns of metrics.csv, numbers or strings.

    Raises:
        UserError: a column is missing, or a value is no number.
    """
    try:
        return [
            row
            if isinstance(row, Epoch)
            else Epoch(int(row["epoch"]), *(float(row[f.name]) for f in fields(Epoch)[1:]))
            for row in rows
        ]
    except KeyError as error:
        raise UserError(f"a row of metrics has no {error}") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"a row of metrics cannot be used: {error}") from error


def best(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation top-1, the lowest loss among equals."""
    return max(epochs, key=lambda epoch: (epoch.val_top1, -epoch.val_loss))


def rows(epochs: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Return the rows as dictionaries, for plots."""
    return [asdict(epoch) for epoch in epochs]
