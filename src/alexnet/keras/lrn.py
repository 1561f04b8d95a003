"""Local response normalization (LRN) across channels for Keras, in both data formats."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="alexnet")
class LocalResponseNorm(keras.layers.Layer):  # type: ignore[misc]
    """Local response normalization, the paper's formula (section 3.3).

    b = a / (k + alpha * sum of a^2 over `size` neighboring channels) ** beta. Channel c sums over
    c - size // 2 … c + (size - 1) // 2, clipped to the existing channels, so an even size includes
    one more channel before than after. `tf.nn.local_response_normalization` takes the radius,
    size // 2, and supports odd sizes only.

    Args:
        size: number of channels to sum over, n in the paper; may exceed the number of channels.
        alpha: scale of the sum.
        beta: exponent.
        k: constant added to the sum.
        alpha_divided: divide alpha by `size`, as the 2012 program, Caffe and PyTorch do and the
            paper and TensorFlow do not.
        data_format: `channels_last` (N, H, W, C) or `channels_first` (N, C, H, W); Keras'
            `image_data_format` if None.

    Example:
        >>> norm = LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=2.0)
        >>> tuple(norm(np.ones((1, 2, 2, 96), "float32")).shape)
        (1, 2, 2, 96)
    """

    def __init__(
        self,
        *,
        size: int,
        alpha: float,
        beta: float,
        k: float,
        alpha_divided: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k
        self.alpha_divided = alpha_divided
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        axis = 1 if self.data_format == "channels_first" else len(input_shape) - 1
        alpha = self.alpha / self.size if self.alpha_divided else self.alpha
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(f"{self.name}: the number of channels must not be None")
        self._normalize = _normalization(
            axis, channels, self.size, alpha=alpha, beta=self.beta, k=self.k
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        # Compute half precision in float32: in float16 the square of 256 overflows.
        values = ops.cast(inputs, "float64" if self.compute_dtype == "float64" else "float32")
        return ops.cast(self._normalize(values), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = {
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
            "alpha_divided": self.alpha_divided,
            "data_format": self.data_format,
        }
        return {**super().get_config(), **config}


def _normalization(
    axis: int, channels: int, size: int, *, alpha: float, beta: float, k: float
) -> Any:
    """Return the LRN function with a custom gradient, derived in `alexnet.torch.lrn`.

    Autodiff through the windowed sum of slices is seven times as slow on TensorFlow.
    """
    before, after = min(size // 2, channels - 1), min((size - 1) // 2, channels - 1)

    def scale_of(x: Any) -> Any:
        return k + alpha * _window_sum(ops.square(x), axis, before, after)

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def normalize(x: Any) -> tuple[Any, Any]:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            g = args[0] if upstream is None else upstream
            # Recomputed, because storing it for the backward pass costs more.
            scale = scale_of(x)
            direct = g * _power(scale, -beta)
            shared = _window_sum(direct * x / scale, axis, after, before)
            return direct - (2 * alpha * beta) * x * shared

        return x * _power(scale_of(x), -beta), gradient

    return normalize


def _window_sum(values: Any, axis: int, before: int, after: int) -> Any:
    """Sum over channels c - before … c + after, clipped to the existing channels."""
    if axis == len(values.shape) - 1 and keras.backend.backend() == "tensorflow":
        # One matmul with a band matrix: TensorFlow passes over memory once per slice, where XLA
        # fuses all slices into one pass.
        channels = values.shape[axis]
        distance = np.arange(channels)[:, None] - np.arange(channels)
        band = (-before <= distance) & (distance <= after)
        return ops.matmul(values, ops.cast(band, values.dtype))
    channels = values.shape[axis]
    sides = [(0, 0)] * len(values.shape)
    sides[axis] = (before, after)
    padded = ops.pad(values, sides)

    def channels_from(start: int) -> Any:
        return padded[tuple([slice(None)] * axis + [slice(start, start + channels)])]

    total = channels_from(0)
    for start in range(1, before + after + 1):
        total = total + channels_from(start)
    return total


def _power(base: Any, exponent: float) -> Any:
    """Return base ** exponent; the paper's -0.75 with two square roots."""
    if exponent == -0.75:
        root = ops.rsqrt(base)
        return root * ops.sqrt(root)
    return ops.power(base, exponent)
