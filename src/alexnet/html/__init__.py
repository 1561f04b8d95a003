"""Pages of HTML that open offline: one file with its style and its images in it."""

from alexnet.html.embedded_images import Image, enlarged, photograph, pixels, sharp
from alexnet.html.rendering import render

__all__ = ["Image", "enlarged", "photograph", "pixels", "render", "sharp"]
