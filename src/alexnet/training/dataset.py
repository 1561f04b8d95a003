"""The images of a training: found, split, and said of them what a person should know."""

import os

import numpy as np
from numpy.typing import NDArray

from alexnet import data
from alexnet.config.hyperparameters import Recipe
from alexnet.data.sources import DIGITS
from alexnet.errors import UserError
from alexnet.progress import Progress
from alexnet.text import counted
from alexnet.training.observers import Observer


def find_images(
    source: str | os.PathLike[str], recipe: Recipe, observer: Observer, progress: Progress
) -> data.Dataset:
    """The images with their splits; says what a person should know of them."""
    return split_images(data.find(source, progress=progress), recipe, observer, progress)


def split_images(
    found: data.Dataset, recipe: Recipe, observer: Observer, progress: Progress
) -> data.Dataset:
    """As `find_images`, of images that are found already."""
    found = data.with_split(found, recipe.val_fraction, progress)
    for notice in found.notices:
        observer.notice(notice)
    if found.split_by == "hash":
        observer.notice(
            f"the data is not split: {recipe.val_fraction:.0%} of it is for validation, chosen by a "
            "hash of each file's content"
        )
    data.require_trainable(found)
    return found


def samples_of(found: data.Dataset) -> tuple[data.Sample, ...]:
    """Those that the store keeps: the test split is not looked at."""
    return found.split("train") + found.split("val")


def rows_of(store: data.Store, split: str) -> NDArray[np.int64]:
    """The readable rows of a split.

    Raises:
        UserError: none of its images can be read.
    """
    splits = np.array([sample.split for sample in store.samples])
    rows: NDArray[np.int64] = store.rows[splits[store.rows] == split]
    if not len(rows):
        raise UserError(f"no image of {split} can be read; `alexnet check` says why for each")
    return rows


def say_broken(store: data.Store, observer: Observer) -> None:
    """Name what training goes on without."""
    if not store.broken:
        return
    first, reason = store.broken[0]
    what = counted(len(store.broken), "unreadable image")
    more = ", … (`alexnet check` lists them)" if len(store.broken) > 1 else ""
    observer.notice(f"training goes on without {what}: {first.path} ({reason}){more}")


def lasting(source: str | os.PathLike[str]) -> str:
    """The source as it is found again from any folder; the name `digits` is one already."""
    return DIGITS if source == DIGITS else os.path.abspath(source)  # noqa: PTH100
