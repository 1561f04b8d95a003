"""Runs with random weights, and images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from alexnet import architecture, weights
from alexnet.config.hyperparameters import recipe
from alexnet.config.preprocessing import Preprocessing
from alexnet.run import BEST, Run

CLASSES = ("daisy", "rose", "price $5_{x}")
SMALL: dict[str, Any] = {"image_size": 67, "widths": (8, 8, 12, 12, 8), "hidden": (16, 10)}


MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that creates a run with random weights."""

    def make(folder: str = "run", variant: str = "half", seed: int = 0, **changes: Any) -> Run:
        channels = changes.pop("channels", "rgb")
        colors = 1 if channels == "gray" else 3
        settings = SMALL | {"num_classes": len(CLASSES), "in_channels": colors} | changes
        run = Run(
            folder=tmp_path / folder,
            architecture=architecture(variant, **settings),
            recipe=recipe("fast"),
            preprocessing=Preprocessing(
                resize_px=77,
                crop_px=67,
                channels=channels,
                mean=(127.5,) * colors,
                std=(127.5,) * colors,
            ),
            classes=CLASSES,
        )
        run.save()
        weights.write(weights.initial(run.architecture, seed), run.folder / BEST)
        return run

    return make


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    return make_run()


def draw(path: Path, seed: int) -> Path:
    """Write an image of colored noise with a bright part; seeds give distinct images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 256, (12, 15, 3)).astype(np.uint8)
    values[2:6, seed % 9 : seed % 9 + 4] = generator.integers(150, 256, 3)
    Image.fromarray(values).resize((100, 80), Image.Resampling.BICUBIC).save(path, "PNG")
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Create five images in each of two class folders, and one outside."""
    root = tmp_path / "images"
    for n, name in enumerate(("daisy", "rose")):
        for i in range(5):
            draw(root / name / f"{i + 8}.png", 10 * n + i)
    draw(root / "$x_{1} 玫瑰\n.png", 99)
    return root
