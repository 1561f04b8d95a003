"""Grad-CAM of a run: the regions of an image that support a class."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from alexnet.backends import Compute
from alexnet.inspect.input_images import MAX_IMAGES, InputImage, read_images
from alexnet.inspect.map_upsampling import upsample_to_image
from alexnet.inspect.opened_run import (
    OpenedRun,
    as_run,
    check_finite,
    check_spatial_layer,
    open_run,
)
from alexnet.prediction.crops import batches
from alexnet.run import Run
from alexnet.settings import check_names

LAYER = "relu5"
"""The layer that the authors of Grad-CAM use for AlexNet: the nonnegative activations of the last
convolution that fc6 receives. At `conv5`, values that the ReLU zeroes would also contribute."""


@dataclass(frozen=True, kw_only=True)
class ClassActivationMap:
    """One image and its class activation map."""

    image: InputImage
    target: int
    """Index of the class that the map explains."""
    probability: float
    """Probability of the target class."""
    heatmap: NDArray[np.float32]
    """(crop_px, crop_px), nonnegative: the contribution of each pixel to the logit of the class.
    The scale is comparable within an image, not between images."""


@dataclass(frozen=True, kw_only=True)
class GradCamResult:
    """The result of `compute_grad_cam`."""

    run: Run
    layer: str
    maps: list[ClassActivationMap]
    notices: tuple[str, ...]


def compute_grad_cam(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    *,
    class_name: str | None = None,
    layer: str = LAYER,
    max_images: int = MAX_IMAGES,
    compute: Compute = Compute(),
) -> GradCamResult:
    """Compute Grad-CAM (arXiv 1610.02391) for images, upsampled to the network's input size.

    Args:
        paths: Files, folders and patterns.
        class_name: Class to explain. Default: the most probable class of each image.
        layer: Any layer with spatial dimensions.
        max_images: If there are more images, use this many, evenly spaced.

    Raises:
        UserError: not a run, a run without weights, an unknown class or layer, a layer without
            spatial dimensions, or no readable images.
        RunError: the network computes non-finite values.
    """
    run = as_run(run)
    check_spatial_layer(run.architecture, layer)
    target = None if class_name is None else _class_index(run, class_name)
    images, notices = read_images(run, paths, max_images=max_images, workers=compute.workers)
    opened = open_run(run, compute)
    maps = [
        activation_map
        for batch in batches(images, compute.batch_size)
        for activation_map in _activation_maps(opened, batch, layer, target)
    ]
    return GradCamResult(run=run, layer=layer, maps=maps, notices=notices)


def _class_index(run: Run, class_name: str) -> int:
    names = [unicodedata.normalize("NFC", name) for name in run.classes]
    normalized = unicodedata.normalize("NFC", class_name)
    check_names([normalized], names, "class")
    return names.index(normalized)


def _activation_maps(
    opened: OpenedRun, images: list[InputImage], layer: str, target: int | None
) -> Iterable[ClassActivationMap]:
    from alexnet.torch.cam import grad_cam

    targets = None if target is None else [target] * len(images)
    batch = opened.prepare_batch([image.pixels for image in images])
    maps, logits = (
        values.float().cpu().numpy()
        for values in grad_cam(opened.model.network, batch, layer, targets)
    )
    check_finite(maps, layer)
    check_finite(logits, "logits")
    probabilities = softmax(np.asarray(logits, np.float64), axis=1)
    for image, values, row in zip(images, maps, probabilities, strict=True):
        index = int(row.argmax()) if target is None else target
        yield ClassActivationMap(
            image=image,
            target=index,
            probability=float(row[index]),
            heatmap=upsample_to_image(values, opened.run.architecture, layer),
        )
