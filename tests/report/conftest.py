"""A trained run whose images and classes have names that need escaping."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexnet.config.hyperparameters import recipe
from alexnet.evaluation.metrics import measure
from alexnet.history import read_epochs
from alexnet.html import render
from alexnet.report.evaluation_section import EvaluationSummary
from alexnet.report.sections import template_values
from alexnet.run import Run
from alexnet.training import train

CLASSES = ("<script>alert(1)<", "a & b", "quo\"te's", "rtl\u202eexe.png", "شجرة")


def make_images(root: Path) -> Path:
    """Create images whose class is their brightness; the ranges of classes overlap."""
    generator = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        folder = root / name.replace("/", "\u2215")
        folder.mkdir(parents=True)
        for i in range(14):
            values = 20 + 45 * number + generator.integers(-30, 31, (40, 40, 3))
            image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
            image.save(folder / f"{i}<b>&\"' {number}.png")
    return root


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXNET_CACHE_DIR", str(place / "cache"))
        return train(
            make_images(place / "images & <co>"),
            changes={"widths": 8, "hidden": 16},
            recipe=recipe("fast", image_size=63, epochs=3, batch_size=16),
            output_dir=place / "run <i>",
        ).run


@pytest.fixture(scope="session")
def page_of_many_classes(trained: Run) -> str:
    """Render the page of an evaluation with a hundred classes, each sometimes confused."""
    count, generator = 100, np.random.default_rng(1)
    labels = np.repeat(np.arange(count), 10)
    predicted = np.where(generator.random(len(labels)) < 0.1, (labels + 1) % count, labels)
    predicted[70:76] = 41  # six of the ten of class 7
    probabilities = np.full((len(labels), count), 0.1 / (count - 1))
    probabilities[np.arange(len(labels)), predicted] = 0.9
    names = [
        f"{['a long name of a class', 'Straße', 'n02099601'][i % 3]} {i}" for i in range(count)
    ]
    evaluation = EvaluationSummary(
        title="a hundred classes",
        metrics=measure(probabilities, labels, names).to_dict(),
        errors=(),
        least_confident_correct=(),
        calibration=None,
        notices=(),
    )
    epochs = read_epochs(trained.folder)
    values = template_values(trained, epochs, trained.weights(), evaluation, ())
    return render("alexnet.report/page.html", **values)
