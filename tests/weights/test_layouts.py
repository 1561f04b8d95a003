"""Networks of other programs give the same logits when their weights are loaded here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from alexnet import AlexNet, UserError, weights

from .conftest import IndexedNet

LAYERS = {
    "features.0": "conv1",
    "features.3": "conv2",
    "features.6": "conv3",
    "features.8": "conv4",
    "features.10": "conv5",
    "classifier.1": "fc6",
    "classifier.4": "fc7",
    "classifier.6": "fc8",
}


def assert_same_logits(reference: nn.Module, model: AlexNet, size: int = 224) -> None:
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, loaded = reference.eval()(x), model.eval()(x)
    assert (expected[0] - expected[1]).abs().max() > 0.1, "the logits depend on the image"
    torch.testing.assert_close(loaded, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "widths"),
    [("full", (96, 256, 384, 384, 256)), ("half", (48, 128, 192, 192, 128))],
)
def test_the_networks_of_the_seeds_give_the_same_logits(
    variant: str, widths: tuple[int, ...], tmp_path: Path
) -> None:
    reference = IndexedNet(widths, 2048, 5)
    model = AlexNet(variant, num_classes=5)
    assert sum(p.numel() for p in reference.parameters()) == model.architecture.num_parameters
    torch.save(reference.state_dict(), tmp_path / "AlexNet.pth")
    model.load_weights(weights.read(tmp_path / "AlexNet.pth"))
    assert_same_logits(reference, model)


def test_the_alexnet_of_torchvision_gives_the_same_logits() -> None:
    reference = IndexedNet((64, 192, 384, 256, 256), 4096, 7, pool=nn.AdaptiveAvgPool2d((6, 6)))
    model = AlexNet("owt", num_classes=7)
    model.load_weights(weights.read(reference.state_dict()))
    assert_same_logits(reference, model)
    assert_same_logits(reference, model, size=180)


def small() -> IndexedNet:
    return IndexedNet((4, 6, 8, 6, 4), 9, 5)


def test_indexed_names_round_trip_bit_for_bit(tmp_path: Path) -> None:
    state = small().state_dict()
    loaded = weights.read(state)
    assert set(loaded) == {
        f"{model}.{kind}" for model in LAYERS.values() for kind in ("weight", "bias")
    }
    for key, tensor in state.items():
        layer, _, kind = key.rpartition(".")
        assert np.array_equal(loaded[f"{LAYERS[layer]}.{kind}"], tensor.numpy())

    weights.write(loaded, tmp_path / "indexed.safetensors", layout="indexed")
    back = load_file(tmp_path / "indexed.safetensors")
    assert set(back) == set(state)
    assert all(np.array_equal(back[key], tensor.numpy()) for key, tensor in state.items())

    weights.write(loaded, tmp_path / "model.safetensors")
    again = load_file(tmp_path / "model.safetensors")
    assert set(again) == set(loaded)
    for file in ("indexed.safetensors", "model.safetensors"):
        read = weights.read(tmp_path / file)
        assert set(read) == set(loaded)
        assert all(np.array_equal(read[name], array) for name, array in loaded.items())


def test_an_indexed_file_loads_into_the_layout_of_torchvision(tmp_path: Path) -> None:
    model = AlexNet("half", widths=(4, 6, 8, 6, 4), hidden=9, num_classes=5)
    model.load_weights(weights.read(small().state_dict()))
    weights.write(model.weights(), tmp_path / "w.safetensors", layout="indexed")
    reference = small()
    state = {name: torch.from_numpy(a) for name, a in load_file(tmp_path / "w.safetensors").items()}
    reference.load_state_dict(state)
    assert_same_logits(reference, model)


def test_invalid_layouts_are_rejected(tmp_path: Path) -> None:
    net = AlexNet("half", widths=4, hidden=4, norm="batch")
    with pytest.raises(UserError, match=r"^the indexed layout has no name for norm1\.weight$"):
        weights.write(net.weights(), tmp_path / "w.safetensors", layout="indexed")
    with pytest.raises(
        UserError, match=r"^unknown layout 'keras': choose from canonical, indexed$"
    ):
        weights.write(net.weights(), tmp_path / "w.safetensors", layout="keras")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "model."])
def test_prefixes_of_training_programs_are_removed(prefix: str) -> None:
    state = {f"{prefix}{name}": tensor for name, tensor in small().state_dict().items()}
    assert set(weights.read(state)) == set(weights.read(small().state_dict()))


def test_the_prefix_of_data_parallel_is_removed() -> None:
    net = AlexNet("half", widths=4, hidden=4, num_classes=2, image_size=63)
    loaded = weights.read(nn.DataParallel(net).state_dict())
    assert set(loaded) == set(net.weights())


@pytest.mark.parametrize("container", ["state_dict", "model", "model_state_dict"])
def test_weights_are_read_from_checkpoints_of_training_programs(
    container: str, tmp_path: Path
) -> None:
    """The PyTorch examples save the weights beside the epoch and the optimizer."""
    net = small()
    checkpoint = {"epoch": 3, container: net.state_dict(), "optimizer": {"lr": 0.1}}
    torch.save(checkpoint, tmp_path / "checkpoint.pth.tar")
    loaded = weights.read(tmp_path / "checkpoint.pth.tar")
    assert np.array_equal(loaded["conv1.weight"], net.features[0].weight.detach().numpy())


def test_the_counter_of_batch_norm_is_ignored() -> None:
    net = AlexNet("half", widths=4, hidden=4, num_classes=2, image_size=63, norm="batch")
    assert "norm1.num_batches_tracked" in net.state_dict()
    loaded = weights.read(net.state_dict())
    assert set(loaded) == set(net.architecture.weight_shapes)
    net.load_weights(loaded)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_other_precisions_become_float32(dtype: torch.dtype, suffix: str, tmp_path: Path) -> None:
    state = {name: tensor.to(dtype) for name, tensor in small().state_dict().items()}
    file = tmp_path / f"weights{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    loaded = weights.read(file)
    assert {array.dtype for array in loaded.values()} == {np.dtype(np.float32)}
    expected = state["features.0.weight"].float().numpy()
    assert np.array_equal(loaded["conv1.weight"], expected)


def test_bfloat16_arrays_of_ml_dtypes_become_float32() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    loaded = weights.read({"conv1.bias": np.array([1.5, -2.0], bfloat16)})["conv1.bias"]
    assert loaded.dtype == np.float32
    assert loaded.tolist() == [1.5, -2.0]


def test_two_names_for_one_array_are_rejected() -> None:
    both = {"features.0.bias": np.zeros(4, np.float32), "conv1.bias": np.ones(4, np.float32)}
    with pytest.raises(UserError, match=r"^state dict: two arrays for conv1\.bias$"):
        weights.read(both)
