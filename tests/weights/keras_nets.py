"""Keras networks in a separate process, so that the tests need not import Keras.

python keras_nets.py save FOLDER     save the networks of the seeds in every format of Keras
python keras_nets.py load FOLDER     load the files that the tests wrote there, and predict
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
"""Seed 000 narrowed, with feature maps of 3x3 at the flatten."""


def features() -> list[Any]:
    """The layers of seed 000 before the flatten."""
    network_layers = [layers.ZeroPadding2D(((1, 2), (1, 2)))]
    for i, (width, kernel) in enumerate(zip(WIDTHS, (11, 5, 3, 3, 3), strict=True)):
        options: dict[str, Any] = {"strides": 4} if i == 0 else {"padding": "same"}
        network_layers.append(layers.Conv2D(width, kernel, activation="relu", **options))
        if i in (0, 1, 4):
            network_layers.append(layers.MaxPool2D(pool_size=3, strides=2))
    return network_layers


def classifier() -> list[Any]:
    """The layers of seed 000 after the flatten."""
    network_layers: list[Any] = []
    for units in HIDDEN:
        network_layers += [layers.Dropout(0.2), layers.Dense(units, activation="relu")]
    return [*network_layers, layers.Dense(CLASSES), layers.Softmax()]


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
    """Layers with our names, in the order of the forward pass."""
    network_layers: list[Any] = [layers.ZeroPadding2D(2)]
    for i, width in enumerate(spec["widths"]):
        groups = spec["groups"][i]
        options: dict[str, Any] = {"strides": 4} if i == 0 else {"padding": "same"}
        network_layers.append(
            layers.Conv2D(width, (11, 5, 3, 3, 3)[i], groups=groups, name=f"conv{i + 1}", **options)
        )
        network_layers.append(layers.ReLU(name=f"relu{i + 1}"))
        if i + 1 in spec["norms"]:
            network_layers.append(layers.BatchNormalization(epsilon=1e-5, name=f"norm{i + 1}"))
        if i in (0, 1, 4):
            network_layers.append(layers.MaxPool2D(3, 2, name=f"pool{i + 1}"))
    network_layers.append(layers.Flatten(name="flatten"))
    for i, units in enumerate(spec["hidden"]):
        network_layers += [layers.Dense(units, name=f"fc{i + 6}"), layers.ReLU(name=f"relu{i + 6}")]
        network_layers.append(layers.Dropout(0.5, name=f"dropout{i + 6}"))
    return [*network_layers, layers.Dense(spec["classes"], name="fc8")]


class Named(Model):
    """A model whose layers are attributes under their names."""

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
        model(np.zeros((1, size, size, 3), np.float32))  # creates the weights
        return model
    image = layers.Input((size, size, 3))
    x = image
    for layer in named_layers(spec):
        x = layer(x)
    return Model(image, x)


def save(folder: Path) -> None:
    """Save the networks of the seeds, one trained and one not, and their predictions."""
    generator = np.random.default_rng(0)
    image = generator.standard_normal((2, SIZE, SIZE, 3), np.float32)
    image[1] *= 3
    np.save(folder / "image.npy", image)
    models = {"functional": functional(), "subclassed": Subclassed()}
    for name, model in models.items():
        model(image)
        for weight in model.weights:  # biases included
            value = weight.numpy() if hasattr(weight, "numpy") else np.asarray(weight)
            weight.assign(value + generator.standard_normal(value.shape) * 0.02)
        if name == "functional":
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(image, np.array([0, 3]), verbose=0)  # so the file contains the optimizer
        np.save(folder / f"{name}.npy", model.predict(image, verbose=0))
        model.save_weights(folder / f"{name}.weights.h5")
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")


def load(folder: Path) -> None:
    """Save the predictions of the networks in specs.json with the weights of the tests."""
    image = np.load(folder / "image.npy")
    for name, spec in json.loads((folder / "specs.json").read_text()).items():
        model = build(spec)
        model.load_weights(folder / spec["file"])
        np.save(folder / f"{name}.npy", model.predict(image[:, : spec["size"]], verbose=0))


if __name__ == "__main__":
    {"save": save, "load": load}[sys.argv[1]](Path(sys.argv[2]))
