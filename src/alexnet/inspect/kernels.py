"""The kernels of conv1 as images (the paper's figure 3)."""

import math
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.inspect.opened_run import as_run
from alexnet.run import Run

_GAP_PX = 1
"""Width of the line between two kernels, in pixels of the kernels."""
_ASPECT_RATIO = 2.5
"""Approximate width-to-height ratio of a grid: figure 3 has 16 columns and 6 rows."""


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """Convolution kernels as images."""

    run: Run
    images: NDArray[np.uint8]
    """(K, height, width, 3), RGB from 0 to 255; each kernel is scaled to its own range."""
    columns: int
    """Columns of the network (one per GPU in the paper) that share the kernels equally."""
    note: str = ""
    """A remark on how the kernels were converted to RGB; usually empty."""


def first_layer_kernels(run: Run | str | os.PathLike[str]) -> Kernels:
    """Return the kernels of a run's conv1 as images.

    Channels are converted from the network's order to RGB; grayscale kernels stay gray. If conv1
    or conv2 has groups, the kernels belong to as many columns.

    Raises:
        UserError: not a run, or a run without weights.

    Example:
        `first_layer_kernels("runs/flowers").images.shape`
    """
    run = as_run(run)
    return kernels_from_weights(run, run.weights()["conv1.weight"])


def kernels_from_weights(run: Run, weights: NDArray[np.float32]) -> Kernels:
    """Return the kernels of conv1 for loaded weights, (K, C, height, width)."""
    groups = run.architecture.groups
    channels = weights.shape[1]
    note = ""
    if channels not in (1, 3):
        note = f"each pixel is the mean over the kernel's {channels} input channels"
        weights = weights.mean(axis=1, keepdims=True)
    return Kernels(
        run=run,
        images=kernels_to_images(weights, bgr=run.preprocessing.channels == "bgr"),
        columns=groups[0] if groups[0] > 1 else groups[1],
        note=note,
    )


def kernels_to_images(weights: NDArray[np.float32], *, bgr: bool = False) -> NDArray[np.uint8]:
    """Convert kernels (K, C, height, width), C being 1 or 3, to images (K, height, width, 3).

    The minimum of each kernel becomes 0 and its maximum 255; a constant kernel becomes gray.

    >>> kernels_to_images(np.array([[[[-2.0, 0.0, 2.0]]]], np.float32))[0, 0, :, 0].tolist()
    [0, 128, 255]
    """
    # --8<-- [start:paper-figure-3]
    minimum = weights.min(axis=(1, 2, 3), keepdims=True)
    value_range = weights.max(axis=(1, 2, 3), keepdims=True) - minimum
    divisor = np.where(value_range > 0, value_range, 1)
    scaled = np.where(value_range > 0, (weights - minimum) / divisor, 0.5)
    images: NDArray[np.uint8] = np.rint(scaled * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    # --8<-- [end:paper-figure-3]
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    return images[..., ::-1] if bgr else images


def kernel_grids(kernels: Kernels) -> list[NDArray[np.uint8]]:
    """Return one grid (H, W, 3) per column of the network, in row-major order with white lines.

    Kernel i of a grid starts at pixel (i // n) * (height + 1), (i % n) * (width + 1), with n the
    number of kernels in a row.
    """
    grids = np.split(kernels.images, kernels.columns)
    return [_grid(images, kernels_per_row(len(images))) for images in grids]


def kernels_per_row(count: int) -> int:
    """Return the number of kernels in a row, preferring full rows.

    >>> kernels_per_row(48), kernels_per_row(64), kernels_per_row(96), kernels_per_row(37)
    (12, 16, 16, 10)
    """
    ideal = (_ASPECT_RATIO * count) ** 0.5
    divisors = [n for n in range(1, count + 1) if count % n == 0 and ideal / 1.6 < n < ideal * 1.6]
    return min(divisors, key=lambda n: abs(n - ideal), default=math.ceil(ideal))


def _grid(images: NDArray[np.uint8], per_row: int) -> NDArray[np.uint8]:
    count, height, width, _ = images.shape
    num_rows = -(-count // per_row)
    step_y, step_x = height + _GAP_PX, width + _GAP_PX
    grid = np.full((num_rows * step_y - _GAP_PX, per_row * step_x - _GAP_PX, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // per_row * step_y, i % per_row * step_x
        grid[top : top + height, left : left + width] = image
    return grid
