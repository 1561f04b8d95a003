"""Weights that people have: published ones by name, a run's, or a file's."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet import weights
from alexnet.config.preprocessing import Preprocessing
from alexnet.config.settings import check_names
from alexnet.errors import UserError
from alexnet.io.downloads import Notice, download, is_file_of
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST, LAST, RUN_FILE, Run
from alexnet.spec.architectures import Architecture, architecture, check_variant
from alexnet.text import printable
from alexnet.weights.compatibility import check_body, only_variant

_CAFFE = Preprocessing(
    crop_px=227,
    channels="bgr",
    # The mean of ilsvrc_2012_mean.npy over its pixels, red first here; Caffe's example
    # 00-classification prints it, blue first. Values stay on the scale from 0 to 255.
    mean=(122.6789143406786, 116.66876761696767, 104.0069879317889),
    std=(1.0, 1.0, 1.0),
)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights that can be downloaded, and what has to be known to use them."""

    variant: str
    url: str
    checksum: str
    source: str
    """Who published them."""
    license: str
    preprocessing: Preprocessing
    classes: int = 1000
    trained_on: str = "ILSVRC 2012"


PUBLISHED: dict[str, Published] = {
    # The file's name holds the first eight digits of its SHA-256; the others are from projects
    # that pin this file. Preprocessing: torchvision, AlexNet_Weights.IMAGENET1K_V1, on 0 … 1.
    "owt": Published(
        variant="owt",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        checksum="sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        source="torchvision",
        license="BSD 3-Clause, as torchvision; the images have terms of their own",
        preprocessing=Preprocessing(
            mean=tuple(255 * mean for mean in (0.485, 0.456, 0.406)),
            std=tuple(255 * std for std in (0.229, 0.224, 0.225)),
        ),
    ),
    # URL, SHA-1 and license: the heads of Caffe's models/bvlc_alexnet/readme.md and
    # models/bvlc_reference_caffenet/readme.md.
    "bvlc": Published(
        variant="bvlc",
        url="http://dl.caffe.berkeleyvision.org/bvlc_alexnet.caffemodel",
        checksum="sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377",
        source="Caffe, BVLC AlexNet",
        license="unrestricted",
        preprocessing=_CAFFE,
    ),
    "caffenet": Published(
        variant="caffenet",
        url="http://dl.caffe.berkeleyvision.org/bvlc_reference_caffenet.caffemodel",
        checksum="sha1:4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
        source="Caffe, BVLC CaffeNet",
        license="unrestricted",
        preprocessing=_CAFFE,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """Weights with the network that they fit, except for its last layer."""

    name: str
    """As it was asked for."""
    source: str
    """Where they are from, in words."""
    architecture: Architecture
    """With the changes that were asked for; its last layer need not be that of the weights."""
    weights: dict[str, np.ndarray]
    """By canonical name; those of the last layer are there where the file has them."""
    preprocessing: Preprocessing | None
    """What was done to the images; None where nothing says it."""
    classes: tuple[str, ...] | None = None
    """The names of the outputs, where they are known."""
    mean_image: NDArray[np.float32] | None = None
    """(resize_px, resize_px, 3), where the preprocessing has one."""

    def __str__(self) -> str:
        count = sum(a.size for name, a in self.weights.items() if "running" not in name)
        return f"{printable(self.name)} ({self.source}, {count / 1e6:.1f} million parameters)"


def check_name(name: str) -> None:
    """Raise UserError when there are no published weights, no run and no file of this name."""
    if name in PUBLISHED or _is_run(Path(name)) or Path(name).is_file():
        return
    if Path(name).is_dir():
        raise UserError(f"{printable(name)} is not a run: it has no {RUN_FILE}")
    if os.sep in name or Path(name).suffix:
        raise UserError(f"{printable(name)}: no such run or weights file")
    check_names([name], PUBLISHED, "run, weights file or published weights")


def open_pretrained(
    name: str,
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    offline: bool = False,
    notice: Notice = lambda _: None,
    progress: Progress = no_progress,
) -> Pretrained:
    """Published weights, those of a run, or of a file, with the network that they fit.

    Args:
        name: a name in `PUBLISHED` (a file of such a name is said as `./owt`), a run's folder
            or one of its weights files, or any file that `alexnet.weights.read` takes.
        variant: the network; when not given, what the weights were trained in. For a file that
            is the one whose arrays all have the file's shapes, but for the last layer.
        changes: fields of `Architecture` with their new values.
        offline: do not download.
        notice, progress: told of the download.

    Raises:
        UserError: there is nothing of this name, it cannot be read, it does not fit the network
            that was asked for, or no network or several ones that were not.
        RunError: the download fails.
    """
    check_name(name)
    if isinstance(variant, str):
        check_variant(variant)
    path = Path(name)
    if name in PUBLISHED:
        entry = PUBLISHED[name]
        found = download(
            entry.url, entry.checksum, offline=offline, notice=notice, progress=progress
        )
        pretrained = _of_published(name, entry, found)
    elif _is_run(path):
        pretrained = _of_run(name, Run.open(path), BEST)
    elif path.name in (BEST, LAST) and _is_run(path.parent):
        pretrained = _of_run(name, Run.open(path.parent), path.name)
    else:
        pretrained = _of_file(name, variant, changes or {})
    chosen = _chosen(pretrained.architecture, variant, changes or {})
    _check_fit(pretrained, chosen)
    return dataclasses.replace(pretrained, architecture=chosen)


def _is_run(path: Path) -> bool:
    return (path / RUN_FILE).is_file()


def _of_published(name: str, entry: Published, file: Path) -> Pretrained:
    return Pretrained(
        name=name,
        source=entry.source,
        architecture=architecture(entry.variant, num_classes=entry.classes),
        weights=weights.read(file),
        preprocessing=entry.preprocessing,
    )


def _of_run(name: str, run: Run, file: str) -> Pretrained:
    return Pretrained(
        name=name,
        source=f"a run of {run.architecture.variant}",
        architecture=run.architecture,
        weights=run.weights(file),
        preprocessing=run.preprocessing,
        classes=run.classes,
        mean_image=run.mean_image(),
    )


def _of_file(
    name: str, variant: str | Architecture | None, changes: Mapping[str, Any]
) -> Pretrained:
    for entry in PUBLISHED.values():
        if is_file_of(Path(name), entry.checksum):
            return _of_published(name, entry, Path(name))
    arrays = weights.read(name)
    if variant is None:
        variant = only_variant(arrays, changes, name)
    # Whoever trained it, Caffe reads images as blue, green, red, and its models take 0 to 255.
    is_caffe = Path(name).suffix == ".caffemodel"
    return Pretrained(
        name=name,
        source="a model of Caffe" if is_caffe else "a weights file",
        architecture=architecture(variant),
        weights=arrays,
        preprocessing=_CAFFE if is_caffe else None,
    )


def _chosen(
    own: Architecture, variant: str | Architecture | None, changes: Mapping[str, Any]
) -> Architecture:
    """What the person asks for; where nothing is said, what the weights were trained in."""
    is_own = variant is None or variant == own.variant
    return architecture(own if is_own or variant is None else variant, **changes)


def _check_fit(pretrained: Pretrained, network: Architecture) -> None:
    try:
        check_body(pretrained.weights, network)
    except UserError as error:
        raise UserError(f"{printable(pretrained.name)}: {error}") from None
