"""One image file as what a person would see: a small upright RGB square."""

# ruff: noqa: PTH116, PTH123
# Paths are texts here: a million of them take a fifth of the memory of Path objects.

import io
import os
import re
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from alexnet.data.color import in_srgb
from alexnet.data.gray import gray_of_wide
from alexnet.errors import UserError

Pixels: TypeAlias = npt.NDArray[np.uint8]
Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"

DECODER_VERSION = 2
"""Counted up when the same file becomes other pixels, so that kept images are made anew."""

MAX_PIXELS = 100_000_000
"""Images with more pixels than this are refused before they are decoded."""

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

# Only these decoders: Pillow's others include one that starts Ghostscript.
Image.init()
_FORMATS = tuple(
    name
    for name in ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
    if name in Image.OPEN
)

# A triangle as wide as the scale asks for (Pillow's bilinear): antialiased, and the fastest.
_FILTER = Image.Resampling.BILINEAR

# A JPEG is decoded at 1/2, 1/4 or 1/8 as long as it stays this many times the wanted size.
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

# Memory stays bounded on many threads: images larger than this are decoded one at a time.
_LARGE_PIXELS = 16_000_000
_one_large = threading.Lock()


class ImageError(UserError):
    """A file that cannot be read as an image; the text is the reason, without the file's name."""


@dataclass(frozen=True)
class DecodedImage:
    """A decoded file: its square, and what the file itself was like."""

    pixels: Pixels
    """(size, size, 3), RGB."""
    width: int
    """Of the upright image before it was scaled; so is height."""
    height: int
    format: str
    """JPEG, PNG, …"""


def decode(source: Source, size_px: int = 256, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The image's center square, (size_px, size_px, 3) in RGB.

    The shorter side is scaled to `size_px`, antialiased, and the center square is kept. The
    image is turned upright (EXIF), a palette is looked up, transparency lies over white, gray
    of 16 bits is scaled, CMYK and color profiles become sRGB, and of an animation the first
    frame is taken.

    Args:
        source: a path, the bytes of a file, or a binary file object.
        size_px: side of the square.
        max_pixels: an image with more pixels than this is refused before it is decoded.

    Raises:
        ImageError: whatever is wrong with the file; the text is the reason in one line.

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
    """As `decode`, with the size and the format of the file beside the pixels."""
    try:
        with _pillow(max_pixels), _opened(source) as file, _image(file) as image:
            _check_pixels(image.size, max_pixels)
            large = image.width * image.height > _LARGE_PIXELS
            with _one_large if large else nullcontext():
                return _read(image, size_px, max_pixels)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:  # at more than twice the limit
        count = re.search(r"\d+", str(error))
        raise _too_many(f"{int(count[0]) / 1e6:,g} million" if count else "", max_pixels) from None
    except Exception as error:  # Pillow's decoders let through whatever a broken file provokes
        raise ImageError(_reason(error)) from None


def square_pixels(image: Image.Image, size_px: int = 256) -> Pixels:
    """Return the center square of an image that Pillow has opened, prepared as `decode` does.

    Raises:
        ImageError: Pillow cannot load or convert it.
    """
    try:
        return _read(image, size_px, max_pixels=MAX_PIXELS).pixels
    except ImageError:
        raise
    except Exception as error:  # whatever a corrupt file provokes when it is loaded at last
        raise ImageError(_reason(error)) from None


def _image(file: BinaryIO) -> Image.Image:
    return Image.open(file, formats=_FORMATS)


def _read(image: Image.Image, size_px: int, max_pixels: int) -> DecodedImage:
    width, height = image.size
    box = _draft(image, size_px)
    image.load()
    if box is None:
        # Loading may turn a TIFF or widen a GIF.
        _check_pixels(image.size, max_pixels)
        width, height = image.size
        box = (0.0, 0.0, float(width), float(height))
    orientation = _orientation(image)
    # The center square is the same whichever way the image is turned, so the small one is.
    small = _small(image, size_px, _center_square(box))
    if orientation in _UPRIGHT:
        small = small.transpose(_UPRIGHT[orientation])
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    pixels = np.array(in_srgb(small, image.info.get("icc_profile")), dtype=np.uint8)
    return DecodedImage(pixels, width, height, image.format or "")


Box: TypeAlias = tuple[float, float, float, float]


def _draft(image: Image.Image, size_px: int) -> Box | None:
    """Ask the JPEG decoder for a smaller image; the box that the whole one then fills."""
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
    """The box of the image at (size_px, size_px), as L, RGB or CMYK."""
    size = (size_px, size_px)
    if image.mode[0] in "IF":
        image = gray_of_wide(image)
    if image.mode == "RGBa" or image.has_transparency_data:
        # Scaling RGBA weighs colors by their alpha, so it may come before the white ground.
        small = image.convert("RGBA").resize(size, _FILTER, box=box)
        ground = Image.new("RGBA", size, "white")
        return Image.alpha_composite(ground, small).convert("RGB")
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
    except Exception:  # damaged EXIF data does not make an image unreadable
        return 1


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_many(f"{width}x{height}", max_pixels)


def _too_many(found: str, max_pixels: int) -> ImageError:
    return ImageError(f"too many pixels: {found}, the limit is {max_pixels / 1e6:g} million")


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, (str, os.PathLike)):
        status = os.stat(source)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("is a folder, not an image")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device might never end
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
        return "does not exist"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or of a kind that cannot be read"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if "truncated" in text.lower():
        return "image file is truncated"
    return " ".join(text.split())


class _Pillow:
    """While any thread decodes, Pillow does not warn, and its limit on pixels gives way to ours.

    Both settings belong to the whole process: so the first thread that comes in changes them,
    and the last that goes out puts them back.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0

    @contextmanager
    def __call__(self, max_pixels: int) -> Iterator[None]:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self._change()
            if Image.MAX_IMAGE_PIXELS is not None:
                Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
        try:
            yield
        finally:
            with self.lock:
                self.inside -= 1
                if self.inside == 0:
                    self._put_back()

    def _change(self) -> None:
        self.limit = Image.MAX_IMAGE_PIXELS
        self.caught = warnings.catch_warnings()
        self.caught.__enter__()
        warnings.simplefilter("ignore")

    def _put_back(self) -> None:
        self.caught.__exit__(None, None, None)
        Image.MAX_IMAGE_PIXELS = self.limit


_pillow = _Pillow()
