"""Images that a small network learns in a moment."""

from pathlib import Path

import numpy as np
from PIL import Image


def red_and_blue(root: Path) -> Path:
    """Two classes of noise, reddish and bluish, in train (24 each) and val (8 each)."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 24), ("val", 8)):
        for name, channel in (("red", 0), ("blue", 2)):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 128, (70, 80, 3))
                pixels[..., channel] += 100
                image = Image.fromarray(pixels.astype(np.uint8))
                image.save(root / split / name / f"{number}.png")
    return root
