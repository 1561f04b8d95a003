"""Other programs' networks give the same logits when their weights are loaded here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from alexnet import AlexNet, UserError, weights

from .conftest import IndexedNet

PLACES = {
    "features.0": "conv1",
    "features.3": "conv2",
    "features.6": "conv3",
    "features.8": "conv4",
    "features.10": "conv5",
    "classifier.1": "fc6",
    "classifier.4": "fc7",
    "classifier.6": "fc8",
}


def same_logits(theirs: nn.Module, ours: AlexNet, size: int = 224) -> None:
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, found = theirs.eval()(x), ours.eval()(x)
    assert (expected[0] - expected[1]).abs().max() > 0.1, "the logits tell the images apart"
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "widths"),
    [("full", (96, 256, 384, 384, 256)), ("half", (48, 128, 192, 192, 128))],
)
def test_the_seeds_networks(variant: str, widths: tuple[int, ...], tmp_path: Path) -> None:
    theirs = IndexedNet(widths, 2048, 5)
    ours = AlexNet(variant, num_classes=5)
    assert sum(p.numel() for p in theirs.parameters()) == ours.architecture.num_parameters
    torch.save(theirs.state_dict(), tmp_path / "AlexNet.pth")
    ours.load_weights(weights.read(tmp_path / "AlexNet.pth"))
    same_logits(theirs, ours)


def test_torchvisions_alexnet() -> None:
    theirs = IndexedNet((64, 192, 384, 256, 256), 4096, 7, pool=nn.AdaptiveAvgPool2d((6, 6)))
    ours = AlexNet("owt", num_classes=7)
    ours.load_weights(weights.read(theirs.state_dict()))
    same_logits(theirs, ours)
    same_logits(theirs, ours, size=180)


def small() -> IndexedNet:
    return IndexedNet((4, 6, 8, 6, 4), 9, 5)


def test_indexed_names_become_canonical_and_come_back_bit_for_bit(tmp_path: Path) -> None:
    state = small().state_dict()
    found = weights.read(state)
    assert set(found) == {
        f"{ours}.{kind}" for ours in PLACES.values() for kind in ("weight", "bias")
    }
    for key, tensor in state.items():
        layer, _, kind = key.rpartition(".")
        assert np.array_equal(found[f"{PLACES[layer]}.{kind}"], tensor.numpy())

    weights.write(found, tmp_path / "indexed.safetensors", layout="indexed")
    back = load_file(tmp_path / "indexed.safetensors")
    assert set(back) == set(state)
    assert all(np.array_equal(back[key], tensor.numpy()) for key, tensor in state.items())

    weights.write(found, tmp_path / "ours.safetensors")
    again = load_file(tmp_path / "ours.safetensors")
    assert set(again) == set(found)
    for file in ("indexed.safetensors", "ours.safetensors"):
        read = weights.read(tmp_path / file)
        assert set(read) == set(found)
        assert all(np.array_equal(read[name], array) for name, array in found.items())


def test_torchvision_can_load_what_is_written(tmp_path: Path) -> None:
    ours = AlexNet("half", widths=(4, 6, 8, 6, 4), hidden=9, num_classes=5)
    ours.load_weights(weights.read(small().state_dict()))
    weights.write(ours.weights(), tmp_path / "w.safetensors", layout="indexed")
    theirs = small()
    state = {name: torch.from_numpy(a) for name, a in load_file(tmp_path / "w.safetensors").items()}
    theirs.load_state_dict(state)
    same_logits(theirs, ours)


def test_layouts_that_cannot_be(tmp_path: Path) -> None:
    net = AlexNet("half", widths=4, hidden=4, norm="batch")
    with pytest.raises(UserError, match=r"^the indexed layout has no name for norm1\.weight$"):
        weights.write(net.weights(), tmp_path / "w.safetensors", layout="indexed")
    with pytest.raises(
        UserError, match=r"^unknown layout 'keras': choose from canonical, indexed$"
    ):
        weights.write(net.weights(), tmp_path / "w.safetensors", layout="keras")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "model."])
def test_prefixes_of_training_programs(prefix: str) -> None:
    state = {f"{prefix}{name}": tensor for name, tensor in small().state_dict().items()}
    assert set(weights.read(state)) == set(weights.read(small().state_dict()))


def test_data_parallel() -> None:
    net = AlexNet("half", widths=4, hidden=4, num_classes=2, image_size=63)
    found = weights.read(nn.DataParallel(net).state_dict())
    assert set(found) == set(net.weights())


@pytest.mark.parametrize("container", ["state_dict", "model", "model_state_dict"])
def test_checkpoints_of_training_programs(container: str, tmp_path: Path) -> None:
    """As the PyTorch examples save them: the weights beside the epoch and the optimizer."""
    net = small()
    checkpoint = {"epoch": 3, container: net.state_dict(), "optimizer": {"lr": 0.1}}
    torch.save(checkpoint, tmp_path / "checkpoint.pth.tar")
    found = weights.read(tmp_path / "checkpoint.pth.tar")
    assert np.array_equal(found["conv1.weight"], net.features[0].weight.detach().numpy())


def test_batch_norms_counter_is_left_out() -> None:
    net = AlexNet("half", widths=4, hidden=4, num_classes=2, image_size=63, norm="batch")
    assert "norm1.num_batches_tracked" in net.state_dict()
    found = weights.read(net.state_dict())
    assert set(found) == set(net.architecture.weight_shapes)
    net.load_weights(found)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_other_precisions(dtype: torch.dtype, suffix: str, tmp_path: Path) -> None:
    state = {name: tensor.to(dtype) for name, tensor in small().state_dict().items()}
    file = tmp_path / f"weights{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    found = weights.read(file)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    expected = state["features.0.weight"].float().numpy()
    assert np.array_equal(found["conv1.weight"], expected)


def test_bfloat16_of_numpy() -> None:
    """It is there where JAX, for one, was imported before."""
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    found = weights.read({"conv1.bias": np.array([1.5, -2.0], bfloat16)})["conv1.bias"]
    assert found.dtype == np.float32
    assert found.tolist() == [1.5, -2.0]


def test_two_names_for_one_array() -> None:
    both = {"features.0.bias": np.zeros(4, np.float32), "conv1.bias": np.ones(4, np.float32)}
    with pytest.raises(UserError, match=r"^state dict: two arrays for conv1\.bias$"):
        weights.read(both)
