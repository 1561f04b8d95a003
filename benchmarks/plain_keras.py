"""The peer of `backends.py`: AlexNet in Keras as a tutorial writes it, fed by Keras' own loader.

usage: KERAS_BACKEND=tensorflow plain_keras.py DATA     (DATA holds train/ with a folder a class)

The layers are those of the seed's functional network: padding to 227, 96-256-384-384-256, 2048
units, dropout 0.2, softmax; Adam at 2e-4, batches of 32, `image_dataset_from_directory`, flipped
at random.
Prints the images a second of the second epoch, loading included.
"""

import sys
import time
from pathlib import Path

import keras
from keras import layers

BATCH, PIXELS = 32, 224


def network(classes: int) -> keras.Model:
    inputs = keras.Input((PIXELS, PIXELS, 3))
    x = layers.ZeroPadding2D(((1, 2), (1, 2)))(inputs)
    x = layers.Conv2D(96, 11, strides=4, activation="relu")(x)
    x = layers.MaxPool2D(3, 2)(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu")(x)
    x = layers.MaxPool2D(3, 2)(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu")(x)
    x = layers.MaxPool2D(3, 2)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dropout(0.2)(x)
        x = layers.Dense(2048, activation="relu")(x)
    return keras.Model(inputs, layers.Softmax()(layers.Dense(classes)(x)))


class Clock(keras.callbacks.Callback):
    seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seconds = time.perf_counter() - self.start


def main() -> None:
    folder = Path(sys.argv[1]) / "train"
    images = keras.utils.image_dataset_from_directory(
        folder, image_size=(PIXELS, PIXELS), batch_size=BATCH, label_mode="int", verbose=False
    )
    classes = len(images.class_names)
    mirror, scale = layers.RandomFlip("horizontal"), layers.Rescaling(1 / 127.5, -1)
    model, clock = network(classes), Clock()
    model.compile(keras.optimizers.Adam(2e-4), keras.losses.SparseCategoricalCrossentropy())
    loaded = images.map(lambda x, y: (scale(mirror(x, training=True)), y)).prefetch(2)
    model.fit(loaded, epochs=2, verbose=0, callbacks=[clock])
    count = len(list(folder.glob("*/*")))
    print(f"train {count / clock.seconds:.1f} images/s")


main()
