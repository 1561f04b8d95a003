"""Embed plots and images in a page as data URIs."""

import base64
import io
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alexnet.plots.files import figure_bytes

_JPEG_QUALITY = 85
_MAX_PNG_PX = 48
"""Images up to this size are PNG: JPEG would blur them."""


class Image(NamedTuple):
    """An embedded image: its data URI, alt text, and size in CSS pixels."""

    uri: str
    alt: str
    width: int
    height: int


def embed_svg(figure: Figure, alt: str) -> Image:
    """Embed a plot of lines as SVG."""
    return _embed(figure, "image/svg+xml", figure_bytes(figure, "svg"), alt)


def embed_png(figure: Figure, alt: str) -> Image:
    """Embed a plot with many cells as PNG."""
    return _embed(figure, "image/png", figure_bytes(figure, "png"), alt)


def embed_photo(image: NDArray[np.uint8], alt: str) -> Image:
    """Embed an RGB image (S, S, 3)."""
    from PIL import Image as Pillow

    content, is_small = io.BytesIO(), len(image) <= _MAX_PNG_PX
    kind = "png" if is_small else "jpeg"
    Pillow.fromarray(image).save(content, kind, **({} if is_small else {"quality": _JPEG_QUALITY}))
    side = len(image)
    return Image(data_uri(f"image/{kind}", content.getvalue()), alt, side, side)


def embed_pixels(image: NDArray[np.uint8], alt: str, width_px: int) -> Image:
    """Embed a small image (H, W, 3), each pixel enlarged to a whole number of CSS pixels.

    Args:
        image: the image.
        alt: the alt text.
        width_px: the maximum width in CSS pixels.
    """
    from PIL import Image as Pillow

    height, width = image.shape[:2]
    scale = max(1, width_px // width)
    content = io.BytesIO()
    # Enlarged here, since a small image would be smoothed in print.
    enlarged = np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)
    Pillow.fromarray(enlarged).save(content, "png", optimize=True)
    return Image(data_uri("image/png", content.getvalue()), alt, width * scale, height * scale)


def data_uri(kind: str, content: bytes) -> str:
    """Return a data URI.

    >>> data_uri("image/png", b"abc")
    'data:image/png;base64,YWJj'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _embed(figure: Figure, kind: str, content: bytes, alt: str) -> Image:
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Image(data_uri(kind, content), alt, width, height)
