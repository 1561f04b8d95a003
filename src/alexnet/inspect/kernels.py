"""The kernels of conv1 as images (the paper's figure 3)."""

import math
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.inspect.opened_run import as_run
from alexnet.run import Run

_GAP = 1
"""Pixels of kernels between two kernels."""
_WIDE = 2.5
"""A grid is about so many times as wide as high: figure 3 has 16 across and 6 down."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Kernels as images."""

    run: Run
    kernels: NDArray[np.uint8]
    """(K, height, width, 3), RGB from 0 to 255; each kernel scaled to its own range."""
    columns: int
    """Columns of the net that they are divided among, in equal parts; 1 for a net of one."""
    note: str = ""
    """What a person has to know to read them; empty as a rule."""


def filters(run: Run | str | os.PathLike[str]) -> Filters:
    """The kernels of a run's conv1 as images.

    Colors are those in which the network is shown images: BGR is turned, gray stays gray. Where
    conv1 or conv2 has groups, the kernels are those of as many columns.

    Raises:
        UserError: not a run, or one that has no weights yet.

    Example:
        `filters("runs/flowers").kernels.shape`
    """
    run = as_run(run)
    return filters_of(run, run.weights()["conv1.weight"])


def filters_of(run: Run, weights: NDArray[np.float32]) -> Filters:
    """The same of weights that are there already, (K, C, height, width)."""
    groups = run.architecture.groups
    channels = weights.shape[1]
    note = ""
    if channels not in (1, 3):
        note = f"each pixel is the mean of the {channels} channels that a kernel sees"
        weights = weights.mean(axis=1, keepdims=True)
    return Filters(
        run=run,
        kernels=as_images(weights, bgr=run.preprocessing.channels == "bgr"),
        columns=groups[0] if groups[0] > 1 else groups[1],
        note=note,
    )


def as_images(weights: NDArray[np.float32], *, bgr: bool = False) -> NDArray[np.uint8]:
    """Kernels (K, C, height, width), C being 1 or 3, as (K, height, width, 3).

    The least value of a kernel becomes 0 and its greatest 255; one that is flat is gray.

    >>> as_images(np.array([[[[-2.0, 0.0, 2.0]]]], np.float32))[0, 0, :, 0].tolist()
    [0, 128, 255]
    """
    # --8<-- [start:paper-figure-3]
    low = weights.min(axis=(1, 2, 3), keepdims=True)
    spread = weights.max(axis=(1, 2, 3), keepdims=True) - low
    shares = np.where(spread > 0, (weights - low) / np.where(spread > 0, spread, 1), 0.5)
    images: NDArray[np.uint8] = np.rint(shares * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    # --8<-- [end:paper-figure-3]
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    return images[..., ::-1] if bgr else images


def filter_grids(found: Filters) -> list[NDArray[np.uint8]]:
    """A grid for each column of the net, (H, W, 3): kernels row by row with white lines between.

    Kernel i of a grid begins at pixel (i // across) * (height + 1), (i % across) * (width + 1).
    """
    grids = np.split(found.kernels, found.columns)
    return [_grid(kernels, across_of(len(kernels))) for kernels in grids]


def across_of(count: int) -> int:
    """Kernels in a row, so that rows are full and the grid is a good shape.

    >>> across_of(48), across_of(64), across_of(96), across_of(37)
    (12, 16, 16, 10)
    """
    wanted = (_WIDE * count) ** 0.5
    fitting = [n for n in range(1, count + 1) if count % n == 0 and wanted / 1.6 < n < wanted * 1.6]
    return min(fitting, key=lambda n: abs(n - wanted), default=math.ceil(wanted))


def _grid(kernels: NDArray[np.uint8], across: int) -> NDArray[np.uint8]:
    count, height, width, _ = kernels.shape
    down = -(-count // across)
    step_y, step_x = height + _GAP, width + _GAP
    grid = np.full((down * step_y - _GAP, across * step_x - _GAP, 3), 255, np.uint8)
    for i, kernel in enumerate(kernels):
        top, left = i // across * step_y, i % across * step_x
        grid[top : top + height, left : left + width] = kernel
    return grid
