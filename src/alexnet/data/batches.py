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
        channels: of the network's images: 3, or 1 for gray.
        mean_image: subtracted from each pixel, where the preprocessing has one.
        workers: threads that prepare images; None for one a core.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        channels: int,
        *,
        mean_image: NDArray[np.float32] | None = None,
        workers: int | None = None,
    ) -> None:
        self._preprocessing = preprocessing
        self._mean_image = mean_image
        self._pool = ThreadPoolExecutor(workers or os.cpu_count())
        side = preprocessing.crop_px
        self._buffer = np.empty((0, side, side, channels), np.float32)

    def make(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """(N, crop_px, crop_px, channels), valid until the next call.

        Args:
            images: kept squares (resize_px, resize_px, 3), RGB.
        """
        count = len(images)
        if len(self._buffer) < count:  # fresh pages in each step would cost as much as the crops
            self._buffer = np.empty((count, *self._buffer.shape[1:]), np.float32)
        return augmentation.apply(
            plan,
            images,
            self._preprocessing,
            out=self._buffer[:count],
            mean_image=self._mean_image,
            pool=self._pool,
        )
