"""Class probabilities from the center crop or the paper's ten crops."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from alexnet.backends import InferenceModel
from alexnet.backends.compute import BATCH_SIZE
from alexnet.data.augmentation import view_plan
from alexnet.errors import RunError, UserError
from alexnet.progress import Advance

CROPS = (1, 10)
"""The center crop; center and corners with their mirror images (paper, section 4.1)."""

Item = TypeVar("Item")


def probabilities(
    model: InferenceModel,
    images: Iterable[NDArray[np.uint8]],
    crops: int = 1,
    *,
    batch_size: int = BATCH_SIZE,
    steps: Advance | None = None,
) -> NDArray[np.float64]:
    """Compute class probabilities (N, C) of cached images (resize_px, resize_px, 3), RGB.

    Args:
        images: any number of them; one batch is in memory at a time.
        crops: 1 for the center crop; 10 for the paper's ten crops, whose probabilities are
            averaged.
        steps: advanced by the images of each batch.

    Raises:
        UserError: neither 1 nor 10 crops, or a batch of no images.
        RunError: the network computes values that are not finite.
    """
    check_crops(crops)
    rows = []
    for batch in batches(images, batch_size):
        rows.append(batch_probabilities(model, batch, crops))
        if steps is not None:
            steps.advance(len(batch))
    return np.concatenate(rows) if rows else np.zeros((0, 0))


def batch_probabilities(
    model: InferenceModel, images: Sequence[NDArray[np.uint8]], crops: int = 1
) -> NDArray[np.float64]:
    """Compute class probabilities of one batch, as `probabilities` does."""
    # --8<-- [start:paper-4-1-mean]
    total = np.zeros(())
    for view in range(crops):
        logits = model.logits(images, view_plan(model.preprocessing, len(images), view))
        if not np.isfinite(logits).all():
            raise RunError(
                "the network computes non-finite values: its weights are damaged or its precision "
                "is too low; train again with a lower --lr or --precision fp32"
            )
        total = total + softmax(logits.astype(np.float64), axis=1)
    return total / crops
    # --8<-- [end:paper-4-1-mean]


def check_crops(crops: int) -> None:
    """Raise UserError unless crops is 1 or 10."""
    if crops not in CROPS:
        raise UserError(
            f"invalid value for crops: expected 1 (center) or 10 (the paper's), got {crops}"
        )


def batches(items: Iterable[Item], batch_size: int) -> Iterator[list[Item]]:
    """Yield lists of `batch_size` items; the last one may be shorter.

    >>> list(batches("abc", 2))
    [['a', 'b'], ['c']]
    """
    if batch_size < 1:
        raise UserError(f"invalid value for batch_size: expected at least 1, got {batch_size}")
    remaining = iter(items)
    while batch := list(islice(remaining, batch_size)):
        yield batch
