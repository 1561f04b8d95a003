"""Behavior of the PyTorch module: modes, activations, loading, invalid inputs."""

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch

from alexnet import AlexNet, UserError

TINY: dict[str, Any] = {"widths": (4, 8, 6, 6, 4), "hidden": (7, 6), "num_classes": 5}


def test_a_new_model_is_in_training_mode() -> None:
    # Wide enough that dropout cannot keep the same units twice.
    model = AlexNet("half", **TINY | {"hidden": (64, 64)}, image_size=63)
    assert model.training
    assert all(module.training for module in model.modules())
    x = torch.randn(2, 3, 63, 63)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))
    model.train()
    assert model.dropout6.training


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_zeroes_its_fraction_and_scales_the_rest(rate: float) -> None:
    model = AlexNet("paper", **(TINY | {"hidden": (4000, 8)}), image_size=63, dropout=rate)
    torch.manual_seed(0)
    outputs = model.activations(torch.randn(4, 3, 63, 63), ["relu6", "dropout6"])
    alive = outputs["relu6"] > 0
    survives = outputs["dropout6"][alive] > 0
    assert survives.float().mean().item() == pytest.approx(1 - rate, abs=0.03)
    scaled = outputs["relu6"][alive][survives] / (1 - rate)
    torch.testing.assert_close(outputs["dropout6"][alive][survives], scaled)
    outputs = model.eval().activations(torch.randn(4, 3, 63, 63), ["relu6", "dropout6"])
    assert torch.equal(outputs["relu6"], outputs["dropout6"])


def test_activations_are_in_the_requested_order_and_not_modified_in_place() -> None:
    model = AlexNet("paper", **TINY, image_size=79, init="kaiming").eval()
    x = torch.randn(1, 3, 79, 79)
    outputs = model.activations(x, layers=["fc7", "conv1", "norm2"])
    assert list(outputs) == ["fc7", "conv1", "norm2"]
    assert outputs["conv1"].min() < 0, "a ReLU behind it wrote into it"
    torch.testing.assert_close(outputs["conv1"], model.conv1(x))
    everything = model.activations(x)
    assert list(everything) == [layer.name for layer in model.architecture.layers]
    assert all(torch.equal(everything[name], output) for name, output in outputs.items())
    assert model.activations(x, layers=[]) == {}


def test_unknown_layers_are_rejected() -> None:
    model = AlexNet("half", **TINY, image_size=63)
    x = torch.zeros(1, 3, 63, 63)
    with pytest.raises(UserError, match=r"^unknown layer 'pol5': did you mean 'pool5'\?$"):
        model.activations(x, layers=["conv1", "pol5"])
    with pytest.raises(UserError, match=r"^unknown layer 'xyz': choose from conv1, relu1, pool1, "):
        model.activations(x, layers=["xyz"])


def test_unknown_variants_and_small_images_are_rejected_on_construction() -> None:
    with pytest.raises(
        UserError,
        match=r"^unknown variant 'papre': did you mean 'paper'\? choose from half, ",
    ):
        AlexNet("papre")
    with pytest.raises(UserError, match=r"the minimum image_size is 63$"):
        AlexNet("half", image_size=62)


def test_gray_images_and_other_sizes() -> None:
    model = AlexNet("owt", **TINY, in_channels=1).eval()
    for size in (63, 100, 224):
        assert model(torch.zeros(3, 1, size, size)).shape == (3, 5)
    assert model(torch.zeros(0, 1, 64, 64)).shape == (0, 5)


def test_manual_seed_determines_the_initial_weights() -> None:
    def draw(seed: int) -> dict[str, np.ndarray]:
        torch.manual_seed(seed)
        return AlexNet("half", **TINY, image_size=63).weights()

    first, again, other = draw(3), draw(3), draw(4)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["conv1.weight"], other["conv1.weight"])
    torch.manual_seed(3)
    two = [AlexNet("half", **TINY, image_size=63).weights() for _ in range(2)]
    assert not np.array_equal(two[0]["fc6.weight"], two[1]["fc6.weight"])


def test_copying_saving_and_memory_formats_preserve_the_outputs() -> None:
    model = AlexNet("paper", **TINY, image_size=79, norm="batch").eval()
    x = torch.randn(2, 3, 79, 79)
    assert torch.equal(copy.deepcopy(model)(x), model(x))
    other = AlexNet("paper", **TINY, image_size=79, norm="batch").eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), model(x))
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    channels_last = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(channels_last(x.to(memory_format=torch.channels_last)), other(x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_matches_float32(dtype: torch.dtype) -> None:
    model = AlexNet("paper", **TINY, image_size=79, init="kaiming").eval()
    x = torch.randn(4, 3, 79, 79)
    with torch.no_grad():
        expected = model(x)
        with torch.autocast("cpu", dtype):
            outputs = model(x)
    spread = float((expected - model.fc8.bias).abs().max().detach())
    torch.testing.assert_close(outputs.float(), expected, atol=0.03 * spread, rtol=0.03)


def test_weights_are_copies() -> None:
    model = AlexNet("half", **TINY, image_size=63)
    before = model.weights()
    before["conv1.weight"][:] = 7
    assert model.conv1.weight.max() < 7


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (1, 3, 128, 128),
            "fc6 takes 4608 inputs, but images of 128x128 produce 1152; use 224x224",
        ),
        ((1, 1, 224, 224), r"expected images \(N, 3, 224, 224\), got \(1, 1, 224, 224\)"),
        ((3, 224, 224), r"expected images \(N, 3, 224, 224\), got \(3, 224, 224\)"),
        ((1, 3, 20, 20), "the minimum image_size is 63"),
    ],
)
def test_images_that_do_not_fit_are_rejected(shape: tuple[int, ...], message: str) -> None:
    model = AlexNet("half", num_classes=5).eval()
    with pytest.raises(UserError, match=message):
        model(torch.zeros(shape))


def test_image_sizes_with_the_same_feature_maps_are_accepted() -> None:
    assert AlexNet("half", num_classes=5).eval()(torch.zeros(1, 3, 227, 227)).shape == (1, 5)
    assert AlexNet("owt", num_classes=5).eval()(torch.zeros(1, 3, 100, 130)).shape == (1, 5)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_images_of_integers_are_rejected(dtype: torch.dtype) -> None:
    model = AlexNet("half", **TINY, image_size=63).eval()
    images = torch.zeros((1, 3, 63, 63), dtype=dtype)
    for call in (model, model.activations):
        with pytest.raises(UserError, match=f"floating-point type, got {dtype}; normalize"):
            call(images)


def test_weights_for_other_classes_name_their_number() -> None:
    model = AlexNet("half", **TINY, image_size=63)
    arrays = AlexNet("half", **TINY | {"num_classes": 12}, image_size=63).weights()
    with pytest.raises(UserError, match=r"fc8\.weight has shape .* num_classes=12$"):
        model.load_weights(arrays)
    AlexNet("half", **TINY | {"num_classes": 12}, image_size=63).load_weights(arrays)
    # If more does not fit, another number of classes does not help.
    with pytest.raises(UserError) as refused:
        AlexNet("half", **TINY | {"hidden": 9}, image_size=63).load_weights(arrays)
    assert "num_classes=" not in str(refused.value)


@pytest.mark.parametrize("norm", ["lrn", "batch"])
def test_a_model_without_initialization_equals_the_source_of_its_weights(norm: str) -> None:
    changes = TINY | {"norm": norm, "image_size": 79, "paddings": ((2, 1), 2, 1, 1, 1)}
    source = AlexNet("paper", **changes).eval()
    generator = torch.get_rng_state()
    model = AlexNet("paper", init_weights=False, **changes).eval()
    assert torch.equal(torch.get_rng_state(), generator)
    model.load_weights(source.weights())
    for key, value in source.state_dict().items():
        loaded = model.state_dict()[key]
        assert torch.equal(loaded, value), key
        assert (loaded.dtype, loaded.stride()) == (value.dtype, value.stride()), key
    x = torch.randn(2, 3, 79, 79)
    assert torch.equal(model(x), source(x))


def test_parameters_have_the_default_device_and_dtype() -> None:
    with torch.device("meta"):
        model = AlexNet("half", **TINY, image_size=63, init_weights=False)
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    torch.set_default_dtype(torch.float64)
    try:
        model = AlexNet("half", **TINY, image_size=63)
    finally:
        torch.set_default_dtype(torch.float32)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}
