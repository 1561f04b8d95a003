"""Pillow's process-wide settings while images are decoded."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image


class PillowSettings:
    """Silences Pillow's warnings and raises its pixel limit while any thread decodes.

    Both are settings of the whole process, so the first thread to enter changes them and the
    last one to leave restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0

    @contextmanager
    def allow(self, max_pixels: int) -> Iterator[None]:
        """Let Pillow open images of up to `max_pixels`."""
        with self._lock:
            self._active += 1
            if self._active == 1:
                self._change()
            if Image.MAX_IMAGE_PIXELS is not None:
                Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if self._active == 0:
                    self._restore()

    def _change(self) -> None:
        self._limit = Image.MAX_IMAGE_PIXELS
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def _restore(self) -> None:
        self._warnings.__exit__(None, None, None)
        Image.MAX_IMAGE_PIXELS = self._limit
