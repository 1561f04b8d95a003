"""Where in an image a run finds what speaks for a class: Grad-CAM."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from alexnet.backends import Compute
from alexnet.config.settings import check_names
from alexnet.inspect.input_images import FEW, Seen, read_images
from alexnet.inspect.map_overlay import over_image
from alexnet.inspect.opened_run import Opened, as_run, check_finite, check_has_maps, open_run
from alexnet.prediction.crops import batches
from alexnet.run import Run

LAYER = "relu5"
"""What the authors of Grad-CAM take of AlexNet: the last convolution's maps as fc6 gets them, in
which nothing is negative. Of `conv5` values count that the network itself cuts off."""


@dataclass(frozen=True, kw_only=True)
class Attended:
    """One image and the map over it."""

    image: Seen
    target: int
    """Number of the class that the map is of."""
    probability: float
    """Of that class."""
    heat: NDArray[np.float32]
    """(crop_px, crop_px), not negative: what each place adds to the class's logit, in a share that
    compares places of one image, and not images."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Some images with their maps."""

    run: Run
    layer: str
    images: list[Attended]
    notices: tuple[str, ...]


def attention(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    *,
    class_name: str | None = None,
    layer: str = LAYER,
    count: int = FEW,
    compute: Compute = Compute(),  # noqa: B008
) -> Attention:
    """Grad-CAM of some images (arXiv 1610.02391), laid over what the network was shown.

    Args:
        paths: files, folders, patterns.
        class_name: the class that the maps are of; for each image its most probable one when
            not given.
        layer: any layer with maps.
        count: of more than so many images these are taken, spread evenly over all.

    Raises:
        UserError: not a run, one without weights, no such class or layer (with the nearest
            name), a layer without maps, no images, or none that can be read.
        RunError: the network computes values that are not finite.
    """
    run = as_run(run)
    check_has_maps(run.architecture, layer)
    target = None if class_name is None else _number(run, class_name)
    seen, notices = read_images(run, paths, count=count, workers=compute.workers)
    opened = open_run(run, compute)
    found = [
        one
        for batch in batches(seen, compute.batch_size)
        for one in _attended(opened, batch, layer, target)
    ]
    return Attention(run=run, layer=layer, images=found, notices=notices)


def _number(run: Run, class_name: str) -> int:
    names = [unicodedata.normalize("NFC", name) for name in run.classes]
    wanted = unicodedata.normalize("NFC", class_name)
    check_names([wanted], names, "class")
    return names.index(wanted)


def _attended(
    opened: Opened, seen: list[Seen], layer: str, target: int | None
) -> Iterable[Attended]:
    from alexnet.torch.cam import grad_cam

    targets = None if target is None else [target] * len(seen)
    batch = opened.batch([one.pixels for one in seen])
    maps, logits = (
        values.float().cpu().numpy()
        for values in grad_cam(opened.model.network, batch, layer, targets)
    )
    check_finite(maps, layer)
    check_finite(logits, "logits")
    shares = softmax(np.asarray(logits, np.float64), axis=1)
    for one, values, share in zip(seen, maps, shares, strict=True):
        number = int(share.argmax()) if target is None else target
        yield Attended(
            image=one,
            target=number,
            probability=float(share[number]),
            heat=over_image(values, opened.run.architecture, layer),
        )
