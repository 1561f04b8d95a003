"""Predictions for a few images, with pixels and labels (left of the paper's figure 4)."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.inspect.input_images import MAX_IMAGES, InputImage, read_images
from alexnet.inspect.opened_run import as_run, open_run
from alexnet.prediction.crops import probabilities
from alexnet.run import Run


@dataclass(frozen=True, kw_only=True)
class LabeledPredictions:
    """Images with their labels and predicted probabilities."""

    run: Run
    images: list[InputImage]
    probabilities: NDArray[np.float64]
    """(N, num_classes)"""
    notices: tuple[str, ...]
    """Images that were skipped."""


def predict_labeled(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    *,
    max_images: int = MAX_IMAGES,
    crops: int = 1,
    compute: Compute = Compute(),
) -> LabeledPredictions:
    """Predict class probabilities, and keep the images in memory to plot them.

    For many images use `alexnet.prediction.predict`, which holds one batch at a time.

    Args:
        paths: Files, folders and patterns.
        max_images: If there are more images, use this many, evenly spaced.
        crops: 1 for the center crop, 10 for the paper's ten crops.

    Raises:
        UserError: not a run, a run without weights, or no readable images.
    """
    run = as_run(run)
    images, notices = read_images(run, paths, max_images=max_images, workers=compute.workers)
    opened = open_run(run, compute)
    rows = probabilities(opened.model, (image.pixels for image in images), crops)
    return LabeledPredictions(run=run, images=images, probabilities=rows, notices=notices)
