"""Read a whole data set and say what is in it and what is wrong with it."""

# ruff: noqa: PTH118
# Paths are texts here: a million of them take a fifth of the memory of Path objects.

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alexnet.data.decoding import ImageError, read_image
from alexnet.data.hashing import fingerprints
from alexnet.data.parallel import ordered_map
from alexnet.data.samples import Dataset, Sample, problems
from alexnet.data.sources import find
from alexnet.data.splitting import with_split
from alexnet.progress import Progress, no_progress
from alexnet.text import printable, some

# The pixels are not looked at here, but only decoding shows that a file can be decoded.
_PROBE_PX = 32


@dataclass(frozen=True)
class Size:
    """Width and height of one image, in pixels, and which it is."""

    width: int
    height: int
    path: str

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class CheckReport:
    """What `check` found. Paths are relative to the root where they lie under it."""

    source: str
    classes: dict[str, dict[str, int]]
    """Readable images of each class by split."""
    split_by: str
    """What put images into splits: "folders", "column" or "hash" of the content."""
    images: int
    """Readable images; `unreadable` come on top."""
    sizes: dict[str, Size]
    """The "smallest", "median" and "largest" image by its number of pixels."""
    formats: dict[str, int]
    unreadable: dict[str, str]
    """Path and reason."""
    copies: list[list[str]]
    """Groups of files with the same content."""
    across_splits: list[list[str]]
    """Groups of copies that are in more than one split."""
    across_classes: list[list[str]]
    """Groups of copies that are in more than one class."""
    imbalance: float | None
    """Images of the largest class divided by those of the smallest; None with none."""
    notices: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    """Why training could not work; empty when it could."""

    @property
    def trainable(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold."""
        from dataclasses import asdict

        return {**_plain(asdict(self)), "trainable": self.trainable}


def check(
    source: "str | os.PathLike[str]",
    workers: int | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Read every image of a data set; nothing is kept and nothing is written into the data.

    Args:
        source: as for `find`. Where the data has no validation images, the report tells
            which `with_split` would take.
        workers: threads that read; all cores when not given.
        progress: told how many images have been read.

    Raises:
        UserError: the path does not exist, or holds no images that belong to a class.
    """
    progress = progress or no_progress
    dataset = with_split(find(source, progress=progress), progress=progress)
    found = _read_all(dataset.samples, workers, progress)
    readable = [
        s for s, result in zip(dataset.samples, found, strict=True) if not isinstance(result, str)
    ]
    shapes = [result for result in found if not isinstance(result, str)]
    sizes = [
        Size(width, height, _relative(sample, dataset))
        for sample, (width, height, _) in zip(readable, shapes, strict=True)
    ]
    groups = _copies(readable, progress)
    sound = replace(dataset, samples=tuple(readable))
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
            for s, result in zip(dataset.samples, found, strict=True)
            if isinstance(result, str)
        },
        copies=_paths(groups, dataset),
        across_splits=_paths([g for g in groups if len({s.split for s in g}) > 1], dataset),
        across_classes=_paths([g for g in groups if len({s.label for s in g}) > 1], dataset),
        imbalance=max(per_class.values()) / min(per_class.values()) if per_class else None,
        notices=dataset.notices + _unreadable_classes(dataset, per_class),
        problems=_problems(sound, len(readable)),
    )


def _problems(sound: Dataset, readable: int) -> list[str]:
    if not readable:
        return [f"{printable(sound.source)}: none of the images can be read"]
    found = problems(sound)
    counts = sound.counts()
    empty = [name for name in sound.classes if not counts[name]]
    if empty and len(sound.classes) - len(empty) < 2:
        found.append(
            f"{printable(sound.source)}: fewer than two classes have images that can be read"
        )
    return found


def _unreadable_classes(dataset: Dataset, readable: Counter[int]) -> tuple[str, ...]:
    lost = [name for label, name in enumerate(dataset.classes) if not readable[label]]
    noun = "class" if len(lost) == 1 else "classes"
    return (f"{noun} without an image that can be read: {some(lost)}",) if lost else ()


def _splits(dataset: Dataset) -> list[str]:
    present = {sample.split for sample in dataset.samples}
    return [split for split in ("train", "val", "test", "all") if split in present]


def _read_all(
    samples: Sequence[Sample], workers: int | None, progress: Progress
) -> "list[tuple[int, int, str] | str]":
    """Width, height and format of each image, or why it cannot be read."""

    def read(path: str) -> "tuple[int, int, str] | str":
        try:
            image = read_image(path, _PROBE_PX)
        except ImageError as error:
            return str(error)
        return image.width, image.height, image.format

    found = []
    with progress("checking images", len(samples)) as steps:
        for result in ordered_map(read, (sample.path for sample in samples), workers):
            found.append(result)
            steps.advance()
    return found


def _copies(samples: Sequence[Sample], progress: Progress) -> list[list[Sample]]:
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
    places = {"smallest": 0, "median": (len(ordered) - 1) // 2, "largest": -1}
    return {name: ordered[place] for name, place in places.items()}


def _paths(groups: list[list[Sample]], dataset: Dataset) -> list[list[str]]:
    return [[_relative(sample, dataset) for sample in group] for group in groups]


def _relative(sample: Sample, dataset: Dataset) -> str:
    prefix = os.path.join(dataset.root, "")
    return sample.path.removeprefix(prefix)


def _plain(value: Any) -> Any:
    """The value with texts that any JSON reader takes: bytes that are no UTF-8 are escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
