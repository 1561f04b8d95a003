"""Prepare batches on the CPU with threads, in a reused buffer."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from alexnet.config.preprocessing import Preprocessing
from alexnet.cores import available_cores
from alexnet.data import augmentation


class Batches:
    """Crops and normalizes stored images into the input of conv1.

    Args:
        channels: channels of the network's input: 3, or 1 for gray.
        mean_image: subtracted from each pixel instead of the channel means.
        workers: number of threads; one per core if None.
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
        self._pool = ThreadPoolExecutor(workers or available_cores())
        side = preprocessing.crop_px
        self._buffer = np.empty((0, side, side, channels), np.float32)

    def make(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """Return a batch (N, crop_px, crop_px, channels), valid until the next call.

        Args:
            images: stored images (resize_px, resize_px, 3), RGB.
            plan: the crop, flip and color change of each image.
        """
        count = len(images)
        if len(self._buffer) < count:  # allocating in each step costs as much as the crops
            self._buffer = np.empty((count, *self._buffer.shape[1:]), np.float32)
        return augmentation.apply(
            plan,
            images,
            self._preprocessing,
            out=self._buffer[:count],
            mean_image=self._mean_image,
            pool=self._pool,
        )
