"""Mean pooling to a fixed size, as PyTorch has it. Keras' own cannot enlarge on TensorFlow."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="alexnet")
class AdaptiveMeanPooling2D(keras.layers.Layer):  # type: ignore[misc]
    """The mean over as many windows as make the maps `size` pixels wide and high.

    Window i of a side of n pixels goes from floor(i n / size) to ceil((i + 1) n / size); they
    overlap where size does not divide n. (N, H, W, C) in, (N, size, size, C) out, or the same
    with the channels first.

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
        is_first = self.data_format == "channels_first"
        x = inputs
        for axis, term in ((2, "nchw,sh->ncsw"), (3, "nchw,sw->nchs")):
            height_or_width = x.shape[axis if is_first else axis - 1]
            if height_or_width != self.size:
                means = ops.cast(_means(height_or_width, self.size), x.dtype)
                x = ops.einsum(term if is_first else _channels_last(term), x, means)
        return x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, *_ = input_shape
        if self.data_format == "channels_first":
            return (batch, input_shape[1], self.size, self.size)
        return (batch, self.size, self.size, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


def _means(pixels: int, size: int) -> np.ndarray:
    """(size, pixels): row i takes the mean over window i."""
    first = np.arange(size) * pixels // size
    last = -(-np.arange(1, size + 1) * pixels // size)
    places = np.arange(pixels)
    inside = (places >= first[:, None]) & (places < last[:, None])
    means: np.ndarray = inside / inside.sum(1, keepdims=True)
    return means


def _channels_last(term: str) -> str:
    """The same sum for (N, H, W, C)."""
    inputs, matrix, output = term.replace("->", ",").split(",")
    return f"{inputs[0]}{inputs[2:]}{inputs[1]},{matrix}->{output[0]}{output[2:]}{output[1]}"
