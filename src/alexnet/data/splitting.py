"""Hold out validation images by a hash of their content."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from alexnet.data.decoding import ImageError, decode
from alexnet.data.folders import in_order
from alexnet.data.hashing import EMPTY, fingerprints
from alexnet.data.samples import Dataset, Sample, missing_in_val, with_notices
from alexnet.errors import UserError
from alexnet.progress import Progress


def with_split(
    dataset: Dataset, val_fraction: float = 0.2, progress: Progress | None = None
) -> Dataset:
    """Return the dataset with a training and a validation set.

    A dataset that has both is returned unchanged. Otherwise (no splits, or only training and
    perhaps test samples), a hash of its file's content assigns each image to train or val. So
    an image stays in its split when others are added or removed, and duplicates, also those in
    different classes, are in the same split.

    If this leaves a small class without training or without validation images, the content
    with the highest or lowest hash moves to that split, provided the class has two. Only in
    such a class can an image change its split when others are added.

    Args:
        dataset: as returned by `find`.
        val_fraction: fraction of the images to hold out, above 0 and below 1.
        progress: reports how many files have been read.

    Raises:
        UserError: val_fraction is out of range.
    """
    if not 0 < val_fraction < 1:
        raise UserError(
            f"invalid value for val_fraction: expected above 0 and below 1, got {val_fraction!r}"
        )
    pool = "train" if dataset.split_by != "none" else "all"
    if dataset.split_by != "none" and (dataset.split("val") or not dataset.split("train")):
        return dataset
    samples = [sample for sample in dataset.samples if sample.split == pool]
    digests = fingerprints([sample.path for sample in samples], progress)
    val = _choose_val(samples, digests, val_fraction)
    split = [
        sample._replace(split="val" if digest in val else "train")
        for sample, digest in zip(samples, digests, strict=True)
    ]
    others = [sample for sample in dataset.samples if sample.split != pool]
    result = replace(dataset, samples=in_order(split + others), split_by="hash")
    return with_notices(result, missing_in_val(result))


def _choose_val(
    samples: list[Sample], digests: list[bytes | None], val_fraction: float
) -> set[bytes]:
    """Return the digests to hold out; unreadable and empty files stay in train."""
    labels_of: dict[bytes, set[int]] = defaultdict(set)
    paths: dict[bytes, str] = {}
    for sample, digest in zip(samples, digests, strict=True):
        if digest is not None and digest != EMPTY:
            labels_of[digest].add(sample.label)
            paths[digest] = sample.path
    by_label: dict[int, list[bytes]] = defaultdict(list)
    for digest in sorted(labels_of):
        for label in labels_of[digest]:
            by_label[label].append(digest)
    threshold = int(val_fraction * 2**64)
    val = {digest for digest in labels_of if int.from_bytes(digest[:8], "big") < threshold}
    for label in sorted(by_label):
        if val.issuperset(by_label[label]):
            val.remove(by_label[label][-1])
    train_left = {label: sum(d not in val for d in own) for label, own in by_label.items()}
    for label in sorted(by_label):
        if val.isdisjoint(by_label[label]):
            readable = (digest for digest in by_label[label] if _is_readable(paths[digest]))
            _move_one(readable, labels_of, train_left, val)
    return val


def _move_one(
    digests: Iterable[bytes],
    labels_of: dict[bytes, set[int]],
    train_left: dict[int, int],
    val: set[bytes],
) -> None:
    """Move to val the first content that leaves every class a training image."""
    for digest in digests:
        if all(train_left[label] > 1 for label in labels_of[digest]):
            val.add(digest)
            for label in labels_of[digest]:
                train_left[label] -= 1
            return


def _is_readable(path: str) -> bool:
    try:
        decode(path, size_px=8)
    except ImageError:
        return False
    return True
