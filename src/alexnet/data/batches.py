"""The batches of a network on a CPU, made by threads in memory that is used again."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.data import augmentation


class Batches:
    """Crops and scales kept squares into what goes into conv1.

    Args:
        channels: of the network's pictures: 3, or 1 for grey.
        mean_picture: subtracted from each pixel, where the preprocessing has one.
        workers: threads that prepare pictures; None for one a core.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        channels: int,
        *,
        mean_picture: NDArray[np.float32] | None = None,
        workers: int | None = None,
    ) -> None:
        self._preprocessing = preprocessing
        self._mean_picture = mean_picture
        self._pool = ThreadPoolExecutor(workers or os.cpu_count())
        side = preprocessing.crop_px
        self._buffer = np.empty((0, side, side, channels), np.float32)

    def make(
        self, pictures: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """(N, crop_px, crop_px, channels), valid until the next call.

        Args:
            pictures: kept squares (resize_px, resize_px, 3), RGB.
        """
        count = len(pictures)
        if len(self._buffer) < count:  # fresh pages in each step would cost as much as the crops
            self._buffer = np.empty((count, *self._buffer.shape[1:]), np.float32)
        return augmentation.apply(
            plan,
            pictures,
            self._preprocessing,
            out=self._buffer[:count],
            mean_picture=self._mean_picture,
            pool=self._pool,
        )
