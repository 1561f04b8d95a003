"""The layers in NumPy, float64, written from their formulas: slow, plain, and independent.

Nothing here comes from the package or from PyTorch. Maps are (N, C, H, W), vectors (N, units).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def conv(
    x: Array,
    weight: Array,
    bias: Array,
    *,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> Array:
    """Each output is the sum over its window of the input, times the kernel, plus the bias."""
    x = np.pad(x, ((0, 0), (0, 0), padding, padding))
    outputs, inputs, kernel, _ = weight.shape
    rows, columns = ((size - kernel) // stride + 1 for size in x.shape[2:])
    y = np.zeros((len(x), outputs, rows, columns))
    for group in range(groups):
        own = slice(group * outputs // groups, (group + 1) * outputs // groups)
        seen = x[:, group * inputs : (group + 1) * inputs]
        for row in range(rows):
            for column in range(columns):
                top, left = row * stride, column * stride
                window = seen[:, :, top : top + kernel, left : left + kernel]
                sums = np.tensordot(window, weight[own], ([1, 2, 3], [1, 2, 3]))
                y[:, own, row, column] = sums + bias[own]
    return y


def neighbors(channel: int, channels: int, size: int) -> range:
    """The paper's j from max(0, i - n/2) to min(N - 1, i + n/2); an even n has one more before."""
    return range(max(0, channel - size // 2), min(channels - 1, channel + (size - 1) // 2) + 1)


def lrn(x: Array, *, size: int, alpha: float, beta: float, k: float, divided: bool) -> Array:
    """b_i = a_i / (k + alpha * sum_j a_j^2)^beta, section 3.3 of the paper."""
    alpha = alpha / size if divided else alpha
    y = np.zeros_like(x)
    for i in range(x.shape[1]):
        total = sum(x[:, j] ** 2 for j in neighbors(i, x.shape[1], size))
        y[:, i] = x[:, i] / (k + alpha * total) ** beta
    return y


def lrn_gradient(
    x: Array, grad: Array, *, size: int, alpha: float, beta: float, k: float, divided: bool
) -> Array:
    """The sum over i of grad_i * db_i/da_j, which is

    [i = j] s_i^-beta - 2 alpha beta a_i a_j s_i^(-beta - 1).
    """
    alpha = alpha / size if divided else alpha
    result = np.zeros_like(x)
    for i in range(x.shape[1]):
        window = neighbors(i, x.shape[1], size)
        s = k + alpha * sum(x[:, j] ** 2 for j in window)
        result[:, i] += grad[:, i] * s**-beta
        for j in window:
            result[:, j] -= 2 * alpha * beta * grad[:, i] * x[:, i] * x[:, j] * s ** (-beta - 1)
    return result


def max_pool(x: Array, *, window: int, stride: int) -> Array:
    rows, columns = ((size - window) // stride + 1 for size in x.shape[2:])
    y = np.zeros((*x.shape[:2], rows, columns))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            y[:, :, row, column] = x[:, :, top : top + window, left : left + window].max((2, 3))
    return y


def adaptive_mean_pool(x: Array, *, size: int) -> Array:
    """Window i reaches from floor(i * H / size) to ceil((i + 1) * H / size)."""
    height, width = x.shape[2:]
    y = np.zeros((*x.shape[:2], size, size))
    for row in range(size):
        for column in range(size):
            top, bottom = row * height // size, -(-(row + 1) * height // size)
            left, right = column * width // size, -(-(column + 1) * width // size)
            y[:, :, row, column] = x[:, :, top:bottom, left:right].mean((2, 3))
    return y


def batch_norm(
    x: Array, weight: Array, bias: Array, mean: Array, variance: Array, *, eps: float
) -> Array:
    weight, bias, mean, variance = (v[:, None, None] for v in (weight, bias, mean, variance))
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


def dense(x: Array, weight: Array, bias: Array) -> Array:
    return x @ weight.T + bias


ACTIVATIONS = {
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def resized(image: Array, size: int) -> Array:
    """Bilinear: output pixel i is read at (i + 0.5) * length / size - 0.5, kept inside."""

    def weights(length: int) -> Array:
        matrix = np.zeros((size, length))
        for i in range(size):
            place = min(max((i + 0.5) * length / size - 0.5, 0.0), length - 1.0)
            first = min(int(place), max(length - 2, 0))
            matrix[i, first] += 1 - (place - first)
            if length > 1:
                matrix[i, first + 1] += place - first
        return matrix

    rows, columns = weights(image.shape[0]), weights(image.shape[1])
    return np.einsum("ri,cj,ijk->rck", rows, columns, image.astype(np.float64))
