"""Keras' layout of the arrays: index by index, and round trips bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet import UserError
from alexnet.weights.keras_layout import from_keras, to_keras


def test_each_value_of_a_convolution_kernel() -> None:
    canonical = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    in_keras = to_keras("conv3.weight", canonical, channels=9)
    assert in_keras.shape == (4, 5, 3, 2)
    for out, channel, row, column in np.ndindex(canonical.shape):
        assert in_keras[row, column, channel, out] == canonical[out, channel, row, column]


def test_each_value_of_fc6() -> None:
    channels, side = 3, 2
    canonical = np.arange(5 * channels * side * side).reshape(5, -1)
    in_keras = to_keras("fc6.weight", canonical, channels=channels)
    assert in_keras.shape == (12, 5)
    for channel, row, column in np.ndindex(channels, side, side):
        index = (channel * side + row) * side + column
        keras_index = (row * side + column) * channels + channel
        assert np.array_equal(in_keras[keras_index], canonical[:, index])


def test_other_dense_layers_are_transposed() -> None:
    canonical = np.arange(6).reshape(2, 3)
    assert to_keras("fc7.weight", canonical, channels=256).tolist() == canonical.T.tolist()
    assert to_keras("fc8.weight", canonical, channels=256).tolist() == canonical.T.tolist()


@pytest.mark.parametrize(
    "name", ["conv1.bias", "fc6.bias", "norm1.weight", "norm2.running_var", "norm5.running_mean"]
)
def test_vectors_are_unchanged(name: str) -> None:
    vector = np.arange(4.0)
    assert np.array_equal(to_keras(name, vector, channels=7), vector)
    assert np.array_equal(from_keras(name, vector, channels=7), vector)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(out=st.integers(1, 5), channels=st.integers(1, 6), side=st.integers(1, 4), data=st.data())
def test_round_trips_are_bit_identical(
    out: int, channels: int, side: int, data: st.DataObject
) -> None:
    dtype = data.draw(st.sampled_from([np.float16, np.float32, np.float64]))
    content = np.random.default_rng(0).bytes(
        out * channels * side * side * np.dtype(dtype).itemsize
    )
    flat = np.frombuffer(content, dtype)
    for name, shape in {
        "conv4.weight": (out, channels, side, side),
        "fc6.weight": (out, channels * side * side),
        "fc7.weight": (out, channels * side * side),
    }.items():
        canonical = flat.reshape(shape)
        back = from_keras(name, to_keras(name, canonical, channels), channels)
        assert back.shape == shape
        assert back.dtype == canonical.dtype
        assert back.tobytes() == canonical.tobytes()  # NaN included


@pytest.mark.parametrize(
    ("name", "shape", "channels", "expected"),
    [
        (
            "fc6.weight",
            (2, 12),
            5,
            "fc6.weight: 12 inputs are not square feature maps with 5 channels",
        ),
        (
            "fc6.weight",
            (2, 6),
            3,
            "fc6.weight: 6 inputs are not square feature maps with 3 channels",
        ),
        (
            "fc6.weight",
            (2, 6),
            0,
            "fc6.weight: 6 inputs are not square feature maps with 0 channels",
        ),
        ("fc6.weight", (2, 3, 2, 2), 3, "fc6.weight must have 2 dimensions, got 4"),
        ("conv1.weight", (2, 3), 3, "conv1.weight must have 4 dimensions, got 2"),
        ("conv1.bias", (2, 3), 3, "conv1.bias must have 1 dimension, got 2"),
        ("conv6.weight", (2,), 3, "'conv6.weight' is not the name of a layer or array of weights"),
        (
            "conv1.running_var",
            (2,),
            3,
            "'conv1.running_var' is not the name of a layer or array of weights",
        ),
    ],
)
def test_invalid_arrays_are_rejected(
    name: str, shape: tuple[int, ...], channels: int, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        to_keras(name, np.zeros(shape), channels)
    assert str(caught.value) == expected
