"""Sizes, receptive fields and operations against figures worked out by hand or counted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet import UserError, architecture, variants
from alexnet.spec.layers import Conv, output_size
from alexnet.spec.shapes import least_size

# With a stride of s pixels so far a window of F adds (F - 1) * s: 11, + 2 * 4, + 4 * 8, + 2 * 8,
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
def test_output_size_counts_the_places_of_the_window(
    size: int, window: int, stride: int, padding: tuple[int, int]
) -> None:
    padded = size + sum(padding)
    places = [start for start in range(0, padded, stride) if start + window <= padded]
    assert output_size(size, window, stride, padding) == len(places)


@pytest.mark.parametrize(
    ("variant", "least"),
    # From behind: pool5 needs 3, pool2 7, pool1 15 pixels, conv1 14 * 4 + 11 less its zeros.
    [("half", 63), ("full", 63), ("paper", 63), ("owt", 63), ("full-227", 64), ("bvlc", 67)],
)
def test_least_image(variant: str, least: int) -> None:
    net = architecture(variant, image_size=least)
    assert least_size(net.layers, net.in_channels) == least
    with pytest.raises(UserError) as caught:
        architecture(variant, image_size=least - 1)
    assert str(caught.value) == (
        f"at pool5 nothing is left of a {least - 1}x{least - 1} image: its 3x3 window does not "
        f"fit into 2x2; the least image_size is {least}"
    )


@pytest.mark.parametrize(
    ("size", "layer", "left"), [(6, "conv1", 6), (10, "pool1", 1), (20, "pool2", 1)]
)
def test_the_layer_at_which_nothing_is_left(size: int, layer: str, left: int) -> None:
    with pytest.raises(UserError, match=f"^at {layer} nothing is left .* into {left}x{left};"):
        architecture("half", image_size=size)


def test_multiply_adds_counted_one_by_one() -> None:
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
    counted = {}
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
        counted[layer.name] = count
    assert {step.layer.name: step.macs for step in net.trace()} == counted


def test_multiply_adds_of_the_paper() -> None:
    found = {step.layer.name: step.macs for step in architecture("paper").trace()}
    # Output pixels times kernels times the values that one kernel sees.
    assert found["conv1"] == 55 * 55 * 96 * 11 * 11 * 3
    assert found["conv2"] == 27 * 27 * 256 * 5 * 5 * 48
    assert found["conv3"] == 13 * 13 * 384 * 3 * 3 * 256
    assert found["conv4"] == 13 * 13 * 384 * 3 * 3 * 192
    assert found["conv5"] == 13 * 13 * 256 * 3 * 3 * 192
    assert (found["fc6"], found["fc7"], found["fc8"]) == (9216 * 4096, 4096 * 4096, 4096 * 1000)
    assert sum(found.values()) == 724_406_816
