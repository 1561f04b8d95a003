"""Weights of any architecture are read back bit for bit from every layout and format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alexnet import Architecture, UserError, architecture, weights
from alexnet.weights.names import indexed


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    groups = draw(st.tuples(*[st.sampled_from([1, 2])] * 5))
    fields: dict[str, Any] = {
        "widths": draw(st.tuples(*[st.sampled_from([2, 4, 6])] * 5)),
        "groups": (1, *groups[1:]),
        "kernels": (3, 3, 3, 1, 3),
        "in_channels": draw(st.sampled_from([1, 3])),
        "image_size": draw(st.integers(70, 140)),
        "norm": draw(st.sampled_from(["none", "lrn", "batch"])),
        "norm_layers": draw(st.sets(st.integers(1, 5), min_size=1).map(sorted).map(tuple)),
        "adaptive_pool": draw(st.sampled_from([None, 1, 2, 3])),
        "hidden": draw(st.tuples(st.integers(1, 9), st.integers(1, 9))),
        "num_classes": draw(st.integers(1, 5)),
    }
    return architecture("full", **fields)


def random_bits(net: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Floats with random bits: subnormal, huge, infinite and NaN."""
    generator = np.random.default_rng(seed)
    return {
        name: np.frombuffer(generator.bytes(4 * int(np.prod(shape))), np.float32).reshape(shape)
        for name, shape in net.weight_shapes.items()
    }


@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(net=architectures(), seed=st.integers(0, 2**32))
def test_weights_survive_every_layout_bit_for_bit(
    net: Architecture, seed: int, tmp_path: Path
) -> None:
    expected = random_bits(net, seed)

    def assert_reads_back(file: Path) -> None:
        loaded = weights.read(file)
        assert set(loaded) == set(expected)
        for name, array in expected.items():
            assert loaded[name].dtype == np.float32
            assert loaded[name].shape == array.shape
            assert loaded[name].tobytes() == array.tobytes(), (file.name, name)

    for layout in ("canonical", "indexed"):
        for name in ("w.safetensors", "w.weights.h5"):
            if layout == "indexed" and net.norm == "batch":
                with pytest.raises(UserError, match="the indexed layout has no name for norm"):
                    weights.write(expected, tmp_path / name, layout=layout)
                continue
            weights.write(expected, tmp_path / name, layout=layout, architecture=net)
            assert_reads_back(tmp_path / name)
    for is_zip in (True, False):
        named = expected if net.norm == "batch" else indexed(expected)
        state = {name: torch.from_numpy(array.copy()) for name, array in named.items()}
        torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=is_zip)
        assert_reads_back(tmp_path / "w.pth")
