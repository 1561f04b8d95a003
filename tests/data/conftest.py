"""Images and cache entries for the tests of the data package."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexnet.data import cache_entries

MakeImage = Callable[..., Path]


def noise(seed: int, width: int = 12, height: int = 9) -> Image.Image:
    """Return an image of random pixels, different for each seed."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def cached_image_keys() -> list[str]:
    """Return the keys of the image stores in the cache."""
    return [entry.key for entry in cache_entries() if entry.kind == "images"]


def unfinished_entries(cache: Path) -> list[Path]:
    """Return the folders that a process is building, or left behind."""
    return list(cache.glob("images/.building-*"))


@pytest.fixture
def image(tmp_path: Path) -> MakeImage:
    """Return a function that writes an image: image("data/cat/1.png", seed)."""

    def make(path: str, seed: int = 0, width: int = 12, height: int = 9) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        noise(seed, width, height).save(file)
        return file

    return make


@pytest.fixture
def flat(image: MakeImage, tmp_path: Path) -> Path:
    """Return a dataset without splits, {cat,dog}/0.png … 9.png, all different."""
    for i in range(10):
        image(f"flat/cat/{i}.png", seed=i)
        image(f"flat/dog/{i}.png", seed=100 + i)
    return tmp_path / "flat"
