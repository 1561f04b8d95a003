"""Grouped convolution (the paper's two columns) as fast as separate ungrouped convolutions."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="alexnet")
class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Keras' Conv2D, with each group computed as a convolution of its own.

    TensorFlow delegates grouped convolutions to XLA, whose CPU implementation is slow: for conv2
    of the paper's network it takes ten times as long as two separate convolutions. The class keeps
    the name of Keras' layer because weight files address layers by class name.

    Example:
        >>> import numpy as np
        >>> layer = Conv2D(6, 3, groups=2)
        >>> tuple(layer(np.ones((1, 8, 8, 4), "float32")).shape), tuple(layer.kernel.shape)
        ((1, 6, 6, 6), (3, 3, 2, 6))
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        axis = 1 if self.data_format == "channels_first" else -1
        groups = zip(
            ops.split(inputs, self.groups, axis), ops.split(kernel, self.groups, -1), strict=True
        )
        convolve = super().convolution_op
        return ops.concatenate([convolve(x, weights) for x, weights in groups], axis)
