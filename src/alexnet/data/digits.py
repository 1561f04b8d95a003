"""The handwritten digits of scikit-learn, as a folder of PNG files in the cache."""

from pathlib import Path
from typing import Any

import numpy as np

from alexnet.io.cache import build_once
from alexnet.progress import Progress, no_progress

IMAGES = 1797
_KEY = "digits"
_MAX_VALUE = 16
"""Of scikit-learn's digits."""


def digits_folder(progress: Progress | None = None) -> Path:
    """Return the folder of 1797 gray images digits/CLASS/NNNN.png, 8x8 pixels, white on black."""

    def build(folder: Path) -> dict[str, Any]:
        from PIL import Image
        from sklearn.datasets import load_digits  # type: ignore[import-untyped,unused-ignore]

        digits = load_digits()
        with (progress or no_progress)("writing the digits", len(digits.images)) as steps:
            for number, (values, label) in enumerate(
                zip(digits.images, digits.target, strict=True)
            ):
                path = folder / _KEY / str(label) / f"{number:04d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.rint(values * (255 / _MAX_VALUE)).astype(np.uint8)
                Image.fromarray(pixels).save(path)
                steps.advance()
        return {"source": "sklearn.datasets.load_digits"}

    def valid(folder: Path) -> bool:
        return sum(1 for _ in (folder / _KEY).glob("*/*.png")) == IMAGES

    folder = build_once("datasets", _KEY, build, valid=valid, progress=progress or no_progress)
    return folder / _KEY
