"""A dataset: its classes and the paths, labels and splits of its images."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from alexnet.errors import UserError
from alexnet.text import join_limited, printable

SPLITS = ("train", "val", "test")


class Sample(NamedTuple):
    """One image: its path, its label (the index of its class) and its split.

    The split is "train", "val" or "test", or "all" if the dataset has no splits.
    """

    path: str
    label: int
    split: str


@dataclass(frozen=True)
class Dataset:
    """Images and their classes; no image is decoded yet.

    Example:
        >>> sample = Sample("pets/cat/1.png", 0, "all")
        >>> dataset = Dataset("pets", Path("pets"), ("cat", "dog"), (sample,))
        >>> dataset.counts()
        {'cat': 1, 'dog': 0}
    """

    source: str
    """The argument of `find`, unchanged."""
    root: Path
    """The folder that contains the images."""
    classes: tuple[str, ...]
    """Class names in natural order, indexed by label."""
    samples: tuple[Sample, ...]
    split_by: str = "none"
    """What the splits come from: "folders", "column", "hash" (of the contents) or "none"."""
    notices: tuple[str, ...] = ()
    """Messages for the user, one line each: skipped files, classes missing from val."""
    by_table: bool = False
    """Whether classes and splits come from a table instead of folders."""

    def split(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of one split, in order."""
        return tuple(sample for sample in self.samples if sample.split == name)

    def counts(self, split: str | None = None) -> dict[str, int]:
        """Return the number of images per class, in one split or in all."""
        per_label = Counter(s.label for s in self.samples if split is None or s.split == split)
        return {name: per_label[label] for label, name in enumerate(self.classes)}


def with_notices(dataset: Dataset, notices: tuple[str, ...]) -> Dataset:
    """Return the dataset with more notices."""
    return replace(dataset, notices=dataset.notices + notices) if notices else dataset


def problems(dataset: Dataset) -> list[str]:
    """Return why the dataset cannot be trained on, one line each; empty if it can."""
    source = printable(dataset.source)
    if len(dataset.classes) < 2:
        needs = "labels" if dataset.by_table else "folders of images, one per class"
        return [
            f"{source}: only one class, {join_limited(list(dataset.classes))}; "
            f"training needs at least two {needs}"
        ]
    if not dataset.split("train"):
        remedy = "set the split of some rows to train"
        if not dataset.by_table:
            remedy = "put them under train/CLASS/ or CLASS/"
        return [f"{source}: no training images; {remedy}"]
    lines = _missing_in_train(dataset, source)
    if not dataset.split("val"):
        remedy = "set the split of some rows to val"
        if not dataset.by_table:
            remedy = "add some under val/CLASS/"
        lines.append(
            f"{source}: no validation images; {remedy}, or add distinct images to each class"
        )
    return lines


def _missing_in_train(dataset: Dataset, source: str) -> list[str]:
    train = dataset.counts("train")
    lines = []
    for split in ("val", "test"):
        counts = dataset.counts(split)
        missing = [name for name in dataset.classes if counts[name] and not train[name]]
        if missing:
            lines.append(
                f"{source}: {_classes(missing)} in {split} but not in train; "
                "add training images or remove the class"
            )
    trained = [name for name in dataset.classes if train[name]]
    if len(trained) == 1 and not lines:
        lines.append(f"{source}: only one class in train, {join_limited(trained)}; add another")
    return lines


def require_trainable(dataset: Dataset) -> None:
    """Raise `UserError` with the first of the dataset's `problems`, if there are any."""
    for problem in problems(dataset):
        raise UserError(problem)


def missing_in_val(dataset: Dataset) -> tuple[str, ...]:
    """Return a notice that names the classes with training but no validation images."""
    train, val = dataset.counts("train"), dataset.counts("val")
    if not any(val.values()):
        return ()
    missing = [name for name in dataset.classes if train[name] and not val[name]]
    return (f"no validation images for {_classes(missing)}",) if missing else ()


def _classes(names: list[str]) -> str:
    return f"{'class' if len(names) == 1 else 'classes'} {join_limited(names)}"
