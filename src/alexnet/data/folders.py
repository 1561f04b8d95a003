"""Images in folders: ROOT/CLASS/… and ROOT/{train,val,test}/CLASS/…"""

# ruff: noqa: PTH100, PTH116, PTH118, PTH122, PTH208
# Paths are texts here: a million of them take a fifth of the memory of Path objects.

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from alexnet.data.decoding import IMAGE_SUFFIXES
from alexnet.data.samples import SPLITS, Dataset, Sample, missing_in_val, natural_key
from alexnet.errors import UserError
from alexnet.text import counted, printable, some

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""What folders and cells of a table call a split, in lower case."""

_JUNK = ("__MACOSX",)

# Beside an image lie its mask, its boxes, a text or two; a disk of programs has far more.
_MOST_OTHERS = 10
_OTHERS_UNQUESTIONED = 1_000

# Annotations of a million images may come first, so only then is it clear what this is not.
_MOST_OTHERS_FIRST = 1_000_000


def is_image_name(name: str) -> bool:
    """Whether a file is taken for an image: by its suffix.

    >>> is_image_name("a.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


@dataclass
class Skipped:
    """What the walk left out, for the notices."""

    hidden: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    looped: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """Folders with images beside those of the splits."""
    stray: Counter[str] = field(default_factory=Counter)
    """Number of images that lie where no class is, by folder."""
    others: int = 0
    """Number of files that are no images."""

    def notices(self) -> tuple[str, ...]:
        lines = [
            _notice(self.hidden, "hidden folder", "skipped"),
            _notice(self.empty, "folder without images", "skipped", "folders without images"),
            _notice(
                self.unreadable,
                "folder that cannot be read",
                "skipped",
                "folders that cannot be read",
            ),
            _notice(
                self.looped,
                "folder linked into itself",
                "seen once",
                "folders linked into themselves",
            ),
        ]
        lines.append(_notice(self.beside, "folder", "beside the splits left out"))
        for folder, count in self.stray.items():
            lines.append(
                f"{counted(count, 'image')} left out, directly in {printable(folder)} "
                "and not in the folder of a class"
            )
        if self.others:
            lines.append(f"{counted(self.others, 'file')} of other kinds left out")
        return tuple(line for line in lines if line)


def _notice(names: list[str], noun: str, what: str, plural: str | None = None) -> str:
    return f"{counted(len(names), noun, plural)} {what}: {some(names)}" if names else ""


def find_in_folder(root: Path, source: str) -> Dataset:
    """The images under a folder; see `alexnet.data.find`.

    Raises:
        UserError: no images, or none in the folder of a class.
    """
    skipped = Skipped()
    root_text = os.path.abspath(root)
    if Path(root_text).parent == Path(root_text):
        raise UserError(
            f"{printable(source)}: this is the whole file system; "
            "give the folder that holds a folder of images for each class"
        )
    top = _list(root_text, skipped, root_text)
    if top is None:
        raise UserError(f"{printable(source)}: this folder cannot be read: permission denied")
    ancestors = frozenset(filter(None, [_identity(root_text)]))
    children: dict[str, list[str]] = {}
    for name in top.folders:
        if files := _walk(root_text, name, ancestors, skipped):
            children[name] = files
        _check_share(sum(map(len, children.values())), skipped.others, source, _MOST_OTHERS_FIRST)
    _check_share(sum(map(len, children.values())), skipped.others, source, _OTHERS_UNQUESTIONED)
    if not children:
        raise _nothing_found(top.images, skipped, root_text, source)
    if top.images:
        skipped.stray[source] = len(top.images)
    splits = _split_folders(children, source)
    if splits:
        skipped.beside += [name for name in children if name not in splits]
        found = _in_splits(children, splits, skipped)
    else:
        found = [(name, "all", path) for name, paths in children.items() for path in paths]
    if not found:
        raise UserError(
            f"{printable(source)}: the images lie directly in {some(sorted(splits))}; "
            "put them in folders named after their classes, as in train/CLASS/"
        )
    return _dataset(root_text, source, found, "folders" if splits else "none", skipped)


def _check_share(images: int, others: int, source: str, unquestioned: int) -> None:
    """Refuse a folder of something else, in which the images that were found are by the way."""
    if images and others > max(unquestioned, _MOST_OTHERS * images):
        raise UserError(
            f"{printable(source)}: {counted(images, 'image')} among {others:,} files of other "
            "kinds are no data set; give the folder that holds a folder of images for each "
            "class, or a table with the columns path,label"
        )


def _dataset(
    root: str, source: str, found: list[tuple[str, str, str]], split_by: str, skipped: Skipped
) -> Dataset:
    # One name may be written in two ways that look the same: é as one letter, or as e and accent.
    normal = {name: unicodedata.normalize("NFC", name) for name, _, _ in found}
    classes = tuple(sorted(set(normal.values()), key=natural_key))
    labels = {name: label for label, name in enumerate(classes)}
    samples = [
        Sample(root + os.sep + path, labels[normal[name]], split) for name, split, path in found
    ]
    dataset = Dataset(source, Path(root), classes, in_order(samples), split_by, skipped.notices())
    return with_notices(dataset, missing_in_val(dataset))


def in_order(samples: list[Sample]) -> tuple[Sample, ...]:
    """Samples by split, class and path."""
    place = {split: i for i, split in enumerate((*SPLITS, "all"))}
    return tuple(sorted(samples, key=lambda s: (place[s.split], s.label, s.path)))


def with_notices(dataset: Dataset, notices: tuple[str, ...]) -> Dataset:
    """The data set with more to tell."""
    from dataclasses import replace

    return replace(dataset, notices=dataset.notices + notices) if notices else dataset


def _nothing_found(images: list[str], skipped: Skipped, root: str, source: str) -> UserError:
    shown = printable(source)
    if images:
        tables = [n for n in sorted(os.listdir(root)) if n.lower().endswith((".csv", ".tsv"))]
        table = f", or give the table: {some([os.path.join(source, tables[0])])}" if tables else ""
        return UserError(
            f"{shown}: {counted(len(images), 'image')} directly in this folder; "
            f"put each into a folder named after its class, CLASS/{printable(images[0])}{table}"
        )
    if skipped.unreadable:
        return UserError(
            f"{shown}: no images, and {counted(len(skipped.unreadable), 'folder')} that cannot "
            f"be read: {some(skipped.unreadable)}; change the permissions"
        )
    return UserError(
        f"{shown}: no images found; expected CLASS/image.jpg or train/CLASS/image.jpg "
        "(JPEG, PNG, WebP, BMP, GIF or TIFF)"
    )


def _split_folders(children: dict[str, list[str]], source: str) -> dict[str, str]:
    """The folders that are splits, with the split of each; empty where all are classes.

    A class may be called train (beside car and plane). So such a folder is a split only when
    it holds the folders of classes, and either nothing else is there or another split is.
    """
    named = {n: SPLIT_NAMES[n.casefold()] for n in children if n.casefold() in SPLIT_NAMES}
    deep = {name for name in named if any(path.count(os.sep) > 1 for path in children[name])}
    if len(named) == len(children):
        if not deep:
            raise UserError(
                f"{printable(source)}: the images lie directly in {some(sorted(named))}; "
                "put them in folders named after their classes, as in train/CLASS/"
            )
        return named
    has_both = {"train", "val"} <= {named[n] for n in deep} or {"train", "test"} <= {
        named[n] for n in deep
    }
    return named if has_both else {}


def _in_splits(
    children: dict[str, list[str]], splits: dict[str, str], skipped: Skipped
) -> list[tuple[str, str, str]]:
    """(class, split, path) of each image under a folder that is a split."""
    found = []
    for folder, split in splits.items():
        for path in children[folder]:
            parts = path.split(os.sep, 2)
            if len(parts) == 3:
                found.append((parts[1], split, path))
            else:
                skipped.stray[folder] += 1
    return found


@dataclass
class _Listing:
    folders: list[str]
    images: list[str]


def _list(folder: str, skipped: Skipped, root: str) -> _Listing | None:
    """What lies in a folder, without what is hidden; None when it cannot be read."""
    listing = _Listing([], [])
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                _sort_in(entry, listing, skipped, root)
    except OSError:
        return None
    listing.folders.sort()
    return listing


def _sort_in(entry: "os.DirEntry[str]", listing: _Listing, skipped: Skipped, root: str) -> None:
    name = entry.name
    try:
        is_folder = entry.is_dir()
    except OSError:  # a link that leads nowhere, or in circles
        is_folder = False
    if name.startswith(".") or name in _JUNK:
        if is_folder:
            skipped.hidden.append(os.path.relpath(entry.path, root))
    elif is_folder:
        listing.folders.append(name)
    elif is_image_name(name):
        listing.images.append(name)
    else:
        skipped.others += 1


def _walk(root: str, name: str, ancestors: frozenset[object], skipped: Skipped) -> list[str]:
    """Paths, relative to root, of the images anywhere under root/name, each folder once."""
    seen = set(ancestors)
    found: list[str] = []
    waiting = [name]
    while waiting:
        folder = waiting.pop()
        path = root + os.sep + folder
        identity = _identity(path)
        if identity in seen:
            skipped.looped.append(folder)
            continue
        seen.add(identity)
        listing = _list(path, skipped, root)
        if listing is None:
            skipped.unreadable.append(folder)
            continue
        if not listing.images and not listing.folders:
            skipped.empty.append(folder)
        found += [folder + os.sep + image for image in listing.images]
        waiting += [folder + os.sep + child for child in reversed(listing.folders)]
    return found


def _identity(path: str) -> object:
    """What is the same for every path that leads to the folder; the path when it is unknown."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
