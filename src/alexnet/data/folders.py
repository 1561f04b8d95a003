"""Datasets in folders: ROOT/CLASS/… and ROOT/{train,val,test}/CLASS/…"""

# ruff: noqa: PTH100, PTH118, PTH208
# Paths are strings here: a million of them take a fifth of the memory of Path objects.

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from alexnet.data.samples import SPLITS, Dataset, Sample, missing_in_val, with_notices
from alexnet.data.walking import Entry, folder_identity, list_folder, walk
from alexnet.errors import UserError
from alexnet.sorting import natural_key
from alexnet.text import join_limited, pluralize, printable

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""Names of splits in folders and in the cells of a table, in lower case."""

# An image may come with a mask, boxes and a text or two; a disk of programs holds far more.
_MAX_OTHERS_PER_IMAGE = 10
_MIN_OTHERS = 1_000

# Before all folders are walked: a million annotations may come before the first image.
_MIN_OTHERS_EARLY = 1_000_000


class _Labeled(NamedTuple):
    """An image by its class name, before classes have numbers."""

    class_name: str
    split: str
    path: str
    """Relative to the root."""


@dataclass
class _Skipped:
    """What the walk skipped, for the notices; paths are relative to the root."""

    root: str
    hidden: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)
    beside_splits: list[str] = field(default_factory=list)
    """Folders with images next to the folders of the splits."""
    unlabeled: Counter[str] = field(default_factory=Counter)
    """Number of images outside of any class folder, by folder."""
    others: int = 0
    """Number of files that are not images."""

    def add(self, entry: Entry) -> None:
        if entry.kind == "other":
            self.others += 1
            return
        by_kind = {
            "hidden": self.hidden,
            "empty": self.empty,
            "unreadable": self.unreadable,
            "loop": self.loops,
        }
        by_kind[entry.kind].append(_relative(entry.path, self.root))

    def notices(self) -> tuple[str, ...]:
        folders = [
            ("hidden folder", "hidden folders", self.hidden),
            ("folder without images", "folders without images", self.empty),
            ("unreadable folder", "unreadable folders", self.unreadable),
            ("link to a visited folder", "links to visited folders", self.loops),
            ("folder next to the splits", "folders next to the splits", self.beside_splits),
        ]
        notices = [
            f"skipped {pluralize(len(names), singular, plural)}: {join_limited(names)}"
            for singular, plural, names in folders
            if names
        ]
        for folder, count in self.unlabeled.items():
            images = pluralize(count, "image")
            notices.append(
                f"skipped {images} directly in {printable(folder)}, not in a class folder"
            )
        if self.others:
            files = pluralize(self.others, "file that is not an image", "files that are not images")
            notices.append(f"skipped {files}")
        return tuple(notices)


def find_in_folder(root: Path, source: str) -> Dataset:
    """List the images under a folder; see `alexnet.data.find`.

    Raises:
        UserError: there are no images, or none in a class folder.
    """
    root_path = os.path.abspath(root)
    if Path(root_path).parent == Path(root_path):
        raise UserError(
            f"{printable(source)} is the root of the file system; "
            "pass the folder that contains one folder of images per class"
        )
    try:
        top = list_folder(root_path)
    except OSError as error:
        raise UserError(f"cannot read folder {printable(source)}: {error.strerror}") from None
    skipped = _Skipped(root_path)
    direct_images = [_relative(entry.path, root_path) for entry in top if entry.kind == "image"]
    children = _walk_children(top, source, skipped)
    if not children:
        raise _no_classes(direct_images, skipped, source)
    if direct_images:
        skipped.unlabeled[source] = len(direct_images)
    splits = _split_folders(children, source)
    if splits:
        skipped.beside_splits += [name for name in children if name not in splits]
        images = _images_in_splits(children, splits, skipped)
    else:
        images = [_Labeled(name, "all", path) for name, paths in children.items() for path in paths]
    if not images:
        raise _no_class_folders(splits, source)
    return _dataset(source, images, "folders" if splits else "none", skipped)


def _walk_children(top: list[Entry], source: str, skipped: _Skipped) -> dict[str, list[str]]:
    """Return the images, at any depth, of each folder in the root that has some."""
    for entry in top:
        if entry.kind in ("hidden", "other"):
            skipped.add(entry)
    root_identity = folder_identity(skipped.root)
    children: dict[str, list[str]] = {}
    count = 0
    for folder in top:
        if folder.kind != "folder":
            continue
        images = []
        for entry in walk(folder.path, visited=[root_identity]):
            if entry.kind == "image":
                images.append(_relative(entry.path, skipped.root))
            else:
                skipped.add(entry)
        if images:
            children[_relative(folder.path, skipped.root)] = images
            count += len(images)
        _check_mostly_images(count, skipped.others, source, _MIN_OTHERS_EARLY)
    _check_mostly_images(count, skipped.others, source, _MIN_OTHERS)
    return children


def _relative(path: str, root: str) -> str:
    return path[len(root) + 1 :]


def _check_mostly_images(images: int, others: int, source: str, min_others: int) -> None:
    """Refuse a folder of other things that happens to contain some images."""
    if images and others > max(min_others, _MAX_OTHERS_PER_IMAGE * images):
        raise UserError(
            f"{printable(source)} is not a dataset: {pluralize(images, 'image')} among {others:,} "
            "other files; pass the folder that contains one folder of images per class, "
            "or a table with the columns path,label"
        )


def _dataset(source: str, images: list[_Labeled], split_by: str, skipped: _Skipped) -> Dataset:
    # One name has two encodings that look the same: é as one character, or as e and an accent.
    normalized = {
        image.class_name: unicodedata.normalize("NFC", image.class_name) for image in images
    }
    classes = tuple(sorted(set(normalized.values()), key=natural_key))
    labels = {name: label for label, name in enumerate(classes)}
    samples = [
        Sample(skipped.root + os.sep + path, labels[normalized[name]], split)
        for name, split, path in images
    ]
    root, notices = Path(skipped.root), skipped.notices()
    dataset = Dataset(source, root, classes, in_order(samples), split_by, notices)
    return with_notices(dataset, missing_in_val(dataset))


def in_order(samples: list[Sample]) -> tuple[Sample, ...]:
    """Sort samples by split, class and path."""
    rank = {split: i for i, split in enumerate((*SPLITS, "all"))}
    return tuple(sorted(samples, key=lambda s: (rank[s.split], s.label, s.path)))


def _no_classes(direct_images: list[str], skipped: _Skipped, source: str) -> UserError:
    shown = printable(source)
    if direct_images:
        names = sorted(os.listdir(skipped.root))
        tables = [name for name in names if name.lower().endswith((".csv", ".tsv"))]
        table = (
            f", or pass the table {join_limited([os.path.join(source, tables[0])])}"
            if tables
            else ""
        )
        return UserError(
            f"{shown}: {pluralize(len(direct_images), 'image')} directly in this folder; "
            f"move each into a folder named after its class, CLASS/{printable(direct_images[0])}"
            f"{table}"
        )
    if skipped.unreadable:
        return UserError(
            f"{shown}: no images found, and {pluralize(len(skipped.unreadable), 'folder')} cannot "
            f"be read: {join_limited(skipped.unreadable)}; change the permissions"
        )
    return UserError(
        f"{shown}: no images found; expected CLASS/image.jpg or train/CLASS/image.jpg "
        "(JPEG, PNG, WebP, BMP, GIF or TIFF)"
    )


def _no_class_folders(splits: dict[str, str], source: str) -> UserError:
    return UserError(
        f"{printable(source)}: the images are directly in {join_limited(sorted(splits))}; "
        "move them into folders named after their classes, such as train/CLASS/"
    )


def _split_folders(children: dict[str, list[str]], source: str) -> dict[str, str]:
    """Return the folders that are splits, with the split of each; empty if all are classes.

    A class may be called train (next to car and plane). So such a folder is a split only if it
    contains class folders, and either all folders are splits or another split is among them.
    """
    named = {n: SPLIT_NAMES[n.casefold()] for n in children if n.casefold() in SPLIT_NAMES}
    deep = {name for name in named if any(path.count(os.sep) > 1 for path in children[name])}
    if len(named) == len(children):
        if not deep:
            raise _no_class_folders(named, source)
        return named
    deep_splits = {named[name] for name in deep}
    return named if "train" in deep_splits and deep_splits & {"val", "test"} else {}


def _images_in_splits(
    children: dict[str, list[str]], splits: dict[str, str], skipped: _Skipped
) -> list[_Labeled]:
    """Label the images under the split folders by the class folder they are in."""
    images = []
    for folder, split in splits.items():
        for path in children[folder]:
            parts = path.split(os.sep, 2)
            if len(parts) == 3:
                images.append(_Labeled(parts[1], split, path))
            else:
                skipped.unlabeled[folder] += 1
    return images
