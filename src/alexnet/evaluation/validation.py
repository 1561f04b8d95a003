"""Validation on center crops after each epoch of training, without files or plots."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from alexnet.backends import InferenceModel
from alexnet.data.augmentation import view_plan

_VAL_BATCH = 64
_TOP = 5


class ImageSource(Protocol):
    """Cached images by row, with the label of each row."""

    @property
    def labels(self) -> NDArray[np.int64]: ...

    def read(self, rows: NDArray[np.int64]) -> list[NDArray[np.uint8]]: ...


def validate(
    model: InferenceModel, images: ImageSource, rows: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Mean loss, top-1 and top-5 (top-k of all classes where there are fewer) on center crops."""
    loss, hits, top_hits = 0.0, 0, 0
    for start in range(0, len(rows), _VAL_BATCH):
        chosen = rows[start : start + _VAL_BATCH]
        labels = images.labels[chosen]
        plan = view_plan(model.preprocessing, len(chosen))
        logits = model.logits(images.read(chosen), plan).astype(np.float64)
        loss -= float(np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], 1).sum())
        ranked = np.argsort(-logits, axis=1, kind="stable")[:, :_TOP]
        hits += int((ranked[:, 0] == labels).sum())
        top_hits += int((ranked == labels[:, None]).any(axis=1).sum())
    return loss / len(rows), hits / len(rows), top_hits / len(rows)
