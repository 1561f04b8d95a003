"""Training and validation images, told apart by a hash of their content."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from alexnet.data.decoding import ImageError, decode
from alexnet.data.folders import in_order, with_notices
from alexnet.data.hashing import EMPTY, fingerprints
from alexnet.data.samples import Dataset, Sample, missing_in_val
from alexnet.errors import UserError
from alexnet.progress import Progress

Contents = dict[int, list[bytes]]
"""The different contents of each class, in the order of their hashes."""


def with_split(
    dataset: Dataset, val_fraction: float = 0.2, progress: Progress | None = None
) -> Dataset:
    """The data set with samples to train and to validate on.

    Where the data has both, it stays as it is. Where it says nothing about splits, or has only
    samples to train on (and perhaps to test), each image's side is drawn from a hash of its
    file's content: so an image stays on its side when others come or go, and copies of one
    image, also in different classes, are on one side.

    A class so small that this leaves it without training or without validation images has one
    content (the one whose hash is highest or lowest) moved to that side, if it has two. Only
    in such a class can an image change sides when others come.

    Args:
        dataset: as `find` returns it.
        val_fraction: share of the images to validate on, above 0 and below 1.
        progress: told how many files have been read.

    Raises:
        UserError: val_fraction is out of range.
    """
    if not 0 < val_fraction < 1:
        raise UserError(
            f"the share of validation images has to be between 0 and 1, got {val_fraction!r}"
        )
    own = "train" if dataset.split_by != "none" else "all"
    if dataset.split_by != "none" and (dataset.split("val") or not dataset.split("train")):
        return dataset
    samples = [sample for sample in dataset.samples if sample.split == own]
    digests = fingerprints([sample.path for sample in samples], progress)
    val = _val_contents(samples, digests, val_fraction)
    split = [
        sample._replace(split="val" if digest in val else "train")
        for sample, digest in zip(samples, digests, strict=True)
    ]
    others = [sample for sample in dataset.samples if sample.split != own]
    new = replace(dataset, samples=in_order(split + others), split_by="hash")
    return with_notices(new, missing_in_val(new))


def _val_contents(
    samples: list[Sample], digests: list[bytes | None], val_fraction: float
) -> set[bytes]:
    """The contents to validate on. A file that cannot be read has none, and counts for train."""
    classes: dict[bytes, set[int]] = defaultdict(set)
    paths: dict[bytes, str] = {}
    for sample, digest in zip(samples, digests, strict=True):
        if digest is not None and digest != EMPTY:
            classes[digest].add(sample.label)
            paths[digest] = sample.path
    contents: Contents = defaultdict(list)
    for digest in sorted(classes):
        for label in classes[digest]:
            contents[label].append(digest)
    threshold = int(val_fraction * 2**64)
    val = {digest for digest in classes if int.from_bytes(digest[:8], "big") < threshold}
    for label in sorted(contents):
        if val.issuperset(contents[label]):
            val.remove(contents[label][-1])
    train_left = {label: sum(d not in val for d in found) for label, found in contents.items()}
    for label in sorted(contents):
        if val.isdisjoint(contents[label]):
            readable = (digest for digest in contents[label] if _can_be_read(paths[digest]))
            _move_one(readable, classes, train_left, val)
    return val


def _move_one(
    contents: Iterable[bytes],
    classes: dict[bytes, set[int]],
    train_left: dict[int, int],
    val: set[bytes],
) -> None:
    """Move the lowest content to val that leaves every class something to train on."""
    for digest in contents:
        if all(train_left[label] > 1 for label in classes[digest]):
            val.add(digest)
            for label in classes[digest]:
                train_left[label] -= 1
            return


def _can_be_read(path: str) -> bool:
    try:
        decode(path, size_px=8)
    except ImageError:
        return False
    return True
