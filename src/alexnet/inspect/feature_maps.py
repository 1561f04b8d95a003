"""What a layer makes of an image."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet.backends import Compute
from alexnet.data.decoding import ImageError, decode
from alexnet.errors import UserError
from alexnet.inspect.input_images import Seen, none_readable, truth_of
from alexnet.inspect.opened_run import as_run, check_layer, open_run
from alexnet.run import Run


@dataclass(frozen=True, kw_only=True)
class Activations:
    """The output of one layer for one image."""

    run: Run
    image: Seen
    layer: str
    values: NDArray[np.float32]
    """(C, H, W) for a layer with maps, else (units,)."""

    def strongest(self, count: int | None = None) -> list[int]:
        """The numbers of the maps or units with the highest single values, the highest first."""
        highest = self.values.reshape(len(self.values), -1).max(axis=1)
        return [int(i) for i in np.argsort(-highest, kind="stable")[:count]]


def activations(
    run: Run | str | os.PathLike[str],
    image: str | os.PathLike[str],
    layer: str = "conv1",
    *,
    compute: Compute = Compute(),  # noqa: B008
) -> Activations:
    """The output of a layer, by its usual name, for the center crop of an image.

    Raises:
        UserError: not a run, one without weights, a layer that it does not have (with the
            nearest name), an image that cannot be read.
        RunError: the network computes values that are not finite.

    Example:
        `activations("runs/flowers", "rose.jpg", "conv2").values.shape`
    """
    run = as_run(run)
    check_layer(run.architecture, layer)
    path = os.fspath(image)
    try:
        pixels = decode(path, run.preprocessing.resize_px)
    except ImageError as error:
        raise UserError(none_readable([(path, str(error))])) from None
    seen = Seen(path, pixels, truth_of(path, run.classes))
    values = open_run(run, compute).outputs([pixels], layer)[0]
    return Activations(run=run, image=seen, layer=layer, values=values)
