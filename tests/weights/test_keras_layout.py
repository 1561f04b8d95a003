"""Keras' layout of the arrays: worked by hand, and undone bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet import UserError
from alexnet.weights.keras_layout import from_keras, to_keras


def test_a_kernel_value_by_value() -> None:
    ours = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    theirs = to_keras("conv3.weight", ours, channels=9)
    assert theirs.shape == (4, 5, 3, 2)
    for out, channel, row, column in np.ndindex(ours.shape):
        assert theirs[row, column, channel, out] == ours[out, channel, row, column]


def test_fc6_value_by_value() -> None:
    channels, side = 3, 2
    ours = np.arange(5 * channels * side * side).reshape(5, -1)
    theirs = to_keras("fc6.weight", ours, channels=channels)
    assert theirs.shape == (12, 5)
    for channel, row, column in np.ndindex(channels, side, side):
        in_pytorch = (channel * side + row) * side + column
        in_keras = (row * side + column) * channels + channel
        assert np.array_equal(theirs[in_keras], ours[:, in_pytorch])


def test_the_other_dense_layers_are_only_turned() -> None:
    ours = np.arange(6).reshape(2, 3)
    assert to_keras("fc7.weight", ours, channels=256).tolist() == ours.T.tolist()
    assert to_keras("fc8.weight", ours, channels=256).tolist() == ours.T.tolist()


@pytest.mark.parametrize(
    "name", ["conv1.bias", "fc6.bias", "norm1.weight", "norm2.running_var", "norm5.running_mean"]
)
def test_vectors_stay(name: str) -> None:
    vector = np.arange(4.0)
    assert np.array_equal(to_keras(name, vector, channels=7), vector)
    assert np.array_equal(from_keras(name, vector, channels=7), vector)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(out=st.integers(1, 5), channels=st.integers(1, 6), side=st.integers(1, 4), data=st.data())
def test_there_and_back_bit_for_bit(
    out: int, channels: int, side: int, data: st.DataObject
) -> None:
    dtype = data.draw(st.sampled_from([np.float16, np.float32, np.float64]))
    bits = np.random.default_rng(0).bytes(out * channels * side * side * np.dtype(dtype).itemsize)
    flat = np.frombuffer(bits, dtype)
    for name, shape in {
        "conv4.weight": (out, channels, side, side),
        "fc6.weight": (out, channels * side * side),
        "fc7.weight": (out, channels * side * side),
    }.items():
        ours = flat.reshape(shape)
        back = from_keras(name, to_keras(name, ours, channels), channels)
        assert back.shape == shape
        assert back.dtype == ours.dtype
        assert back.tobytes() == ours.tobytes()  # also where a value is not a number


@pytest.mark.parametrize(
    ("name", "shape", "channels", "expected"),
    [
        ("fc6.weight", (2, 12), 5, "fc6.weight: 12 inputs are not square maps of 5 channels"),
        ("fc6.weight", (2, 6), 3, "fc6.weight: 6 inputs are not square maps of 3 channels"),
        ("fc6.weight", (2, 6), 0, "fc6.weight: 6 inputs are not square maps of 0 channels"),
        ("fc6.weight", (2, 3, 2, 2), 3, "fc6.weight has 4 dimensions and not 2"),
        ("conv1.weight", (2, 3), 3, "conv1.weight has 2 dimensions and not 4"),
        ("conv1.bias", (2, 3), 3, "conv1.bias has 2 dimensions and not 1"),
        ("conv6.weight", (2,), 3, "'conv6.weight' is not the name of a layer's weights"),
        ("conv1.running_var", (2,), 3, "'conv1.running_var' is not the name of a layer's weights"),
    ],
)
def test_what_has_no_place_in_keras(
    name: str, shape: tuple[int, ...], channels: int, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        to_keras(name, np.zeros(shape), channels)
    assert str(caught.value) == expected
