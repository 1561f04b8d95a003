"""Check a dataset: read every image, and report unreadable and duplicate ones."""

# ruff: noqa: PTH118
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from alexnet.data.decoding import ImageError, read_image
from alexnet.data.hashing import fingerprints
from alexnet.data.parallel import ordered_map
from alexnet.data.samples import Dataset, Sample, problems
from alexnet.data.sources import find
from alexnet.data.splitting import with_split
from alexnet.progress import Progress, no_progress
from alexnet.text import join_limited, printable

# Only decoding shows that a file can be decoded; the pixels are not used.
_PROBE_PX = 32


@dataclass(frozen=True)
class Size:
    """Width and height of one image in pixels, and its path."""

    width: int
    height: int
    path: str

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class CheckReport:
    """The result of `check`. Paths are relative to the root if they are under it."""

    source: str
    classes: dict[str, dict[str, int]]
    """Number of readable images by class and split."""
    split_by: str
    """What the splits come from: "folders", "column" or "hash" (of the contents)."""
    images: int
    """Number of readable images."""
    sizes: dict[str, Size]
    """The "smallest", "median" and "largest" image by its number of pixels."""
    formats: dict[str, int]
    """Number of readable images by format."""
    unreadable: dict[str, str]
    """Reason by path."""
    duplicates: list[list[str]]
    """Groups of files with the same content."""
    across_splits: list[list[str]]
    """Groups of duplicates in more than one split: leakage between splits."""
    across_classes: list[list[str]]
    """Groups of duplicates in more than one class."""
    imbalance: float | None
    """Size of the largest class divided by that of the smallest; None without images."""
    notices: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    """Why the dataset cannot be trained on; empty if it can."""

    @property
    def trainable(self) -> bool:
        """Whether the dataset can be trained on."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dict that can be written as JSON."""
        return {**_jsonable(asdict(self)), "trainable": self.trainable}


def check(
    source: "str | os.PathLike[str]",
    workers: int | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Read every image of a dataset and report what is in it, without changing or caching it.

    Args:
        source: as for `find`. If the dataset has no validation set, the report has the split
            that `with_split` makes.
        workers: number of decoding threads; one per core if None.
        progress: reports how many images have been read.

    Raises:
        UserError: the path does not exist, or no image belongs to a class.
    """
    progress = progress or no_progress
    dataset = with_split(find(source, progress=progress), progress=progress)
    results = _read_all(dataset.samples, workers, progress)
    readable = [
        s for s, result in zip(dataset.samples, results, strict=True) if not isinstance(result, str)
    ]
    shapes = [result for result in results if not isinstance(result, str)]
    sizes = [
        Size(width, height, _relative(sample, dataset))
        for sample, (width, height, _) in zip(readable, shapes, strict=True)
    ]
    groups = _duplicates(readable, progress)
    readable_dataset = replace(dataset, samples=tuple(readable))
    counts = Counter((s.label, s.split) for s in readable)
    per_class = Counter(s.label for s in readable)
    return CheckReport(
        source=dataset.source,
        classes={
            name: {split: counts[label, split] for split in _splits(dataset)}
            for label, name in enumerate(dataset.classes)
        },
        split_by=dataset.split_by,
        images=len(readable),
        sizes=_extremes(sizes),
        formats=dict(Counter(name for _, _, name in shapes).most_common()),
        unreadable={
            _relative(s, dataset): result
            for s, result in zip(dataset.samples, results, strict=True)
            if isinstance(result, str)
        },
        duplicates=_paths(groups, dataset),
        across_splits=_paths([g for g in groups if len({s.split for s in g}) > 1], dataset),
        across_classes=_paths([g for g in groups if len({s.label for s in g}) > 1], dataset),
        imbalance=max(per_class.values()) / min(per_class.values()) if per_class else None,
        notices=dataset.notices + _unreadable_classes(dataset, per_class),
        problems=_problems(readable_dataset),
    )


def _problems(readable: Dataset) -> list[str]:
    source = printable(readable.source)
    if not readable.samples:
        return [f"{source}: none of the images is readable"]
    lines = problems(readable)
    with_images = sum(count > 0 for count in readable.counts().values())
    if with_images < 2 and with_images < len(readable.classes):
        lines.append(f"{source}: fewer than two classes have readable images")
    return lines


def _unreadable_classes(dataset: Dataset, readable: Counter[int]) -> tuple[str, ...]:
    names = [name for label, name in enumerate(dataset.classes) if not readable[label]]
    noun = "class" if len(names) == 1 else "classes"
    return (f"no readable images in {noun} {join_limited(names)}",) if names else ()


def _splits(dataset: Dataset) -> list[str]:
    present = {sample.split for sample in dataset.samples}
    return [split for split in ("train", "val", "test", "all") if split in present]


def _read_all(
    samples: Sequence[Sample], workers: int | None, progress: Progress
) -> "list[tuple[int, int, str] | str]":
    """Return width, height and format of each image, or the reason why it is unreadable."""

    def read(path: str) -> "tuple[int, int, str] | str":
        try:
            image = read_image(path, _PROBE_PX)
        except ImageError as error:
            return str(error)
        return image.width, image.height, image.format

    results = []
    with progress("checking images", len(samples)) as steps:
        for result in ordered_map(read, (sample.path for sample in samples), workers):
            results.append(result)
            steps.advance()
    return results


def _duplicates(samples: Sequence[Sample], progress: Progress) -> list[list[Sample]]:
    groups: dict[bytes, list[Sample]] = defaultdict(list)
    digests = fingerprints([sample.path for sample in samples], progress)
    for sample, digest in zip(samples, digests, strict=True):
        if digest is not None:
            groups[digest].append(sample)
    return [group for group in groups.values() if len(group) > 1]


def _extremes(sizes: list[Size]) -> dict[str, Size]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: size.width * size.height)
    ranks = {"smallest": 0, "median": (len(ordered) - 1) // 2, "largest": -1}
    return {name: ordered[rank] for name, rank in ranks.items()}


def _paths(groups: list[list[Sample]], dataset: Dataset) -> list[list[str]]:
    return [[_relative(sample, dataset) for sample in group] for group in groups]


def _relative(sample: Sample, dataset: Dataset) -> str:
    prefix = os.path.join(dataset.root, "")
    return sample.path.removeprefix(prefix)


def _jsonable(value: Any) -> Any:
    """Escape the bytes in file names that are not UTF-8, which JSON cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {_jsonable(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value
