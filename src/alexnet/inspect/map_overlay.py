"""Where on the image the values of a map lie."""

import numpy as np
from numpy.typing import NDArray

from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import AdaptivePool, Conv, MaxPool


def place_of_maps(net: Architecture, layer: str) -> tuple[float, float]:
    """The pixel at the middle of what the first value of a map sees, and the pixels to the next.

    >>> from alexnet import architecture
    >>> place_of_maps(architecture("half"), "conv1"), place_of_maps(architecture("half"), "relu5")
    ((3.0, 4.0), (15.0, 16.0))
    """
    first, step = 0.0, 1.0
    for one in net.trace():
        match one.layer:
            case Conv(kernel=window, stride=stride, padding=(before, _)):
                first += ((window - 1) / 2 - before) * step
                step *= stride
            case MaxPool(window=window, stride=stride):
                first += (window - 1) / 2 * step
                step *= stride
            case AdaptivePool(size=size):
                share = one.input_shape[1] / size
                first += (share - 1) / 2 * step
                step *= share
        if one.layer.name == layer:
            break
    return first, step


def over_image(values: NDArray[np.float32], net: Architecture, layer: str) -> NDArray[np.float32]:
    """A map (h, w) of the layer at every pixel of the image, (image_size, image_size).

    Between two values it goes smoothly from one to the other, and never beyond them; past the
    outermost ones it stays. A map is often just stretched over the image, and lies up to half
    the distance of two values beside its place.
    """
    first, step = place_of_maps(net, layer)
    places = (np.arange(net.image_size, dtype=np.float64) - first) / step
    rows, columns = (_interpolation(places, size) for size in values.shape)
    found: NDArray[np.float32] = (rows @ values @ columns.T).astype(np.float32)
    return found


def _interpolation(places: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """(len(places), size): what each value counts at each place."""
    places = places.clip(0, size - 1)
    distances = np.abs(places[:, None] - np.arange(size))
    linear = (1 - distances).clip(0, None)
    # Linear weights crease at every value: of few values, a peak would look like a cross.
    weights: NDArray[np.float64] = linear**2 * (3 - 2 * linear)
    return weights
