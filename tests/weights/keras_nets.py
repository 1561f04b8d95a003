"""Run by the tests in a process of its own, so that they need not import Keras.

python keras_nets.py save FOLDER     the seeds' nets, saved in every way that Keras has
python keras_nets.py load FOLDER     loads what the tests wrote there, and computes
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import Model, Sequential, layers

WIDTHS, HIDDEN, CLASSES, SIZE = (8, 12, 16, 16, 12), (24, 20), 5, 131
"""Seed 000 made narrow, and for images of which 3x3 are left at the flatten."""


def features() -> list[Any]:
    """Seed 000's layers before the flatten."""
    found = [layers.ZeroPadding2D(((1, 2), (1, 2)))]
    for i, (width, kernel) in enumerate(zip(WIDTHS, (11, 5, 3, 3, 3), strict=True)):
        more: dict[str, Any] = {"strides": 4} if i == 0 else {"padding": "same"}
        found.append(layers.Conv2D(width, kernel, activation="relu", **more))
        if i in (0, 1, 4):
            found.append(layers.MaxPool2D(pool_size=3, strides=2))
    return found


def classifier() -> list[Any]:
    """Seed 000's layers behind the flatten."""
    found: list[Any] = []
    for units in HIDDEN:
        found += [layers.Dropout(0.2), layers.Dense(units, activation="relu")]
    return [*found, layers.Dense(CLASSES), layers.Softmax()]


def functional() -> Any:
    """Seed 000's AlexNet_v1."""
    image = layers.Input((SIZE, SIZE, 3))
    x = image
    for layer in [*features(), layers.Flatten(), *classifier()]:
        x = layer(x)
    return Model(image, x)


@keras.saving.register_keras_serializable("tests")
class Subclassed(Model):
    """Seed 000's AlexNet_v2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.features = Sequential(features())
        self.flatten = layers.Flatten()
        self.classifier = Sequential(classifier())

    def call(self, inputs: Any) -> Any:
        return self.classifier(self.flatten(self.features(inputs)))


def named_layers(spec: dict[str, Any]) -> list[Any]:
    """Layers with our names, in an image's order; the dense layers behind a flatten."""
    found: list[Any] = [layers.ZeroPadding2D(2)]
    for i, width in enumerate(spec["widths"]):
        groups = spec["groups"][i]
        more: dict[str, Any] = {"strides": 4} if i == 0 else {"padding": "same"}
        found.append(
            layers.Conv2D(width, (11, 5, 3, 3, 3)[i], groups=groups, name=f"conv{i + 1}", **more)
        )
        found.append(layers.ReLU(name=f"relu{i + 1}"))
        if i + 1 in spec["norms"]:
            found.append(layers.BatchNormalization(epsilon=1e-5, name=f"norm{i + 1}"))
        if i in (0, 1, 4):
            found.append(layers.MaxPool2D(3, 2, name=f"pool{i + 1}"))
    found.append(layers.Flatten(name="flatten"))
    for i, units in enumerate(spec["hidden"]):
        found += [layers.Dense(units, name=f"fc{i + 6}"), layers.ReLU(name=f"relu{i + 6}")]
        found.append(layers.Dropout(0.5, name=f"dropout{i + 6}"))
    return [*found, layers.Dense(spec["classes"], name="fc8")]


class Named(Model):
    """Each layer is an attribute of its name."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.order = []
        for layer in named_layers(spec):
            setattr(self, layer.name, layer)
            self.order.append(layer.name)

    def call(self, x: Any) -> Any:
        for name in self.order:
            x = getattr(self, name)(x)
        return x


def build(spec: dict[str, Any]) -> Any:
    size = spec["size"]
    if spec["kind"] == "seed-functional":
        return functional()
    if spec["kind"] in ("seed-subclassed", "subclassed"):
        model = Named(spec) if spec["kind"] == "subclassed" else Subclassed()
        model(np.zeros((1, size, size, 3), np.float32))  # only then has it weights
        return model
    image = layers.Input((size, size, 3))
    x = image
    for layer in named_layers(spec):
        x = layer(x)
    return Model(image, x)


def save(folder: Path) -> None:
    """The seeds' nets, trained or not, and what they make of an image."""
    generator = np.random.default_rng(0)
    image = generator.standard_normal((2, SIZE, SIZE, 3), np.float32)
    image[1] *= 3
    np.save(folder / "image.npy", image)
    made = {"functional": functional(), "subclassed": Subclassed()}
    for name, model in made.items():
        model(image)
        for weight in model.weights:  # also biases are other than 0
            value = weight.numpy() if hasattr(weight, "numpy") else np.asarray(weight)
            weight.assign(value + generator.standard_normal(value.shape) * 0.02)
        if name == "functional":
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(image, np.array([0, 3]), verbose=0)  # the file then has the optimizer
        np.save(folder / f"{name}.npy", model.predict(image, verbose=0))
        model.save_weights(folder / f"{name}.weights.h5")
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")


def load(folder: Path) -> None:
    """What the nets of specs.json compute with the weights that the tests wrote."""
    image = np.load(folder / "image.npy")
    for name, spec in json.loads((folder / "specs.json").read_text()).items():
        model = build(spec)
        model.load_weights(folder / spec["file"])
        np.save(folder / f"{name}.npy", model.predict(image[:, : spec["size"]], verbose=0))


if __name__ == "__main__":
    {"save": save, "load": load}[sys.argv[1]](Path(sys.argv[2]))
