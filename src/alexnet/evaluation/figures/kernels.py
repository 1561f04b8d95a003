"""The kernels of the first convolution as pictures, as in figure 3 of the paper."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.evaluation.figures.canvas import figure

_SHOWN = 96
_TILE_INCHES = 0.48


def kernel_grid(weights: NDArray[np.float32], across: int = 12) -> Figure:
    """The first 96 kernels, each scaled by itself so that its least value is black.

    Args:
        weights: (channels, 1 or 3, height, width) of conv1, channels in the order RGB.
    """
    shown = np.asarray(weights[:_SHOWN], np.float64).transpose(0, 2, 3, 1)
    low, high = (f(axis=(1, 2, 3), keepdims=True) for f in (shown.min, shown.max))
    shown = (shown - low) / np.maximum(high - low, 1e-12)
    if shown.shape[-1] == 1:
        shown = np.repeat(shown, 3, axis=-1)
    count, height, width = shown.shape[:3]
    across = min(across, count)
    down = -(-count // across)
    sheet = np.ones((down * (height + 1) - 1, across * (width + 1) - 1, 3))
    for i, kernel in enumerate(shown):
        y, x = i // across * (height + 1), i % across * (width + 1)
        sheet[y : y + height, x : x + width] = kernel
    drawn = figure(across * _TILE_INCHES, max(down, 1) * _TILE_INCHES)
    drawn.set_layout_engine("none")
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_axis_off()
    return drawn
