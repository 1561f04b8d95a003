"""What a run takes a few images for, with the images (the paper's figure 4, left)."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.inspect.input_images import FEW, Seen, read_images
from alexnet.inspect.opened_run import as_run, open_run
from alexnet.prediction.crops import probabilities
from alexnet.run import Run


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Images, and what the network takes them for."""

    run: Run
    images: list[Seen]
    probabilities: NDArray[np.float64]
    """(N, num_classes)"""
    notices: tuple[str, ...]
    """Of images that were left out."""


def predictions(
    run: Run | str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
    *,
    count: int = FEW,
    crops: int = 1,
    compute: Compute = Compute(),  # noqa: B008
) -> Predictions:
    """The probabilities of some images, held in memory with the images.

    For many images there is `alexnet.prediction.predict`, which holds a batch at a time.

    Args:
        paths: files, folders, patterns.
        count: of more than so many images these are taken, spread evenly over all.
        crops: 1 for the center crop, 10 for the paper's ten.

    Raises:
        UserError: not a run, one without weights, no images, or none that can be read.
    """
    run = as_run(run)
    seen, notices = read_images(run, paths, count=count, workers=compute.workers)
    opened = open_run(run, compute)
    found = probabilities(opened.model, (one.pixels for one in seen), crops)
    return Predictions(run=run, images=seen, probabilities=found, notices=notices)
