"""Input images, decoded as `predict` does, with the label that the folder name implies."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.data.augmentation import view_plan
from alexnet.data.gray import to_gray
from alexnet.data.unreadable import skipped_notices, unreadable_message
from alexnet.errors import UserError
from alexnet.prediction.inputs import find_inputs
from alexnet.prediction.reading import read_batches
from alexnet.run import Run

MAX_IMAGES = 24
"""Images in a figure by default."""


@dataclass(frozen=True)
class InputImage:
    """One decoded image."""

    path: str
    pixels: NDArray[np.uint8]
    """The stored image, (resize_px, resize_px, 3), RGB."""
    label: int | None
    """Index of its class if its folder is named after one, otherwise None."""


def read_images(
    run: Run,
    paths: Iterable[str | os.PathLike[str]],
    *,
    max_images: int = MAX_IMAGES,
    workers: int | None = None,
) -> tuple[list[InputImage], tuple[str, ...]]:
    """Read images from paths, folders and patterns; return them with notices about skipped ones.

    Args:
        max_images: If there are more images, read this many, evenly spaced.

    Raises:
        UserError: no images, or none that is readable.
    """
    inputs = list(find_inputs(paths))
    notices = []
    if len(inputs) > max_images:
        notices.append(f"showing {max_images} of {len(inputs):,} images, evenly spaced")
        inputs = [inputs[i * len(inputs) // max_images] for i in range(max_images)]
    results = chain.from_iterable(
        read_batches(inputs, run.preprocessing.resize_px, workers, max_images)
    )
    images: list[InputImage] = []
    unreadable: list[tuple[str, str]] = []
    for source, result in results:
        if isinstance(result, str):
            unreadable.append((source.path, result))
        else:
            label = label_from_folder(source.path, run.classes)
            images.append(InputImage(source.path, result, label))
    if not images:
        raise UserError(unreadable_message(unreadable))
    return images, (*notices, *skipped_notices(unreadable, len(inputs)))


def label_from_folder(path: str, classes: Sequence[str]) -> int | None:
    """Return the index of the class that the image's folder is named after, if any.

    >>> label_from_folder("flowers/rose/1.jpg", ["daisy", "rose"])
    1
    >>> label_from_folder("1.jpg", ["daisy", "rose"])
    """
    folder = Path(path).absolute().parent.name
    # Some file systems return names in another Unicode normalization form.
    names = [unicodedata.normalize("NFC", name) for name in classes]
    folder = unicodedata.normalize("NFC", folder)
    return names.index(folder) if folder in names else None


def crop_for_display(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return the center crop that the network receives as RGB, (crop_px, crop_px, 3).

    If the network takes grayscale images, the three channels are equal.

    >>> settings = Preprocessing(resize_px=9, crop_px=5)
    >>> crop_for_display(np.zeros((9, 9, 3), np.uint8), settings).shape
    (5, 5, 3)
    """
    top, left, height, width = view_plan(preprocessing, 1).boxes[0]
    crop = pixels[top : top + height, left : left + width]
    if preprocessing.channels != "gray":
        return crop
    return to_gray(crop)
