"""Figures and images as parts of the page: data URIs."""

import base64
import io
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet import plots

_JPEG_QUALITY = 85
_SMALL_PX = 48
"""Smaller images are kept as they are: JPEG would blur them."""


class Image(NamedTuple):
    """An image in the page: its data, what it shows in words, and its size in CSS pixels."""

    uri: str
    alt: str
    width: int
    height: int


def sharp(figure: Figure, alt: str) -> Image:
    """A figure of lines as SVG."""
    return _of_figure(figure, "image/svg+xml", plots.svg(figure), alt)


def pixels(figure: Figure, alt: str) -> Image:
    """A figure of pixels as PNG."""
    return _of_figure(figure, "image/png", plots.png(figure), alt)


def photograph(image: NDArray[np.uint8], alt: str) -> Image:
    """An image (S, S, 3)."""
    from PIL import Image as Pillow

    content, small = io.BytesIO(), len(image) <= _SMALL_PX
    kind = "png" if small else "jpeg"
    Pillow.fromarray(image).save(content, kind, **({} if small else {"quality": _JPEG_QUALITY}))
    side = len(image)
    return Image(data_uri(f"image/{kind}", content.getvalue()), alt, side, side)


def enlarged(image: NDArray[np.uint8], alt: str, width_px: int) -> Image:
    """A small image (H, W, 3) whose pixels are to be seen: each a whole number of the page's.

    Args:
        width_px: of the page, at most.
    """
    from PIL import Image as Pillow

    height, width = image.shape[:2]
    scale = max(1, width_px // width)
    content = io.BytesIO()
    # As many pixels as are shown: on paper a small image would be smoothed.
    large = np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)
    Pillow.fromarray(large).save(content, "png", optimize=True)
    return Image(data_uri("image/png", content.getvalue()), alt, width * scale, height * scale)


def data_uri(kind: str, content: bytes) -> str:
    """
    >>> data_uri("image/png", b"abc")
    'data:image/png;base64,YWJj'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _of_figure(figure: Figure, kind: str, content: bytes, alt: str) -> Image:
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Image(data_uri(kind, content), alt, width, height)
