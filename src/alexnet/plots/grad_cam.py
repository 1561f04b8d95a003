"""Plot Grad-CAM heat maps: the image regions that support a class."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.data.gray import LUMA
from alexnet.inspect.class_activation_maps import ClassActivationMap, GradCamResult
from alexnet.inspect.input_images import crop_for_display
from alexnet.inspect.opened_run import layer_shapes
from alexnet.plots.class_labels import ClassNames
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

_TILE, _SINGLE_TILE = 1.75, 3.0
"""Side of an image in inches: among several, and of a single one."""
_GAP, _PAIR_GAP = 0.25, 0.05
_MAX_PAIRS_PER_ROW = 3
_CAPTION = 0.45
_COLOR_MAP = "inferno"
_MAX_OPACITY = 0.75
"""Of the heat map at its maximum."""
_BRIGHTNESS = 0.6
"""Of the image below the heat map; yellow would be invisible on white."""


def plot_grad_cam(result: GradCamResult) -> Figure:
    """Plot each image beside its heat map; brighter regions support the class more."""
    names = ClassNames(result.run.classes)
    count = len(result.maps)
    tile = _SINGLE_TILE if count == 1 else _TILE
    per_row = 2 if count == 4 else min(_MAX_PAIRS_PER_ROW, count)  # a fourth would be alone
    row_count = -(-count // per_row)
    pair = 2 * tile + _PAIR_GAP
    width = per_row * (pair + _GAP) - _GAP + 2 * MARGIN
    _, high, wide = layer_shapes(result.run.architecture)[result.layer]
    note = f"each {high}×{wide} map is scaled to its own maximum"
    note = "; ".join(part for part in (note, names.note) if part)
    title = f"{result.run.folder.resolve().name}: Grad-CAM at {result.layer}"
    sheet = Sheet(width, row_count * (tile + _CAPTION), title, note)
    for i, item in enumerate(result.maps):
        left, top = MARGIN + i % per_row * (pair + _GAP), HEAD + i // per_row * (tile + _CAPTION)
        pixels = crop_for_display(item.image.pixels, result.run.preprocessing)
        sheet.image(pixels, left, top, tile, tile)
        sheet.image(
            overlay_heat_map(pixels, item.heatmap), left + tile + _PAIR_GAP, top, tile, tile
        )
        _captions(sheet, item, names, left, top + tile + 0.05, tile)
    return sheet.figure


def _captions(
    sheet: Sheet, item: ClassActivationMap, names: ClassNames, left: float, top: float, tile: float
) -> None:
    room = int(tile * 13)
    truth = item.image.label
    if truth is not None:
        text = f"true: {names.text(truth, room - 6)}"
        names.apply(sheet.text(left + tile / 2, top, text, ha="center"))
    # The number comes first: after an Arabic name it would be displayed within the name.
    text = f"{item.probability:.0%} {names.text(item.target, room - 5)}"
    middle = left + tile * 1.5 + _PAIR_GAP
    names.apply(sheet.text(middle, top, text, ha="center"))
    if not item.heatmap.any():
        sheet.text(middle, top + 0.16, "no evidence for this class", ha="center", fontsize=7,
                   color=GRAY_TEXT)  # fmt: skip


def overlay_heat_map(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the image (H, W, 3), gray and darkened, under its heat map."""
    maximum = float(heat.max())
    relative = (heat / maximum if maximum > 0 else np.zeros_like(heat))[..., None]
    gray = np.repeat((pixels.astype(np.float32) @ LUMA)[..., None], 3, axis=-1)
    color = mpl.colormaps[_COLOR_MAP](relative[..., 0])[..., :3] * 255
    opacity = _MAX_OPACITY * np.clip(relative, 0, 1)
    blended = (1 - opacity) * _BRIGHTNESS * gray + opacity * color
    overlay: NDArray[np.uint8] = np.rint(blended).clip(0, 255).astype(np.uint8)
    return overlay
