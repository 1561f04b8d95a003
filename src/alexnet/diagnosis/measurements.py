"""Measurements at the end of a training that the learning curves lack."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import InferenceModel
from alexnet.data.augmentation import view_plan
from alexnet.data.rng import permutation
from alexnet.errors import UserError
from alexnet.evaluation.validation import ImageSource, validate

DIAGNOSIS = "diagnosis.json"

_SAMPLE_SIZE = 512
"""Training images; a 95% confidence interval is then at most 4.3 points to each side."""
_DEAD_UNIT_IMAGES = 256
"""Validation images; a unit is dead if it is 0 for all of them."""
_BATCH_SIZE = 32


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Measurements at the end of a training; accuracies from 0 to 1, losses as means in nats.

    The training metrics of the curves are taken on augmented images, with dropout, before each
    update. The sample is of training images preprocessed as for validation, so that training and
    validation can be compared.
    """

    train_counts: tuple[int, ...]
    """Training images of each class."""
    val_counts: tuple[int, ...]
    """Validation images of each class."""
    sample_count: int = 0
    """Training images in the sample."""
    sample_loss: float | None = None
    sample_top1: float | None = None
    dead_units: Mapping[str, float] = field(default_factory=dict)
    """For each ReLU layer, the fraction of channels or units that are 0 for every image."""
    diverged: str = ""
    """Where and how the training diverged, such as "in epoch 1: the loss is nan"; else empty."""

    @property
    def train(self) -> int:
        """The number of training images."""
        return sum(self.train_counts)

    @property
    def val(self) -> int:
        """The number of validation images."""
        return sum(self.val_counts)


def count_samples(
    images: ImageSource,
    train_rows: NDArray[np.int64],
    val_rows: NDArray[np.int64],
    num_classes: int,
) -> Measurements:
    """Count the samples of each class, which is possible before the first step."""
    labels = images.labels
    train, val = (
        tuple(np.bincount(labels[rows], minlength=num_classes).tolist())
        for rows in (train_rows, val_rows)
    )
    return Measurements(train_counts=train, val_counts=val)


def measure_network(
    model: InferenceModel,
    images: ImageSource,
    train_rows: NDArray[np.int64],
    val_rows: NDArray[np.int64],
    *,
    seed: int,
    num_classes: int,
    activation: str,
) -> Measurements:
    """Measure the network with its current weights; costs as much as validating 768 images.

    Args:
        activation: that of the architecture; only ReLU units can be dead.
    """
    order = permutation(seed, 0, len(train_rows))
    rows = np.sort(train_rows[order[:_SAMPLE_SIZE]])
    loss, top1, _ = validate(model, images, rows)
    return replace(
        count_samples(images, train_rows, val_rows, num_classes),
        sample_count=len(rows),
        sample_loss=loss,
        sample_top1=top1,
        dead_units=_dead_units(model, images, val_rows) if activation == "relu" else {},
    )


def _dead_units(model: InferenceModel, images: ImageSource, rows: np.ndarray) -> dict[str, float]:
    # Evenly spaced, since validation images may be ordered by class.
    count = min(_DEAD_UNIT_IMAGES, len(rows))
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, count).astype(int))]
    highest: dict[str, np.ndarray] = {}
    for start in range(0, len(chosen), _BATCH_SIZE):
        batch = images.read(chosen[start : start + _BATCH_SIZE])
        peaks = model.peaks(batch, view_plan(model.preprocessing, len(batch)))
        for name, values in peaks.items():
            highest[name] = np.maximum(highest.get(name, values), values)
    return {name: float((values <= 0).mean()) for name, values in highest.items()}


def read_measurements(folder: Path) -> Measurements | None:
    """Read the measurements of a run; None if it has none, such as an interrupted run.

    Raises:
        UserError: the file is corrupt.
    """
    path = folder / DIAGNOSIS
    try:
        values = json.loads(path.read_text("utf-8"))["measurements"]
        return None if values is None else from_dict(values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot read {path}: {error}; delete it") from error


def from_dict(values: Mapping[str, Any]) -> Measurements:
    """Rebuild measurements from `to_dict`."""
    arguments = {f.name: values[f.name] for f in fields(Measurements) if f.name in values}
    counts = {key: tuple(map(int, arguments[key])) for key in ("train_counts", "val_counts")}
    return Measurements(**{**arguments, **counts})


def to_dict(measurements: Measurements) -> dict[str, Any]:
    """Return plain values for JSON."""
    return asdict(measurements)
