"""The activations of one layer for one image."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.data.decoding import ImageError, decode
from alexnet.data.unreadable import unreadable_message
from alexnet.errors import UserError
from alexnet.inspect.input_images import InputImage, label_from_folder
from alexnet.inspect.opened_run import as_run, check_layer, open_run
from alexnet.run import Run


@dataclass(frozen=True, kw_only=True)
class Activations:
    """The output of one layer for one image."""

    run: Run
    image: InputImage
    layer: str
    values: NDArray[np.float32]
    """(C, H, W) for a layer with spatial dimensions, otherwise (units,)."""

    def strongest(self, count: int | None = None) -> list[int]:
        """Return the indices of the channels with the highest maximum activation, descending."""
        maxima = self.values.reshape(len(self.values), -1).max(axis=1)
        return [int(i) for i in np.argsort(-maxima, kind="stable")[:count]]


def compute_activations(
    run: Run | str | os.PathLike[str],
    image: str | os.PathLike[str],
    layer: str = "conv1",
    *,
    compute: Compute = Compute(),
) -> Activations:
    """Return the output of a layer for the center crop of an image.

    Raises:
        UserError: not a run, a run without weights, an unknown layer, or an unreadable image.
        RunError: the network computes non-finite values.

    Example:
        `compute_activations("runs/flowers", "rose.jpg", "conv2").values.shape`
    """
    run = as_run(run)
    check_layer(run.architecture, layer)
    path = os.fspath(image)
    try:
        pixels = decode(path, run.preprocessing.resize_px)
    except ImageError as error:
        raise UserError(unreadable_message([(path, str(error))])) from None
    values = open_run(run, compute).activations([pixels], layer)[0]
    return Activations(
        run=run,
        image=InputImage(path, pixels, label_from_folder(path, run.classes)),
        layer=layer,
        values=values,
    )
