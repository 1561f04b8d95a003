"""Adaptive average pooling as in PyTorch; Keras' own layer cannot upsample on TensorFlow."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="alexnet")
class AdaptiveMeanPooling2D(keras.layers.Layer):  # type: ignore[misc]
    """Average pooling to feature maps of `size` x `size`, as `torch.nn.AdaptiveAvgPool2d`.

    Along a side of n pixels, window i spans floor(i n / size) to ceil((i + 1) n / size), so
    windows overlap unless size divides n. Maps (N, H, W, C) to (N, size, size, C); with
    `channels_first`, (N, C, H, W) to (N, C, size, size).

    Example:
        >>> maps = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
        >>> float(AdaptiveMeanPooling2D(1)(maps)[0, 0, 0, 0])
        1.5
    """

    def __init__(self, size: int, *, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.data_format = data_format or keras.config.image_data_format()

    def call(self, inputs: Any) -> Any:
        terms = (
            ((2, "nchw,sh->ncsw"), (3, "nchw,sw->nchs"))
            if self.data_format == "channels_first"
            else ((1, "nhwc,sh->nswc"), (2, "nhwc,sw->nhsc"))
        )
        x = inputs
        for axis, term in terms:
            side_px = x.shape[axis]
            if side_px != self.size:
                x = ops.einsum(term, x, ops.cast(_pooling_matrix(side_px, self.size), x.dtype))
        return x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, *_ = input_shape
        if self.data_format == "channels_first":
            return (batch, input_shape[1], self.size, self.size)
        return (batch, self.size, self.size, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


def _pooling_matrix(side_px: int, size: int) -> np.ndarray:
    """Return the (size, side_px) matrix whose row i averages over window i."""
    start = np.arange(size) * side_px // size
    stop = -(-np.arange(1, size + 1) * side_px // size)
    pixels = np.arange(side_px)
    is_inside = (pixels >= start[:, None]) & (pixels < stop[:, None])
    matrix: np.ndarray = is_inside / is_inside.sum(1, keepdims=True)
    return matrix
