"""The kernels of conv1 in a grid (the paper's figure 3)."""

import numpy as np
from matplotlib.figure import Figure

from alexnet.inspect.kernels import Filters, filter_grids
from alexnet.plots.canvas import DPI
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

_WIDTH_PX = 900
_MOST_SCALE = 8
_LABEL = 0.22
_BLOCK_GAP = 0.12
_LEAST_WIDTH = 5.0


def filters_figure(found: Filters) -> Figure:
    """All kernels, each scaled to its own range; columns of the net as blocks one below another.

    Each pixel of a kernel is a whole number of the figure's own, at the resolution of the screen.
    """
    grids = filter_grids(found)
    high, wide, _ = grids[0].shape
    scale = max(1, min(_MOST_SCALE, _WIDTH_PX // wide))
    block_width, block_height = wide * scale / DPI, high * scale / DPI
    label = _LABEL if found.columns > 1 else 0.0
    step = block_height + label + _BLOCK_GAP
    width = max(block_width + 2 * MARGIN, _LEAST_WIDTH)
    # Whole pixels, so that no kernel's pixel is cut.
    left = round((width - block_width) / 2 * DPI) / DPI
    sheet = Sheet(width, len(grids) * step - _BLOCK_GAP, _title(found), found.note)
    for i, grid in enumerate(grids):
        top = round((HEAD + i * step) * DPI) / DPI
        if label:
            sheet.text(left, top, f"column {i + 1} of {len(grids)}", color=GRAY_TEXT)
            top = round((top + label) * DPI) / DPI
        # As many pixels as are drawn: viewers of SVG and PDF would smooth a small image.
        large = np.repeat(np.repeat(grid, scale, axis=0), scale, axis=1)
        axes = sheet.axes(left, top, block_width, block_height)
        axes.imshow(large, interpolation="none", aspect="auto")
        axes.set_axis_off()
    return sheet.figure


def _title(found: Filters) -> str:
    count, height, width, _ = found.kernels.shape
    what = f"the {count} kernels of conv1, {height}×{width}, each scaled to its own range"
    return f"{found.run.folder.resolve().name}: {what}"
