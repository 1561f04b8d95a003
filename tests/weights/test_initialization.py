"""Statistics of initial weights against the paper, Caffe, the seeds and PyTorch."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from alexnet import architecture, weights
from alexnet.spec.initializers import INITS

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
ONES = (0, 1, 0, 1, 1, 1, 1, 0)
ZEROS = (0,) * 8

# Standard deviations and biases of the layers, copied from their sources.
TABLE = {
    # Paper, section 5.
    "paper": ((0.01,) * 8, ONES),
    # layers-145.cfg: initW of conv1 to fc8, and initB.
    "cuda-convnet": ((0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01), ONES),
    # models/bvlc_alexnet/train_val.prototxt: weight_filler std, bias_filler value.
    "bvlc": ((0.01,) * 5 + (0.005, 0.005, 0.01), (0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0)),
    # models/bvlc_reference_caffenet/train_val.prototxt.
    "caffenet": ((0.01,) * 5 + (0.005, 0.005, 0.01), ONES),
}


def start(init: str, seed: int = 0, **changes: Any) -> dict[str, np.ndarray]:
    """Draw enough values per layer for statistics, and few enough to be fast."""
    wide = {"widths": (64, 64, 128, 96, 64), "hidden": (256, 256), "num_classes": 100}
    return weights.initial(architecture("full", **(wide | {"init": init} | changes)), seed)


def check_normal(values: np.ndarray, std: float) -> None:
    values = values.ravel().astype(np.float64)
    spread = 5 / math.sqrt(2 * values.size)
    assert values.std() == pytest.approx(std, rel=spread)
    assert abs(values.mean()) < 5 * std / math.sqrt(values.size)
    assert stats.kstest(values[:5000] / std, "norm").pvalue > 1e-4


@pytest.mark.parametrize("init", TABLE)
def test_normal_initializers(init: str) -> None:
    arrays = start(init)
    stds, biases = TABLE[init]
    for name, std, bias in zip(LAYERS, stds, biases, strict=True):
        check_normal(arrays[f"{name}.weight"], std)
        assert arrays[f"{name}.bias"] == pytest.approx(bias)


def test_the_initializer_of_the_seeds() -> None:
    """Kaiming normal over the fan out for ReLU, N(0, 0.01) for dense layers, biases 0."""
    arrays = start("tutorial")
    for name in LAYERS:
        weight = arrays[f"{name}.weight"]
        if name.startswith("conv"):
            like = torch.empty(weight.shape)
            _, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(like)
            check_normal(weight, math.sqrt(2 / fan_out))
        else:
            check_normal(weight, 0.01)
        assert not arrays[f"{name}.bias"].any()


def test_the_initializer_of_torch() -> None:
    """Uniform within 1 / sqrt(fan_in), weights and biases."""
    arrays = start("torch")
    for name in LAYERS:
        weight = arrays[f"{name}.weight"]
        bound = 1 / math.sqrt(math.prod(weight.shape[1:]))
        for kind in ("weight", "bias"):
            values = arrays[f"{name}.{kind}"].ravel().astype(np.float64)
            assert np.abs(values).max() <= bound * (1 + 1e-6)
            uniform = stats.uniform(-bound, 2 * bound)
            assert stats.kstest(values[:5000], uniform.cdf).pvalue > 1e-4
    torch.manual_seed(0)
    reference = torch.nn.Conv2d(64, 128, 3).weight.detach()
    assert arrays["conv3.weight"].std() == pytest.approx(reference.std().item(), rel=0.02)


@pytest.mark.parametrize(("activation", "gain"), [("relu", math.sqrt(2)), ("tanh", 5 / 3)])
def test_the_kaiming_initializer(activation: str, gain: float) -> None:
    arrays = start("kaiming", activation=activation)
    assert torch.nn.init.calculate_gain(activation) == pytest.approx(gain)
    for name in LAYERS[:-1]:
        weight = arrays[f"{name}.weight"]
        check_normal(weight, gain / math.sqrt(math.prod(weight.shape[1:])))
    check_normal(arrays["fc8.weight"], 0.01)
    assert all(not arrays[f"{name}.bias"].any() for name in LAYERS)


def test_the_fan_in_of_grouped_layers_counts_one_group() -> None:
    weight = start("kaiming", groups=(1, 2, 1, 2, 2))["conv4.weight"]
    assert weight.shape == (96, 64, 3, 3)
    check_normal(weight, math.sqrt(2 / (64 * 9)))


@pytest.mark.parametrize("init", INITS)
def test_initial_weights_are_a_function_of_the_seed(init: str) -> None:
    first, again, other = start(init, 7), start(init, 7), start(init, 8)
    assert {array.dtype for array in first.values()} == {np.dtype(np.float32)}
    for name in first:
        assert np.array_equal(first[name], again[name])
    for layer in LAYERS:
        assert not np.array_equal(first[f"{layer}.weight"], other[f"{layer}.weight"])


def test_layers_of_the_same_shape_get_independent_weights() -> None:
    arrays = start("paper", widths=(64, 64, 64, 64, 64))
    correlation = np.corrcoef(arrays["conv4.weight"].ravel(), arrays["conv5.weight"].ravel())[0, 1]
    assert abs(correlation) < 5 / math.sqrt(arrays["conv4.weight"].size)


def test_batch_norm_starts_as_the_identity() -> None:
    arrays = start("kaiming", norm="batch")
    for name, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
        assert (arrays[f"norm2.{name}"] == value).all()


def test_every_array_of_the_architecture_is_initialized() -> None:
    for init in INITS:
        net = architecture("paper", norm="batch", widths=8, hidden=8, init=init)
        shapes = {name: array.shape for name, array in weights.initial(net, 0).items()}
        assert shapes == net.weight_shapes
