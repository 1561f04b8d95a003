"""Decode an image file to a small, upright RGB square, as a viewer would show it."""

# ruff: noqa: PTH116, PTH123
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import io
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from alexnet.data.color import in_srgb
from alexnet.data.gray import scale_to_8_bits
from alexnet.data.pillow_settings import PillowSettings
from alexnet.errors import UserError

Pixels: TypeAlias = npt.NDArray[np.uint8]
Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"

DECODER_VERSION = 2
"""Incremented when decoding changes, to invalidate cached images."""

MAX_PIXELS = 100_000_000
"""Images with more pixels are rejected before they are decoded."""

IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".dib",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
    ]
)

# Pillow's other decoders include one that runs Ghostscript.
Image.init()
_FORMATS = tuple(
    name
    for name in ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
    if name in Image.OPEN
)

# Antialiased in Pillow, and the fastest of its antialiased filters.
_FILTER = Image.Resampling.BILINEAR

# A JPEG is decoded at 1/2, 1/4 or 1/8 while it stays this many times larger than size_px.
_DRAFT_MARGIN = 2

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# To bound memory, larger images are decoded one at a time.
_LARGE_PIXELS = 16_000_000
_large_image_lock = threading.Lock()

_pillow_settings = PillowSettings()


class ImageError(UserError):
    """A file cannot be read as an image; the message is the reason, without the path."""


@dataclass(frozen=True)
class DecodedImage:
    """The center square of an image, with the size and format of its file."""

    pixels: Pixels
    """(size_px, size_px, 3), RGB."""
    width: int
    """Of the upright image in the file, before scaling."""
    height: int
    """As width."""
    format: str
    """JPEG, PNG, …"""


def decode(source: Source, size_px: int = 256, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode the center square of an image, (size_px, size_px, 3) in RGB.

    The shorter side is scaled to `size_px` with antialiasing, and the center is cropped. The
    EXIF orientation is applied, palettes are resolved, transparent pixels are blended with
    white, 16-bit gray is scaled to 8 bits, CMYK and color profiles are converted to sRGB, and
    animations are represented by their first frame.

    Args:
        source: a path, the bytes of a file, or a binary file object.
        size_px: side of the square.
        max_pixels: images with more pixels are rejected before they are decoded.

    Raises:
        ImageError: the file cannot be read as an image; the message is the reason in one line.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (30, 20), "red").save(file, "PNG")
        >>> pixels = decode(file.getvalue(), size_px=8)
        >>> pixels.shape, pixels[0, 0].tolist()
        ((8, 8, 3), [255, 0, 0])
    """
    return read_image(source, size_px, max_pixels).pixels


def read_image(source: Source, size_px: int = 256, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode an image as `decode` does, and return it with the size and format of its file."""
    try:
        with _pillow_settings.allow(max_pixels), _opened(source) as file, _image(file) as image:
            _check_pixels(image.size, max_pixels)
            is_large = image.width * image.height > _LARGE_PIXELS
            with _large_image_lock if is_large else nullcontext():
                return _read(image, size_px, max_pixels)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:  # at more than twice the limit
        count = re.search(r"\d+", str(error))
        raise _too_many(f"{int(count[0]) / 1e6:,g} million" if count else "", max_pixels) from None
    except Exception as error:  # Pillow's decoders raise many types on a corrupt file
        raise ImageError(_reason(error)) from None


def square_pixels(image: Image.Image, size_px: int = 256) -> Pixels:
    """Return the center square of an image opened by Pillow, prepared as by `decode`.

    Raises:
        ImageError: Pillow cannot load or convert it.
    """
    try:
        return _read(image, size_px, max_pixels=MAX_PIXELS).pixels
    except ImageError:
        raise
    except Exception as error:  # Pillow raises many types on a corrupt file
        raise ImageError(_reason(error)) from None


def _image(file: BinaryIO) -> Image.Image:
    return Image.open(file, formats=_FORMATS)


def _read(image: Image.Image, size_px: int, max_pixels: int) -> DecodedImage:
    width, height = image.size
    box = _draft(image, size_px)
    image.load()
    if box is None:
        # Loading may rotate a TIFF or enlarge a GIF.
        _check_pixels(image.size, max_pixels)
        width, height = image.size
        box = (0.0, 0.0, float(width), float(height))
    orientation = _orientation(image)
    # Rotation and the center crop commute, and rotating the small square is cheaper.
    small = _small(image, size_px, _center_square(box))
    if orientation in _UPRIGHT:
        small = small.transpose(_UPRIGHT[orientation])
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    pixels = np.array(in_srgb(small, image.info.get("icc_profile")), dtype=np.uint8)
    return DecodedImage(pixels, width, height, image.format or "")


Box: TypeAlias = tuple[float, float, float, float]


def _draft(image: Image.Image, size_px: int) -> Box | None:
    """Make the JPEG decoder downscale; return the box that the whole image then fills."""
    if image.format not in ("JPEG", "MPO"):
        return None
    margin = size_px * _DRAFT_MARGIN
    drafted = image.draft(image.mode, (margin, margin))
    return drafted[1] if drafted else None


# --8<-- [start:paper-2-square]
def _center_square(box: Box) -> Box:
    left, top, right, bottom = box
    side = min(right - left, bottom - top)
    left, top = (left + right - side) / 2, (top + bottom - side) / 2
    return (left, top, left + side, top + side)
    # --8<-- [end:paper-2-square]


def _small(image: Image.Image, size_px: int, box: Box) -> Image.Image:
    """Resize the box of the image to (size_px, size_px), as L, RGB or CMYK."""
    size = (size_px, size_px)
    if image.mode[0] in "IF":
        image = scale_to_8_bits(image)
    if image.mode == "RGBa" or image.has_transparency_data:
        # Pillow weights RGBA by alpha when resizing, so blending can follow on the small image.
        small = image.convert("RGBA").resize(size, _FILTER, box=box)
        background = Image.new("RGBA", size, "white")
        return Image.alpha_composite(background, small).convert("RGB")
    if image.mode not in ("L", "RGB", "CMYK", "F"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    # --8<-- [start:paper-2-scale]
    small = image.resize(size, _FILTER, box=box)
    # --8<-- [end:paper-2-scale]
    if small.mode == "F":
        return Image.fromarray(np.rint(np.asarray(small)).clip(0, 255).astype(np.uint8))
    return small


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # corrupt EXIF data does not make an image unreadable
        return 1


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_many(f"{width}x{height}", max_pixels)


def _too_many(pixels: str, max_pixels: int) -> ImageError:
    return ImageError(f"too many pixels: {pixels}, the limit is {max_pixels / 1e6:g} million")


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, (str, os.PathLike)):
        status = os.stat(source)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("is a folder, not an image")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may block forever
            raise ImageError("is a pipe or a device, not a file")
        if status.st_size == 0:
            raise ImageError("the file is empty")
        with open(source, "rb") as file:
            yield file
        return
    data = source if isinstance(source, (bytes, bytearray, memoryview)) else source.read()
    if len(data) == 0:
        raise ImageError("the file is empty")
    yield io.BytesIO(data)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, MemoryError):
        return "not enough memory to decode the image"
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or an unsupported format"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if "truncated" in text.lower():
        return "image file is truncated"
    return " ".join(text.split())
