"""Align the values of a feature map with the pixels of the input image."""

import numpy as np
from numpy.typing import NDArray

from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import AdaptivePool, Conv, MaxPool


def receptive_field_grid(net: Architecture, layer: str) -> tuple[float, float]:
    """Return the center of the first receptive field of a layer and their stride, in pixels.

    >>> from alexnet import architecture
    >>> net = architecture("half")
    >>> receptive_field_grid(net, "conv1"), receptive_field_grid(net, "relu5")
    ((3.0, 4.0), (15.0, 16.0))
    """
    center, stride_px = 0.0, 1.0
    for step in net.trace():
        match step.layer:
            case Conv(kernel=window, stride=stride, padding=(before, _)):
                center += ((window - 1) / 2 - before) * stride_px
                stride_px *= stride
            case MaxPool(window=window, stride=stride):
                center += (window - 1) / 2 * stride_px
                stride_px *= stride
            case AdaptivePool(size=size):
                ratio = step.input_shape[1] / size
                center += (ratio - 1) / 2 * stride_px
                stride_px *= ratio
        if step.layer.name == layer:
            break
    return center, stride_px


def upsample_to_image(
    values: NDArray[np.float32], net: Architecture, layer: str
) -> NDArray[np.float32]:
    """Upsample a map (h, w) of a layer to the input image, (image_size, image_size).

    Each value is placed at the center of its receptive field, with smooth interpolation between
    values and constant extrapolation beyond the outermost ones. Merely resizing the map to the
    image would displace it by up to half a stride.
    """
    center, stride_px = receptive_field_grid(net, layer)
    positions = (np.arange(net.image_size, dtype=np.float64) - center) / stride_px
    rows, columns = (_interpolation_weights(positions, size) for size in values.shape)
    upsampled: NDArray[np.float32] = (rows @ values @ columns.T).astype(np.float32)
    return upsampled


def _interpolation_weights(positions: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the weight of each value at each position, (len(positions), size)."""
    positions = positions.clip(0, size - 1)
    distances = np.abs(positions[:, None] - np.arange(size))
    linear = (1 - distances).clip(0, None)
    # Linear interpolation has a kink at every value: a peak of a small map would look like a cross.
    weights: NDArray[np.float64] = linear**2 * (3 - 2 * linear)
    return weights
