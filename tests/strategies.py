"""Hypothesis strategies for random architectures."""

from typing import Any

from hypothesis import strategies as st


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw changes that turn a variant into a small architecture; most are valid."""
    groups = draw(st.tuples(*[st.integers(1, 2)] * 5))
    fives = st.tuples(*[st.integers(1, 3)] * 5)
    pads = st.tuples(st.integers(0, 2), st.integers(0, 2))
    return {
        "num_classes": draw(st.integers(1, 4)),
        "in_channels": groups[0] * draw(st.integers(1, 2)),
        "image_size": draw(st.integers(8, 40)),
        "widths": tuple(2 * width for width in draw(fives)),
        "kernels": draw(st.tuples(st.integers(1, 7), *[st.integers(1, 4)] * 4)),
        "strides": (draw(st.integers(1, 4)), draw(st.integers(1, 2)), 1, 1, 1),
        "paddings": draw(st.tuples(*[pads] * 5)),
        "groups": groups,
        "activation": draw(st.sampled_from(["relu", "tanh", "sigmoid"])),
        "order": tuple(draw(st.permutations(["activation", "norm", "pool"]))),
        "norm": draw(st.sampled_from(["none", "lrn", "batch"])),
        "norm_layers": tuple(draw(st.sets(st.integers(1, 5)))),
        "lrn_size": draw(st.integers(1, 7)),
        "lrn_alpha": draw(st.floats(0, 1)),
        "lrn_beta": draw(st.sampled_from([0.5, 0.75, 1.0])),
        "lrn_k": draw(st.floats(0.5, 2)),
        "lrn_alpha_divided": draw(st.booleans()),
        "pool_layers": tuple(draw(st.sets(st.integers(1, 5), max_size=3))),
        "pool_window": draw(st.integers(1, 3)),
        "pool_stride": draw(st.integers(1, 3)),
        "adaptive_pool": draw(st.sampled_from([None, 1, 2, 5])),
        "hidden": draw(st.tuples(st.integers(1, 6), st.integers(1, 6))),
        "dropout": draw(st.sampled_from([0.0, 0.5])),
        "dropout_position": draw(st.sampled_from(["before", "after"])),
    }
