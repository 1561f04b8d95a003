"""Gray images: luminance of color images, and images of more than 8 bits scaled to 8."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats: TypeAlias = npt.NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the luminance, ITU-R BT.601."""


def to_gray(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an RGB image (H, W, 3) as a gray-scale network sees it, with three equal channels.

    >>> to_gray(np.array([[[255, 0, 0]]], np.uint8)).tolist()
    [[[76, 76, 76]]]
    """
    gray = np.rint(image.astype(np.float32) @ LUMA).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def scale_to_8_bits(image: Image.Image) -> Image.Image:
    """Scale a gray image of integers above 8 bits or of floats to 0…255, without rounding.

    Returns:
        An image of mode F.
    """
    values = np.asarray(image).astype(np.float32)
    values = np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        gray = values / np.float32(65535 / 255)
    else:
        gray = _scale_unknown_range(values, low, high, image.mode)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):  # PNG: the single value that is fully transparent
        gray[values == transparent] = 255
    return Image.fromarray(gray)


def _scale_unknown_range(values: Floats, low: float, high: float, mode: str) -> Floats:
    """Scale by the smallest usual white level that fits, or else by the range of the values."""
    white_levels = (255.0, 65535.0) if mode == "I" else (1.0, 255.0, 65535.0)
    for white in white_levels:
        if low >= 0 and high <= white:
            gray: Floats = values / np.float32(white / 255)
            return gray
    spread = max(high - low, 1e-30)
    stretched: Floats = (values - np.float32(low)) / np.float32(spread / 255)
    return stretched
