"""A file with the keys of torchvision's published weights, in both formats of PyTorch."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from alexnet import architecture, weights

SHAPES = {
    "features.0": (4, 3, 11, 11),
    "features.3": (6, 4, 5, 5),
    "features.6": (8, 6, 3, 3),
    "features.8": (6, 8, 3, 3),
    "features.10": (6, 6, 3, 3),
    "classifier.1": (9, 6 * 36),
    "classifier.4": (7, 9),
    "classifier.6": (5, 7),
}
"""The layers of alexnet-owt-7be5be79.pth, narrowed."""


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "before 1.6"])
def test_a_file_with_the_keys_of_torchvision(is_zip: bool, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    state: OrderedDict[str, torch.Tensor] = OrderedDict()
    for layer, shape in SHAPES.items():
        state[f"{layer}.weight"] = torch.randn(shape, generator=generator)
        state[f"{layer}.bias"] = torch.randn(shape[0], generator=generator)
    file = tmp_path / "alexnet-owt-7be5be79.pth"
    torch.save(state, file, _use_new_zipfile_serialization=is_zip)
    loaded = weights.read(file)
    net = architecture("owt", widths=(4, 6, 8, 6, 6), hidden=(9, 7), num_classes=5)
    weights.check(loaded, net)
    for array, tensor in zip(loaded.values(), state.values(), strict=True):
        assert np.array_equal(array, tensor.numpy())
