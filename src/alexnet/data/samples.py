"""What a data set is: classes, and where its images lie."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alexnet.errors import UserError
from alexnet.text import printable, some

SPLITS = ("train", "val", "test")

_UNDER_TRAIN = "put them under train/CLASS/ or CLASS/"


class Sample(NamedTuple):
    """One image: its file, the number of its class, and its split.

    The split is "train", "val" or "test", or "all" where the data says nothing about splits.
    """

    path: str
    label: int
    split: str


@dataclass(frozen=True)
class Dataset:
    """Images and their classes, as found; nothing is decoded yet.

    Example:
        >>> sample = Sample("pets/cat/1.png", 0, "all")
        >>> data = Dataset("pets", Path("pets"), ("cat", "dog"), (sample,))
        >>> data.counts()
        {'cat': 1, 'dog': 0}
    """

    source: str
    """As the person gave it."""
    root: Path
    """The folder under which the images lie."""
    classes: tuple[str, ...]
    """Names in natural order; a sample's label is the place of its class here."""
    samples: tuple[Sample, ...]
    split_by: str = "none"
    """What put the samples into splits: "folders", "column", "hash" of the content, or "none"."""
    notices: tuple[str, ...] = ()
    """What a person should know, one line each: what was skipped, which class val lacks."""
    by_table: bool = False
    """Whether a table names the classes and splits, and not the folders."""

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split, in their order."""
        return tuple(sample for sample in self.samples if sample.split == name)

    def counts(self, split: str | None = None) -> dict[str, int]:
        """Number of images of each class, in one split or in all."""
        found = Counter(s.label for s in self.samples if split is None or s.split == split)
        return {name: found[label] for label, name in enumerate(self.classes)}


def natural_key(name: str) -> tuple[list[tuple[str, int, str]], str]:
    """Sorts names as people do: numbers by value, then letters without their case, then exactly.

    >>> sorted(["10", "2", "b", "A", "1", "a"], key=natural_key)
    ['1', '2', '10', 'A', 'a', 'b']
    """
    parts: list[tuple[str, int, str]] = []
    for text, number in re.findall(r"([^0-9]*)([0-9]*)", name.casefold()):
        digits = number.lstrip("0")
        parts.append((text, len(digits) if number else -1, digits))
    return parts, name


def problems(dataset: Dataset) -> list[str]:
    """Why training could not work with these splits, one line each; nothing when it could."""
    source = printable(dataset.source)
    train, val = dataset.counts("train"), dataset.counts("val")
    if len(dataset.classes) < 2:
        needs = "different labels" if dataset.by_table else "folders of images, one for each class"
        return [
            f"{source}: only one class, {some(list(dataset.classes))}; "
            f"training needs at least two {needs}"
        ]
    if not any(train.values()):
        where = "give lines the split train" if dataset.by_table else _UNDER_TRAIN
        return [f"{source}: no images to train on; {where}"]
    found = [*_lacking_train(dataset, source)]
    if not any(val.values()):
        where = "give lines the split val" if dataset.by_table else "add some under val/CLASS/"
        found.append(
            f"{source}: no images to validate on; {where}, or more different images to each class"
        )
    return found


def _lacking_train(dataset: Dataset, source: str) -> list[str]:
    train, found = dataset.counts("train"), []
    for split in ("val", "test"):
        here = dataset.counts(split)
        lacking = [name for name in dataset.classes if here[name] and not train[name]]
        if lacking:
            found.append(
                f"{source}: {'class' if len(lacking) == 1 else 'classes'} {some(lacking)} "
                f"in {split} but not in train; add training images or take the class out"
            )
    trained = [name for name in dataset.classes if train[name]]
    if len(trained) == 1 and not found:
        found.append(f"{source}: train holds only one class, {some(trained)}; add another")
    return found


def require_trainable(dataset: Dataset) -> None:
    """Raise `UserError`, in one line, when training could not work with these splits."""
    for problem in problems(dataset):
        raise UserError(problem)


def missing_in_val(dataset: Dataset) -> tuple[str, ...]:
    """A notice that names the classes with training images and none to validate on."""
    train, val = dataset.counts("train"), dataset.counts("val")
    if not any(val.values()):
        return ()
    missing = [name for name in dataset.classes if train[name] and not val[name]]
    if not missing:
        return ()
    noun = "class" if len(missing) == 1 else "classes"
    return (f"{noun} without validation images: {some(missing)}",)
