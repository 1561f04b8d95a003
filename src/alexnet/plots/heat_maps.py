"""Grad-CAM over images: where a network finds what speaks for a class."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.data.augmentation import LUMA
from alexnet.inspect.class_evidence import Attended, Attention
from alexnet.inspect.input_images import crop_seen
from alexnet.inspect.opened_run import layer_shapes
from alexnet.plots.class_labels import Names
from alexnet.plots.sheet import GRAY_TEXT, HEAD, MARGIN, Sheet

_TILE, _ONE = 1.75, 3.0
"""Side of an image in inches: of several, and of a single one."""
_GAP, _PAIR_GAP = 0.25, 0.05
_ACROSS = 3
_CAPTION = 0.45
_COLORS = "inferno"
_STRONGEST = 0.75
"""Share of the color where it covers the image most."""
_DIMMED = 0.6
"""Brightness of the image below it; on white flowers yellow would not be seen."""


def attention_figure(found: Attention) -> Figure:
    """Each image beside itself with its map; the brighter, the more speaks for the class."""
    names = Names(found.run.classes)
    count = len(found.images)
    tile = _ONE if count == 1 else _TILE
    across = 2 if count == 4 else min(_ACROSS, count)  # a fourth would stand alone
    down = -(-count // across)
    pair = 2 * tile + _PAIR_GAP
    width = across * (pair + _GAP) - _GAP + 2 * MARGIN
    _, high, wide = layer_shapes(found.run.architecture)[found.layer]
    note = f"each map, {high}×{wide} values, is scaled to its own highest"
    note = "; ".join(part for part in (note, names.note) if part)
    title = (
        f"{found.run.folder.resolve().name}: what speaks for a class at {found.layer} (Grad-CAM)"
    )
    sheet = Sheet(width, down * (tile + _CAPTION), title, note)
    for i, one in enumerate(found.images):
        left, top = MARGIN + i % across * (pair + _GAP), HEAD + i // across * (tile + _CAPTION)
        pixels = crop_seen(one.image.pixels, found.run.preprocessing)
        sheet.image(pixels, left, top, tile, tile)
        sheet.image(overlaid(pixels, one.heat), left + tile + _PAIR_GAP, top, tile, tile)
        _captions(sheet, one, names, left, top + tile + 0.05, tile)
    return sheet.figure


def _captions(
    sheet: Sheet, one: Attended, names: Names, left: float, top: float, tile: float
) -> None:
    room = int(tile * 13)
    truth = one.image.truth
    if truth is not None:
        text = f"is {names.text(truth, room - 3)}"
        names.apply(sheet.text(left + tile / 2, top, text, ha="center"))
    # The share comes first: after a name in Arabic it would be drawn within it.
    share = f"{one.probability:.0%}"
    said = f"{share} for {names.text(one.target, room - 9)}"
    middle = left + tile * 1.5 + _PAIR_GAP
    names.apply(sheet.text(middle, top, said, ha="center"))
    if not one.heat.any():
        sheet.text(middle, top + 0.16, "nothing speaks for it", ha="center", fontsize=7,
                   color=GRAY_TEXT)  # fmt: skip


def overlaid(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The image, gray and darker, under its map, (H, W, 3)."""
    top = float(heat.max())
    share = (heat / top if top > 0 else np.zeros_like(heat))[..., None]
    gray = np.repeat((pixels.astype(np.float32) @ LUMA)[..., None], 3, axis=-1)
    color = mpl.colormaps[_COLORS](share[..., 0])[..., :3] * 255
    weight = _STRONGEST * np.clip(share, 0, 1)
    mixed = (1 - weight) * _DIMMED * gray + weight * color
    found: NDArray[np.uint8] = np.rint(mixed).clip(0, 255).astype(np.uint8)
    return found
