"""What a training leaves for its diagnosis beside the curves: figures that the curves lack."""

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

_SAMPLE = 512
"""ImageSource; the 95% interval of a share is then at most 4.3 points to each side."""
_SEEN = 256
"""ImageSource that a unit may wake up at."""
_BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of the end of a training. Shares are of 1; losses are means in nats.

    The training figures of the curves are of augmented images, with dropout, before each update.
    The sample is of training images as validation sees images, so the two can be compared.
    """

    train_counts: tuple[int, ...]
    """Training images of each class."""
    val_counts: tuple[int, ...]
    sample_count: int = 0
    sample_loss: float | None = None
    sample_top1: float | None = None
    silent: Mapping[str, float] = field(default_factory=dict)
    """For each ReLU layer the share of channels or units that are 0 for every image."""
    diverged: str = ""
    """When and how the loss stopped being a number, in words."""

    @property
    def train(self) -> int:
        """Training images."""
        return sum(self.train_counts)

    @property
    def val(self) -> int:
        """Validation images."""
        return sum(self.val_counts)


def counted(
    images: ImageSource,
    train_rows: NDArray[np.int64],
    val_rows: NDArray[np.int64],
    classes: int,
) -> Measured:
    """What is known before the first step."""
    labels = images.labels
    train, val = (
        tuple(np.bincount(labels[rows], minlength=classes).tolist())
        for rows in (train_rows, val_rows)
    )
    return Measured(train_counts=train, val_counts=val)


def measured(
    model: InferenceModel,
    images: ImageSource,
    train_rows: NDArray[np.int64],
    val_rows: NDArray[np.int64],
    *,
    seed: int,
    classes: int,
    activation: str,
) -> Measured:
    """The figures, with the weights as they are now; it costs as much as 768 validation images.

    Args:
        activation: of the architecture; only a ReLU can be silent.
    """
    order = permutation(seed, 0, len(train_rows))
    rows = np.sort(train_rows[order[:_SAMPLE]])
    loss, top1, _ = validate(model, images, rows)
    return replace(
        counted(images, train_rows, val_rows, classes),
        sample_count=len(rows),
        sample_loss=loss,
        sample_top1=top1,
        silent=_silent(model, images, val_rows) if activation == "relu" else {},
    )


def _silent(model: InferenceModel, images: ImageSource, rows: np.ndarray) -> dict[str, float]:
    # Validation images may lie class by class; so they are taken from all over.
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(_SEEN, len(rows))).astype(int))]
    highest: dict[str, np.ndarray] = {}
    for start in range(0, len(chosen), _BATCH):
        squares = images.read(chosen[start : start + _BATCH])
        peaks = model.peaks(squares, view_plan(model.preprocessing, len(squares)))
        for name, values in peaks.items():
            highest[name] = np.maximum(highest.get(name, values), values)
    return {name: float((values <= 0).mean()) for name, values in highest.items()}


def read_measured(folder: Path) -> Measured | None:
    """The figures in a run's folder; None where there are none, as of a run that was stopped.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / DIAGNOSIS
    try:
        values = json.loads(path.read_text("utf-8"))["measured"]
        return None if values is None else from_dict(values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}; delete it") from error


def from_dict(values: Mapping[str, Any]) -> Measured:
    """Back from what `to_dict` gave."""
    known = {key: values[key] for key in (f.name for f in fields(Measured)) if key in values}
    counts = {key: tuple(map(int, known[key])) for key in ("train_counts", "val_counts")}
    return Measured(**{**known, **counts})


def to_dict(measured: Measured) -> dict[str, Any]:
    """Plain values that JSON can hold."""
    return asdict(measured)
