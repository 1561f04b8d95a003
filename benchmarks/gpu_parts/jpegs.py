"""A folder of JPEG files made on the spot: no photographs, but files that must be decoded."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("amber", "blue", "green", "violet")
_TINTS = {"amber": (70, 40, 0), "blue": (0, 10, 80), "green": (0, 70, 10), "violet": (60, 0, 60)}
_COARSE_PX, _QUALITY = 24, 90


def make_jpegs(root: Path, count: int, shape: tuple[int, int]) -> Path:
    """Write the files, a quarter of them for validation; returns the folder.

    Each is smooth noise in the tint of its class with fine noise on top, of a size in bytes as
    photographs have.

    Args:
        shape: height and width in pixels.
    """
    jobs = []
    for number in range(count):
        split = "val" if number % 4 == 3 else "train"
        name = CLASSES[number // 4 % len(CLASSES)]
        jobs.append((root / split / name / f"{number:05d}.jpg", number))
    for path in {path.parent for path, _ in jobs}:
        path.mkdir(parents=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: _write(*job, shape), jobs))
    return root


def _write(path: Path, seed: int, shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(seed)
    height, width = shape
    coarse_shape = (max(height // _COARSE_PX, 2), max(width // _COARSE_PX, 2), 3)
    coarse = generator.integers(0, 176, coarse_shape, np.uint8) + np.uint8(_TINTS[path.parent.name])
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    fine = generator.integers(-12, 13, (height, width, 1), np.int16)
    pixels = np.clip(np.asarray(smooth, np.int16) + fine, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=_QUALITY)
