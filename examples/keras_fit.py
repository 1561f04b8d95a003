"""Compile and fit AlexNet as a Keras model, save it, and load its weights into PyTorch.

KERAS_BACKEND=tensorflow python examples/keras_fit.py         # or jax
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # read when Keras is first imported

import keras
import numpy as np
import torch
from sklearn.datasets import load_digits

import alexnet

IMAGE_PX = 64


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the digits as images (N, 64, 64, 3) with values from -1 to 1, and their labels."""
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 8, 8, 1).astype(np.float32) / 8 - 1
    scale = IMAGE_PX // 8
    return images.repeat(scale, axis=1).repeat(scale, axis=2).repeat(3, axis=3), labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--width", type=float, default=0.5, help="of the variant half")
    args = parser.parse_args()

    half = alexnet.architecture("half")
    changes = {
        "num_classes": 10,
        "image_size": IMAGE_PX,
        "widths": tuple(int(args.width * width) for width in half.widths),
        "hidden": tuple(int(args.width * units) for units in half.hidden),
        "init": "damped",  # small images and deep ReLU networks learn from the first epoch on
    }
    keras.utils.set_random_seed(0)
    model = alexnet.keras.functional(half, **changes)
    model.compile(
        keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images, labels = digits()
    model.fit(images, labels, batch_size=64, epochs=args.epochs, validation_split=0.2, verbose=2)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "digits.keras"
        model.save(file)
        # Any reader of alexnet.weights takes the file: here, PyTorch.
        peer = alexnet.AlexNet(half, **changes).eval()
        peer.load_weights(file)
        with torch.no_grad():
            logits = peer(torch.from_numpy(images[:100]).permute(0, 3, 1, 2)).numpy()
    difference = np.abs(logits - model.predict(images[:100], verbose=0)).max()
    print(f"largest difference of a logit between Keras and PyTorch: {difference:.1e}")


if __name__ == "__main__":
    main()
