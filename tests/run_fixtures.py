"""A run whose answers are known: its network tells red, green and blue apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexnet import architecture, weights
from alexnet.config.hyperparameters import recipe
from alexnet.config.preprocessing import Preprocessing
from alexnet.run import BEST, Run

COLORS = {"blue": (20, 20, 240), "green": (20, 240, 20), "red": (240, 20, 20)}
_CHANNEL = {"red": 0, "green": 1, "blue": 2}


MakeRun = Callable[..., Run]


def color_weights(run: Run) -> dict[str, np.ndarray]:
    """Each convolution passes the mean of each color on; fc8 picks the strongest."""
    arrays = {name: np.zeros_like(a) for name, a in weights.initial(run.architecture, 0).items()}
    for name in [name for name in arrays if name.endswith(".weight")]:
        array = arrays[name]
        for c in range(3):
            if name.startswith("conv"):
                array[c, c] = 1 / array[c, c].size if name == "conv1.weight" else 0
                array[c, c, array.shape[2] // 2, array.shape[3] // 2] += name != "conv1.weight"
            elif name == "fc6.weight":
                places = array.shape[1] // 3
                array[c, c * places : (c + 1) * places] = 1 / places
            elif name == "fc7.weight":
                array[c, c] = 1
    for i, color in enumerate(run.classes):
        arrays["fc8.weight"][i, _CHANNEL[color]] = 6
    return arrays


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes the run of red, green and blue; its classes and the rest can be given."""

    def make(folder: str = "run", classes: tuple[str, ...] = tuple(COLORS), **changes) -> Run:
        run = Run(
            folder=tmp_path / folder,
            architecture=architecture(
                "half",
                num_classes=len(classes),
                image_size=64,
                widths=(3, 3, 3, 3, 3),
                hidden=(3, 3),
            ),
            recipe=recipe("fast"),
            preprocessing=Preprocessing(resize_px=73, crop_px=64),
            classes=classes,
            **changes,
        )
        run.save()
        weights.write(color_weights(run), run.folder / BEST)
        return run

    return make


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    return make_run()


def image(path: Path, color: str, seed: int = 0) -> Path:
    """A noisy image of a color, no two seeds alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-15, 16, (40, 50, 3))
    values = (np.array(COLORS[color]) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(values).save(path, "PNG")
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Four images of each color in folders; one green one is called red."""
    root = tmp_path / "images"
    for n, color in enumerate(COLORS):
        for i in range(4):
            image(root / color / f"{i + 8}.png", color, seed=10 * n + i)
    image(root / "red" / "leaf.png", "green", seed=99)
    return root
