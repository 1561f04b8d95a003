"""Plot the kernels of conv1 in a grid (figure 3 of the paper)."""

import numpy as np
from matplotlib.figure import Figure

from alexnet.inspect.kernels import Kernels, kernel_grids
from alexnet.plots.canvas import DPI
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

_WIDTH_PX = 900
_MAX_SCALE = 8
_LABEL = 0.22
_BLOCK_GAP = 0.12
_MIN_WIDTH = 5.0


def plot_kernels(kernels: Kernels) -> Figure:
    """Plot all kernels, each scaled to its own range, with a block per column of the network.

    Each value of a kernel covers a whole number of pixels at screen resolution.
    """
    grids = kernel_grids(kernels)
    high, wide, _ = grids[0].shape
    scale = max(1, min(_MAX_SCALE, _WIDTH_PX // wide))
    block_width, block_height = wide * scale / DPI, high * scale / DPI
    label = _LABEL if kernels.columns > 1 else 0.0
    step = block_height + label + _BLOCK_GAP
    width = max(block_width + 2 * MARGIN, _MIN_WIDTH)
    # Whole pixels, so that no value of a kernel is clipped.
    left = round((width - block_width) / 2 * DPI) / DPI
    sheet = Sheet(width, len(grids) * step - _BLOCK_GAP, _title(kernels), kernels.note)
    for i, grid in enumerate(grids):
        top = round((HEAD + i * step) * DPI) / DPI
        if label:
            sheet.text(left, top, f"column {i + 1} of {len(grids)}", color=GRAY_TEXT)
            top = round((top + label) * DPI) / DPI
        # Enlarged here: viewers of SVG and PDF would smooth a small image.
        large = np.repeat(np.repeat(grid, scale, axis=0), scale, axis=1)
        axes = sheet.axes(left, top, block_width, block_height)
        axes.imshow(large, interpolation="none", aspect="auto")
        axes.set_axis_off()
    return sheet.figure


def _title(kernels: Kernels) -> str:
    count, height, width, _ = kernels.images.shape
    description = f"the {count} {height}×{width} kernels of conv1, each scaled to its own range"
    return f"{kernels.run.folder.resolve().name}: {description}"
