"""Pages of HTML that open offline: one file with its style and its pictures in it."""

from alexnet.pages.images import Image, enlarged, photograph, pixels, sharp
from alexnet.pages.render import render

__all__ = ["Image", "enlarged", "photograph", "pixels", "render", "sharp"]
