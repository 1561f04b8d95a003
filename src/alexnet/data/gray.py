"""Gray images of more than 8 bits: scaled to what 8 bits can show, not clipped."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats: TypeAlias = npt.NDArray[np.float32]


def gray_of_wide(image: Image.Image) -> Image.Image:
    """Gray of 16 or 32 bits, or of floats, as floats from 0 to 255 (mode F)."""
    values = np.asarray(image).astype(np.float32)
    values = np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        gray = values / np.float32(65535 / 255)
    else:
        gray = _gray_of_unknown_range(values, low, high, image.mode)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):  # PNG: the one value that stands for nothing
        gray[values == transparent] = 255
    return Image.fromarray(gray)


def _gray_of_unknown_range(values: Floats, low: float, high: float, mode: str) -> Floats:
    """Values whose white the file does not tell: the usual whites, else their own range."""
    whites = (255.0, 65535.0) if mode == "I" else (1.0, 255.0, 65535.0)
    for white in whites:
        if low >= 0 and high <= white:
            gray: Floats = values / np.float32(white / 255)
            return gray
    spread = max(high - low, 1e-30)
    stretched: Floats = (values - np.float32(low)) / np.float32(spread / 255)
    return stretched
