"""The training and validation images of a run, with notices about them."""

import os

import numpy as np
from numpy.typing import NDArray

from alexnet import data
from alexnet.config.hyperparameters import Recipe
from alexnet.data.sources import DIGITS
from alexnet.data.unreadable import skipped_notices
from alexnet.errors import UserError
from alexnet.progress import Progress
from alexnet.training.observers import Observer


def find_images(
    source: str | os.PathLike[str], recipe: Recipe, observer: Observer, progress: Progress
) -> data.Dataset:
    """Find the images, split them and pass notices to the observer."""
    return split_images(data.find(source, progress=progress), recipe, observer, progress)


def split_images(
    dataset: data.Dataset, recipe: Recipe, observer: Observer, progress: Progress
) -> data.Dataset:
    """Split a dataset, as `find_images` does."""
    dataset = data.with_split(dataset, recipe.val_fraction, progress)
    for notice in dataset.notices:
        observer.notice(notice)
    if dataset.split_by == "hash":
        observer.notice(
            f"the dataset is not split: holding out {recipe.val_fraction:.0%} for validation, "
            "chosen by a hash of each file's content"
        )
    data.require_trainable(dataset)
    return dataset


def samples_of(dataset: data.Dataset) -> tuple[data.Sample, ...]:
    """Return the training and validation samples; the test set is not touched."""
    return dataset.split("train") + dataset.split("val")


def rows_of(store: data.Store, split: str) -> NDArray[np.int64]:
    """Return the readable rows of a split.

    Raises:
        UserError: none of its images can be read.
    """
    splits = np.array([sample.split for sample in store.samples])
    rows: NDArray[np.int64] = store.rows[splits[store.rows] == split]
    if not len(rows):
        raise UserError(
            f"no image of the {split} split can be read; `alexnet check` lists the reasons"
        )
    return rows


def report_unreadable(store: data.Store, observer: Observer) -> None:
    """Notify the observer of unreadable images that training skips."""
    for notice in skipped_notices(store.unreadable, len(store)):
        observer.notice(f"{notice}; `alexnet check` lists all of them")


def lasting(source: str | os.PathLike[str]) -> str:
    """Return the source as an absolute path; `digits` stays a name."""
    return DIGITS if source == DIGITS else os.path.abspath(source)  # noqa: PTH100
