"""The images to look at: read as `predict` reads them, with their class where it is known."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.data.augmentation import LUMA, view_plan
from alexnet.errors import UserError
from alexnet.prediction.inputs import Input, find_inputs
from alexnet.prediction.reading import read_batches
from alexnet.run import Run
from alexnet.text import counted, printable, some

FEW = 24
"""Images that a figure shows unless another number is asked for."""


@dataclass(frozen=True)
class Seen:
    """One image that could be read."""

    path: str
    pixels: NDArray[np.uint8]
    """The kept square, (resize_px, resize_px, 3), RGB."""
    truth: int | None
    """Number of its class, where the folder that it lies in has the name of one."""


def read_images(
    run: Run,
    paths: Iterable[str | os.PathLike[str]],
    *,
    count: int = FEW,
    workers: int | None = None,
) -> tuple[list[Seen], tuple[str, ...]]:
    """The images that paths, folders and patterns stand for, and what to say of them.

    Args:
        count: of more than so many images these are taken, spread evenly over all.

    Raises:
        UserError: no images, or none that can be read.
    """
    inputs = list(find_inputs(paths))
    notices = []
    if len(inputs) > count:
        notices.append(f"{len(inputs):,} images given; {count} of them, evenly spread, are shown")
        inputs = [inputs[i * len(inputs) // count] for i in range(count)]
    read = chain.from_iterable(read_batches(inputs, run.preprocessing.resize_px, workers, count))
    seen: list[Seen] = []
    broken: list[tuple[Input, str]] = []
    for one, found in read:
        if isinstance(found, str):
            broken.append((one, found))
        else:
            seen.append(Seen(one.path, found, truth_of(one.path, run.classes)))
    reasons = [(one.path, reason) for one, reason in broken]
    if not seen:
        raise UserError(none_readable(reasons))
    return seen, (*notices, *say_broken(reasons, len(inputs)))


def truth_of(path: str, classes: Sequence[str]) -> int | None:
    """The class whose name the image's folder has.

    >>> truth_of("flowers/rose/1.jpg", ["daisy", "rose"]), truth_of("1.jpg", ["daisy"])
    (1, None)
    """
    folder = Path(path).absolute().parent.name
    # File systems change one way to write a letter into another that looks the same.
    names = [unicodedata.normalize("NFC", name) for name in classes]
    folder = unicodedata.normalize("NFC", folder)
    return names.index(folder) if folder in names else None


def crop_seen(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The part of a kept square that the network is shown, (crop_px, crop_px, 3); gray if it is so.

    >>> crop_seen(np.zeros((9, 9, 3), np.uint8), Preprocessing(resize_px=9, crop_px=5)).shape
    (5, 5, 3)
    """
    top, left, height, width = view_plan(preprocessing, 1).boxes[0]
    crop = pixels[top : top + height, left : left + width]
    if preprocessing.channels != "gray":
        return crop
    gray = np.rint(crop.astype(np.float32) @ LUMA).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def none_readable(broken: Sequence[tuple[str, str]]) -> str:
    """One line on images of which not one can be read."""
    path, reason = broken[0]
    others = f"; {len(broken) - 1:,} more cannot be read either" if len(broken) > 1 else ""
    return f"{printable(path)} cannot be read: {reason}{others}"


def say_broken(broken: Sequence[tuple[str, str]], of: int) -> tuple[str, ...]:
    """A notice of what was left out, if anything was."""
    if not broken:
        return ()
    named = [f"{printable(path)} ({reason})" for path, reason in broken]
    return (f"{len(broken)} of {counted(of, 'image')} left out, unreadable: {some(named)}",)
