"""Load pretrained weights: published ones by name, those of a run, or those of a file."""

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
from alexnet.errors import UserError
from alexnet.io.downloads import Notice, download, matches_checksum
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST, LAST, RUN_FILE, Run
from alexnet.settings import check_names
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture, check_variant
from alexnet.text import printable
from alexnet.weights.compatibility import check_backbone, infer_variant

_CAFFE = Preprocessing(
    crop_px=227,
    channels="bgr",
    # The mean of ilsvrc_2012_mean.npy over its pixels, in RGB order; Caffe's example
    # 00-classification prints it in BGR order. Pixel values stay in the range 0 to 255.
    mean=(122.6789143406786, 116.66876761696767, 104.0069879317889),
    std=(1.0, 1.0, 1.0),
)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Downloadable weights, with their architecture, preprocessing and license."""

    variant: str
    url: str
    checksum: str
    source: str
    """The project that published them."""
    license: str
    preprocessing: Preprocessing
    classes: int = 1000
    trained_on: str = "ILSVRC 2012"


PUBLISHED: dict[str, Published] = {
    # The file name contains the first eight digits of the SHA-256; the full digest is from projects
    # that pin this file. Preprocessing: torchvision's AlexNet_Weights.IMAGENET1K_V1, for 0 … 1.
    "owt": Published(
        variant="owt",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        checksum="sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        source="torchvision",
        license="BSD 3-Clause, as torchvision; the training images have their own terms",
        preprocessing=Preprocessing(
            mean=tuple(255 * mean for mean in (0.485, 0.456, 0.406)),
            std=tuple(255 * std for std in (0.229, 0.224, 0.225)),
        ),
    ),
    # URL, SHA-1 and license: the front matter of Caffe's models/bvlc_alexnet/readme.md and
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
    """Weights with an architecture that they fit, except for the last layer."""

    name: str
    """The name or path passed to `load_pretrained`."""
    source: str
    """A description of where the weights come from."""
    architecture: Architecture
    """The architecture with all changes; its last layer may differ from that of the weights."""
    weights: dict[str, np.ndarray]
    """Arrays by canonical name; the last layer may be missing."""
    preprocessing: Preprocessing | None
    """The preprocessing that the weights were trained with; None if unknown."""
    classes: tuple[str, ...] | None = None
    """The class names of the outputs; None if unknown."""
    mean_image: NDArray[np.float32] | None = None
    """The per-pixel mean, (resize_px, resize_px, 3), if the preprocessing has one."""

    def __str__(self) -> str:
        count = sum(a.size for name, a in self.weights.items() if "running" not in name)
        return f"{printable(self.name)} ({self.source}, {count / 1e6:.1f} million parameters)"


def check_name(name: str) -> None:
    """Raise `UserError` unless the name is that of published weights, a run or a file."""
    if name in PUBLISHED or _is_run(Path(name)) or Path(name).is_file():
        return
    if Path(name).is_dir():
        raise UserError(f"{printable(name)} is not a run: it has no {RUN_FILE}")
    if os.sep in name or Path(name).suffix:
        raise UserError(f"no such run or weights file: {printable(name)}")
    check_names([name], PUBLISHED, "run, weights file or published weights")


def load_pretrained(
    name: str,
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    offline: bool = False,
    notice: Notice = lambda _: None,
    progress: Progress = no_progress,
) -> Pretrained:
    """Load published weights, those of a run or those of a file, with a matching architecture.

    Args:
        name: a name in `PUBLISHED` (write `./owt` for a file of that name), the folder of a run
            or one of its weights files, or any file that `alexnet.weights.read` supports.
        variant: the architecture; by default that of the published weights or of the run, or the
            only variant whose shapes, except for the last layer, match the file.
        changes: fields of `Architecture` to override.
        offline: do not download.
        notice: called with a line of text before a download.
        progress: reports the progress of a download.

    Raises:
        UserError: if the name does not exist or cannot be read, the weights do not fit the
            architecture, or the file fits no variant or more than one.
        RunError: if the download fails.
    """
    check_name(name)
    if isinstance(variant, str):
        check_variant(variant)
    path = Path(name)
    if name in PUBLISHED:
        entry = PUBLISHED[name]
        file = download(
            entry.url, entry.checksum, offline=offline, notice=notice, progress=progress
        )
        pretrained = _from_published(name, entry, file)
    elif _is_run(path):
        pretrained = _from_run(name, Run.open(path), BEST)
    elif path.name in (BEST, LAST) and _is_run(path.parent):
        pretrained = _from_run(name, Run.open(path.parent), path.name)
    else:
        pretrained = _from_file(name, variant, changes or {})
    network = _choose_architecture(pretrained.architecture, variant, changes or {})
    _check_fit(pretrained, network)
    return dataclasses.replace(pretrained, architecture=network)


def _is_run(path: Path) -> bool:
    return (path / RUN_FILE).is_file()


def _from_published(name: str, entry: Published, file: Path) -> Pretrained:
    return Pretrained(
        name=name,
        source=entry.source,
        architecture=architecture(entry.variant, num_classes=entry.classes),
        weights=weights.read(file),
        preprocessing=entry.preprocessing,
    )


def _from_run(name: str, run: Run, file: str) -> Pretrained:
    return Pretrained(
        name=name,
        source=f"run of {run.architecture.variant}",
        architecture=run.architecture,
        weights=run.weights(file),
        preprocessing=run.preprocessing,
        classes=run.classes,
        mean_image=run.mean_image(),
    )


def _from_file(
    name: str, variant: str | Architecture | None, changes: Mapping[str, Any]
) -> Pretrained:
    for entry in PUBLISHED.values():
        if matches_checksum(Path(name), entry.checksum):
            return _from_published(name, entry, Path(name))
    arrays = weights.read(name)
    if variant is None:
        variant = infer_variant(arrays, changes, name)
    # Caffe decodes images as BGR, and its models expect values from 0 to 255.
    is_caffe = Path(name).suffix == ".caffemodel"
    return Pretrained(
        name=name,
        source="Caffe model" if is_caffe else "weights file",
        architecture=architecture(variant),
        weights=arrays,
        preprocessing=_CAFFE if is_caffe else None,
    )


def _choose_architecture(
    pretrained: Architecture, variant: str | Architecture | None, changes: Mapping[str, Any]
) -> Architecture:
    """Return the requested architecture, by default the pretrained one, with changes."""
    if variant is None or variant == pretrained.variant:
        variant = pretrained
    return architecture(variant, **changes)


def _check_fit(pretrained: Pretrained, network: Architecture) -> None:
    try:
        check_backbone(pretrained.weights, network)
    except UserError as error:
        raise UserError(f"{printable(pretrained.name)}: {error}") from None
