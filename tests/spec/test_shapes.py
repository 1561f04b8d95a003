"""Shapes, receptive fields and MACs against values computed by hand or counted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet import UserError, architecture, variants
from alexnet.spec.layers import Conv, output_size
from alexnet.spec.shapes import min_image_size

# After a total stride of s, a window F adds (F - 1) * s: 11, + 2 * 4, + 4 * 8, + 2 * 8,
# + 2 * 16 three times, + 2 * 16.
FIELDS = {"conv1": 11, "pool1": 19, "conv2": 51, "pool2": 67, "conv3": 99, "conv4": 131}
FIELDS |= {"conv5": 163, "pool5": 195}
STRIDES = {"conv1": 4, "pool1": 8, "conv2": 8, "pool2": 16, "conv3": 16, "conv4": 16}
STRIDES |= {"conv5": 16, "pool5": 32}


@pytest.mark.parametrize("variant", variants())
def test_receptive_fields(variant: str) -> None:
    steps = {step.layer.name: step for step in architecture(variant).trace()}
    assert {name: steps[name].receptive_field_px for name in FIELDS} == FIELDS
    assert {name: steps[name].stride_px for name in STRIDES} == STRIDES
    assert steps["relu5"].receptive_field_px == 163
    assert steps["fc8"].receptive_field_px >= architecture(variant).image_size


@given(
    size=st.integers(1, 40),
    window=st.integers(1, 12),
    stride=st.integers(1, 6),
    padding=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_output_size_is_the_number_of_window_positions(
    size: int, window: int, stride: int, padding: tuple[int, int]
) -> None:
    padded = size + sum(padding)
    positions = [start for start in range(0, padded, stride) if start + window <= padded]
    assert output_size(size, window, stride, padding) == len(positions)


@pytest.mark.parametrize(
    ("variant", "minimum"),
    # Backwards: pool5 needs 3, pool2 7, pool1 15 pixels, conv1 14 * 4 + 11 minus its padding.
    [("half", 63), ("full", 63), ("paper", 63), ("owt", 63), ("full-227", 64), ("bvlc", 67)],
)
def test_min_image_size(variant: str, minimum: int) -> None:
    net = architecture(variant, image_size=minimum)
    assert min_image_size(net.layers, net.in_channels) == minimum
    with pytest.raises(UserError) as caught:
        architecture(variant, image_size=minimum - 1)
    assert str(caught.value) == (
        f"a {minimum - 1}x{minimum - 1} image is too small: the 3x3 window of pool5 does not fit "
        f"into 2x2; the minimum image_size is {minimum}"
    )


@pytest.mark.parametrize(
    ("size", "layer", "left"), [(6, "conv1", 6), (10, "pool1", 1), (20, "pool2", 1)]
)
def test_error_names_the_first_layer_that_does_not_fit(size: int, layer: str, left: int) -> None:
    with pytest.raises(UserError, match=f"too small: .* of {layer} .* into {left}x{left};"):
        architecture("half", image_size=size)


def test_macs_counted_one_by_one() -> None:
    net = architecture(
        "paper",
        in_channels=2,
        image_size=17,
        num_classes=3,
        widths=(4, 6, 4, 2, 6),
        kernels=(3, 3, 2, 3, 1),
        strides=(2, 1, 1, 1, 1),
        paddings=((1, 0), 1, (0, 1), 1, 0),
        groups=(2, 2, 1, 2, 2),
        pool_layers=(1,),
        hidden=(5, 4),
    )
    expected = {}
    for step in net.trace():
        layer, count = step.layer, 0
        if isinstance(layer, Conv):
            (channels, rows, columns), kernel = step.output_shape, layer.kernel
            per_group = channels // layer.groups
            for output, _, _ in itertools.product(range(channels), range(rows), range(columns)):
                group = output // per_group
                for source in range(step.input_shape[0]):
                    if source // (step.input_shape[0] // layer.groups) == group:
                        count += kernel * kernel
        elif layer.name.startswith("fc"):
            count = sum(
                1 for _ in itertools.product(range(step.input_shape[0]), range(layer.units))
            )
        expected[layer.name] = count
    assert {step.layer.name: step.macs for step in net.trace()} == expected


def test_macs_of_the_paper() -> None:
    macs = {step.layer.name: step.macs for step in architecture("paper").trace()}
    # Output pixels times kernels times inputs per kernel.
    assert macs["conv1"] == 55 * 55 * 96 * 11 * 11 * 3
    assert macs["conv2"] == 27 * 27 * 256 * 5 * 5 * 48
    assert macs["conv3"] == 13 * 13 * 384 * 3 * 3 * 256
    assert macs["conv4"] == 13 * 13 * 384 * 3 * 3 * 192
    assert macs["conv5"] == 13 * 13 * 256 * 3 * 3 * 192
    assert (macs["fc6"], macs["fc7"], macs["fc8"]) == (9216 * 4096, 4096 * 4096, 4096 * 1000)
    assert sum(macs.values()) == 724_406_816
