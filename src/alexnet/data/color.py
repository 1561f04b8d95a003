"""Convert colors to sRGB with the ICC profile embedded in the file."""

import functools
import io

from PIL import Image, ImageCms

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def in_srgb(image: Image.Image, profile: object = None) -> Image.Image:
    """Convert an image to sRGB with its ICC profile.

    Without a profile, or with one that is corrupt or for another color space, gray and RGB
    values are used unchanged, and CMYK is converted by (1 - ink)(1 - black).

    >>> in_srgb(Image.new("CMYK", (1, 1), (255, 0, 0, 0))).getpixel((0, 0))
    (0, 255, 255)
    """
    transform = _transform(profile, image.mode) if isinstance(profile, bytes) else None
    if transform is not None:
        converted = ImageCms.applyTransform(image, transform)
        if converted is not None:
            return converted
    return image.convert("RGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform | None":
    """Return the transform from the profile to sRGB; None if it is the identity or impossible."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        is_srgb = ImageCms.getProfileDescription(source).strip().startswith("sRGB")
        if is_srgb or source.profile.xcolor_space.strip() != _SPACES.get(mode):
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(source, target, mode, "RGB")
    except Exception:  # corrupt profiles are common, and viewers ignore them
        return None
