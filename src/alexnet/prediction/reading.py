"""Decode images ahead of the network, in threads; unreadable ones keep their place."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet.data.decoding import ImageError, decode
from alexnet.data.parallel import ordered_map
from alexnet.prediction.crops import batches
from alexnet.prediction.inputs import Input

Read: TypeAlias = "tuple[Input, NDArray[np.uint8] | str]"
"""A path with its pixels (resize_px, resize_px, 3), or with the reason it is unreadable."""


def read_batches(
    inputs: Iterable[Input], resize_px: int, workers: int | None, batch_size: int
) -> Iterator[list[Read]]:
    """Yield the inputs in order, decoded; memory does not grow with their number."""

    def read(one: Input) -> Read:
        if one.error is not None:
            return one, one.error
        try:
            return one, decode(one.path, resize_px)
        except ImageError as error:
            return one, str(error)

    images = ordered_map(read, inputs, workers)
    with closing(images):  # type: ignore[type-var]
        yield from batches(images, batch_size)
