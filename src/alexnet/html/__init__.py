"""HTML pages that open offline: one file with its styles and images embedded."""

from alexnet.html.embedded_images import Image, embed_photo, embed_pixels, embed_png, embed_svg
from alexnet.html.rendering import render

__all__ = ["Image", "embed_photo", "embed_pixels", "embed_png", "embed_svg", "render"]
