"""Colors as a screen shows them: in sRGB, by the profile that a file carries."""

import functools
import io

from PIL import Image, ImageCms

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def in_srgb(image: Image.Image, profile: object = None) -> Image.Image:
    """The image in RGB, its colors as the profile (ICC) means them.

    Without a profile, or with one that is damaged or for another kind of image, gray and RGB
    are taken as they are, and CMYK by the plain rule (1 - ink)(1 - black).

    >>> in_srgb(Image.new("CMYK", (1, 1), (255, 0, 0, 0))).getpixel((0, 0))
    (0, 255, 255)
    """
    transform = _transform(profile, image.mode) if isinstance(profile, bytes) else None
    if transform is not None:
        shown = ImageCms.applyTransform(image, transform)
        if shown is not None:
            return shown
    return image.convert("RGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform | None":
    """From the profile to sRGB; None where that changes nothing or cannot be done."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        is_plain = ImageCms.getProfileDescription(source).strip().startswith("sRGB")
        if is_plain or source.profile.xcolor_space.strip() != _SPACES.get(mode):
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(source, target, mode, "RGB")
    except Exception:  # profiles are as often damaged as EXIF data, and no viewer minds
        return None
