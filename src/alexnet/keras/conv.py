"""Convolution in groups, the paper's two columns, at the speed of the convolutions without."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="alexnet")
class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Keras' Conv2D, with each group computed by itself.

    TensorFlow hands a convolution in groups to XLA, and XLA has no fast one for a CPU: with conv2
    of the paper's network it takes ten times as long as two convolutions side by side. The name is
    Keras' own, since files of weights address layers by the name of their class.

    Example:
        >>> import numpy as np
        >>> layer = Conv2D(6, 3, groups=2)
        >>> tuple(layer(np.ones((1, 8, 8, 4), "float32")).shape), tuple(layer.kernel.shape)
        ((1, 6, 6, 6), (3, 3, 2, 6))
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        axis = 1 if self.data_format == "channels_first" else -1
        columns = zip(
            ops.split(inputs, self.groups, axis), ops.split(kernel, self.groups, -1), strict=True
        )
        convolution = super().convolution_op
        return ops.concatenate([convolution(x, part) for x, part in columns], axis)
