"""Channel statistics, principal colors and the mean image of the training set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import ColorStatistics
from alexnet.data import Store
from alexnet.progress import Progress, no_progress

_MAX_SAMPLED = 20_000
"""Upper limit of sampled images, evenly spaced; more would not change the statistics visibly."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Statistics of the training images for augmentation and preprocessing."""

    colors: ColorStatistics
    mean_image: NDArray[np.float32]
    """(H, W, 3), 0 to 255."""


def measure(
    store: Store,
    rows: NDArray[np.int64],
    progress: Progress = no_progress,
) -> Statistics:
    """Measure the cached images of these rows.

    The principal colors are those of the 3x3 covariance of red, green and blue over all pixels
    (paper, section 4.1).
    """
    chosen = rows[:: max(1, -(-len(rows) // _MAX_SAMPLED))]
    first = store[int(chosen[0])]
    total = np.zeros(first.shape, np.float64)
    products = np.zeros((3, 3))
    with progress("measuring color statistics", len(chosen)) as bar:
        for row in chosen:
            image = store[int(row)].astype(np.float32)
            total += image
            flat = image.reshape(-1, 3)
            products += flat.T @ flat
            bar.advance()
    pixels = len(chosen) * first.shape[0] * first.shape[1]
    mean = total.mean((0, 1)) / len(chosen)
    # --8<-- [start:paper-4-1-axes]
    covariance = products / pixels - np.outer(mean, mean)
    values, vectors = np.linalg.eigh(covariance)
    axes = (vectors * np.sqrt(np.maximum(values, 0))).T
    # --8<-- [end:paper-4-1-axes]
    return Statistics(
        colors=ColorStatistics(
            mean=tuple(mean.tolist()),
            std=tuple(np.sqrt(np.maximum(np.diag(covariance), 1.0)).tolist()),
            axes=tuple(tuple(axis) for axis in axes.tolist()),
        ),
        mean_image=(total / len(chosen)).astype(np.float32),
    )
