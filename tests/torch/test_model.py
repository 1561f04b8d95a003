"""The PyTorch network: shapes against torch's own, values against the oracle, and its manners."""

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from alexnet import AlexNet, Architecture, UserError, architecture, variants

from .. import oracle
from ..strategies import changes

QUICK = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
TINY: dict[str, Any] = {"widths": (4, 8, 6, 6, 4), "hidden": (7, 6), "num_classes": 5}


def model_of(wanted: dict[str, Any]) -> AlexNet:
    """The network, with no bias or running value at a round number; skipped if impossible."""
    try:
        net = architecture("paper", **wanted)
    except UserError:
        assume(False)
    model = AlexNet(net)
    generator = np.random.default_rng(0)
    model.load_weights(
        {
            name: array + generator.uniform(0.1, 0.3, array.shape).astype(np.float32)
            for name, array in model.weights().items()
        }
    )
    return model


@QUICK
@given(wanted=changes(), size=st.integers(1, 40))
def test_what_is_impossible_is_said_in_one_line(wanted: dict[str, Any], size: int) -> None:
    try:
        architecture("paper", **(wanted | {"image_size": size}))
        said = ""
    except UserError as error:
        said = str(error)
    assert "\n" not in said
    least = said.partition("the least image_size is ")[2]
    if least:
        architecture("paper", **(wanted | {"image_size": int(least)}))
        with pytest.raises(UserError, match=rf"the least image_size is {least}$"):
            architecture("paper", **(wanted | {"image_size": int(least) - 1}))


@QUICK
@given(wanted=changes())
def test_the_trace_says_what_torch_does(wanted: dict[str, Any]) -> None:
    model = model_of(wanted)
    net = model.architecture
    found = model.eval().activations(torch.zeros(2, *net.input_shape))
    assert {step.layer.name: (2, *step.output_shape) for step in net.trace()} == {
        name: tuple(output.shape) for name, output in found.items()
    }
    assert net.num_parameters == sum(p.numel() for p in model.parameters())
    arrays = {k: tuple(v.shape) for k, v in model.state_dict().items() if "num_batches" not in k}
    assert net.weight_shapes == arrays


@pytest.mark.parametrize("variant", variants())
def test_every_layer_of_every_variant(variant: str) -> None:
    model = AlexNet(variant, num_classes=5, hidden=(8, 8)).eval()
    x = torch.zeros(1, *model.architecture.input_shape)
    with torch.no_grad():
        found = model.activations(x)
    assert {name: tuple(output.shape[1:]) for name, output in found.items()} == {
        step.layer.name: step.output_shape for step in model.architecture.trace()
    }
    sizes = [found[name].shape[-1] for name in ("conv1", "pool1", "conv2", "pool2", "pool5")]
    assert sizes == [55, 27, 27, 13, 6]


def test_full_227_sees_227_pixels() -> None:
    conv1 = AlexNet("full-227", num_classes=2, hidden=(2, 2)).conv1
    x = torch.rand(1, 3, 224, 224)
    padded = torch.zeros(1, 3, 227, 227)
    padded[:, :, 1:-2, 1:-2] = x
    expected = torch.nn.functional.conv2d(padded, conv1.weight, conv1.bias, stride=4)
    assert expected.shape[-1] == 55
    torch.testing.assert_close(conv1(x), expected)


def by_hand(net: Architecture, arrays: dict[str, np.ndarray], x: np.ndarray) -> dict[str, Any]:
    """Every activation of the network in evaluation mode, by the oracle, from the settings."""
    outputs: dict[str, Any] = {}
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    activation = oracle.ACTIVATIONS[net.activation]

    def keep(name: str, value: np.ndarray) -> np.ndarray:
        outputs[name] = value
        return value

    for n in range(1, 6):
        weight, bias = arrays[f"conv{n}.weight"], arrays[f"conv{n}.bias"]
        place = {"stride": net.strides[n - 1], "padding": net.paddings[n - 1]}
        x = keep(f"conv{n}", oracle.conv(x, weight, bias, groups=net.groups[n - 1], **place))
        for follower in net.order:
            if follower == "activation":
                x = keep(f"relu{n}", activation(x))
            elif follower == "pool" and n in net.pool_layers:
                x = oracle.max_pool(x, window=net.pool_window, stride=net.pool_stride)
                keep(f"pool{n}", x)
            elif follower == "norm" and n in net.norm_layers and net.norm == "lrn":
                constants = {"size": net.lrn_size, "alpha": net.lrn_alpha, "k": net.lrn_k}
                constants |= {"beta": net.lrn_beta, "divided": net.lrn_alpha_divided}
                x = keep(f"norm{n}", oracle.lrn(x, **constants))
            elif follower == "norm" and n in net.norm_layers and net.norm == "batch":
                kinds = ("weight", "bias", "running_mean", "running_var")
                values = [arrays[f"norm{n}.{kind}"] for kind in kinds]
                x = keep(f"norm{n}", oracle.batch_norm(x, *values, eps=net.batch_norm_eps))
    if net.adaptive_pool is not None:
        x = keep("adaptive_pool", oracle.adaptive_mean_pool(x, size=net.adaptive_pool))
    x = keep("flatten", x.reshape(len(x), -1))
    for n in (6, 7):
        if net.dropout and net.dropout_position == "before":
            keep(f"dropout{n}", x)
        x = keep(f"fc{n}", oracle.dense(x, arrays[f"fc{n}.weight"], arrays[f"fc{n}.bias"]))
        x = keep(f"relu{n}", activation(x))
        if net.dropout and net.dropout_position == "after":
            keep(f"dropout{n}", x)
    keep("fc8", oracle.dense(x, arrays["fc8.weight"], arrays["fc8.bias"]))
    return outputs


@QUICK
@given(wanted=changes(), seed=st.integers(0, 100))
def test_every_activation_against_the_oracle(wanted: dict[str, Any], seed: int) -> None:
    model = model_of(wanted).double().eval()
    net = model.architecture
    x = np.random.default_rng(seed).normal(size=(2, *net.input_shape))
    expected = by_hand(net, model.weights(), x)
    with torch.no_grad():
        found = model.activations(torch.from_numpy(x))
        logits = model(torch.from_numpy(x))
    assert list(found) == list(expected)
    for name, output in found.items():
        np.testing.assert_allclose(output, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)
    assert torch.equal(logits, found["fc8"])


def test_batch_norm_in_training_takes_the_batchs_values() -> None:
    model = AlexNet("half", **TINY, norm="batch", image_size=63, batch_norm_momentum=0.3).double()
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 3, 63, 63)))
    found = model.activations(x, ["relu1", "norm1"])
    before = found["relu1"].detach().numpy()
    mean, variance = before.mean((0, 2, 3)), before.var((0, 2, 3))
    ones, zeros = np.ones(4), np.zeros(4)
    expected = oracle.batch_norm(before, ones, zeros, mean, variance, eps=1e-5)
    np.testing.assert_allclose(found["norm1"].detach(), expected, atol=1e-12)
    np.testing.assert_allclose(model.norm1.running_mean, 0.3 * mean, atol=1e-12)


def test_gradients_reach_every_parameter() -> None:
    # Smooth and whole: few units with ReLU and dropout can all be 0 by chance.
    whole = {"activation": "tanh", "dropout": 0.0}
    model = AlexNet("paper", **TINY, **whole, image_size=79, init="kaiming")
    model(torch.randn(2, 3, 79, 79)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("layer", "pixels"), [("conv1", 5), ("pool1", 9), ("conv2", 17), ("pool2", 25), ("conv5", 73)]
)
def test_receptive_fields_by_spoiling_pixels(layer: str, pixels: int) -> None:
    """5; + 2 * 2; + 2 * 4; + 2 * 4; + 2 * 8 three times, worked out by hand."""
    model = (
        AlexNet(
            "half",
            **(TINY | {"widths": (1, 1, 1, 1, 1)}),
            in_channels=1,
            kernels=(5, 3, 3, 3, 3),
            strides=(2, 1, 1, 1, 1),
            paddings=((2, 2), 1, 1, 1, 1),
            image_size=160,
            adaptive_pool=1,
        )
        .double()
        .eval()
    )
    step = next(s for s in model.architecture.trace() if s.layer.name == layer)
    assert step.receptive_field_px == pixels
    x = torch.zeros(160, 1, 40, 160).double()
    x[torch.arange(160), :, :, torch.arange(160)] = torch.nan
    with torch.no_grad():
        output = model.activations(x, [layer])[layer]
    middle = output[:, 0, output.shape[2] // 2, output.shape[3] // 2]
    assert int(middle.isnan().sum()) == pixels


def test_it_starts_in_training_mode_with_dropout() -> None:
    # Wide enough that dropout cannot leave the same units twice.
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
def test_dropout_drops_its_share_and_scales_the_rest(rate: float) -> None:
    model = AlexNet("paper", **(TINY | {"hidden": (4000, 8)}), image_size=63, dropout=rate)
    torch.manual_seed(0)
    found = model.activations(torch.randn(4, 3, 63, 63), ["relu6", "dropout6"])
    alive = found["relu6"] > 0
    kept = found["dropout6"][alive] > 0
    assert kept.float().mean().item() == pytest.approx(1 - rate, abs=0.03)
    scaled = found["relu6"][alive][kept] / (1 - rate)
    torch.testing.assert_close(found["dropout6"][alive][kept], scaled)
    found = model.eval().activations(torch.randn(4, 3, 63, 63), ["relu6", "dropout6"])
    assert torch.equal(found["relu6"], found["dropout6"])


def test_activations_come_as_asked_and_stay_as_they_were() -> None:
    model = AlexNet("paper", **TINY, image_size=79, init="kaiming").eval()
    x = torch.randn(1, 3, 79, 79)
    found = model.activations(x, layers=["fc7", "conv1", "norm2"])
    assert list(found) == ["fc7", "conv1", "norm2"]
    assert found["conv1"].min() < 0, "a ReLU behind it wrote into it"
    torch.testing.assert_close(found["conv1"], model.conv1(x))
    everything = model.activations(x)
    assert list(everything) == [layer.name for layer in model.architecture.layers]
    assert all(torch.equal(everything[name], output) for name, output in found.items())
    assert model.activations(x, layers=[]) == {}


def test_unknown_layers() -> None:
    model = AlexNet("half", **TINY, image_size=63)
    x = torch.zeros(1, 3, 63, 63)
    with pytest.raises(UserError, match=r"^unknown layer 'pol5': did you mean 'pool5'\?$"):
        model.activations(x, layers=["conv1", "pol5"])
    with pytest.raises(UserError, match=r"^unknown layer 'xyz': choose from conv1, relu1, pool1, "):
        model.activations(x, layers=["xyz"])


def test_wrong_names_say_so_on_construction() -> None:
    with pytest.raises(
        UserError,
        match=r"^unknown variant 'papre': did you mean 'paper'\? choose from half, ",
    ):
        AlexNet("papre")
    with pytest.raises(UserError, match=r"the least image_size is 63$"):
        AlexNet("half", image_size=62)


def test_gray_images_and_other_sizes() -> None:
    model = AlexNet("owt", **TINY, in_channels=1).eval()
    for size in (63, 100, 224):
        assert model(torch.zeros(3, 1, size, size)).shape == (3, 5)
    assert model(torch.zeros(0, 1, 64, 64)).shape == (0, 5)


def test_the_generator_of_torch_governs_the_weights() -> None:
    def start(seed: int) -> dict[str, np.ndarray]:
        torch.manual_seed(seed)
        return AlexNet("half", **TINY, image_size=63).weights()

    first, again, other = start(3), start(3), start(4)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["conv1.weight"], other["conv1.weight"])
    torch.manual_seed(3)
    two = [AlexNet("half", **TINY, image_size=63).weights() for _ in range(2)]
    assert not np.array_equal(two[0]["fc6.weight"], two[1]["fc6.weight"])


def test_it_is_a_module_like_any_other() -> None:
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
def test_autocast_stays_near(dtype: torch.dtype) -> None:
    model = AlexNet("paper", **TINY, image_size=79, init="kaiming").eval()
    x = torch.randn(4, 3, 79, 79)
    with torch.no_grad():
        expected = model(x)
        with torch.autocast("cpu", dtype):
            found = model(x)
    spread = float((expected - model.fc8.bias).abs().max().detach())
    torch.testing.assert_close(found.float(), expected, atol=0.03 * spread, rtol=0.03)


def test_weights_are_copies() -> None:
    model = AlexNet("half", **TINY, image_size=63)
    before = model.weights()
    before["conv1.weight"][:] = 7
    assert model.conv1.weight.max() < 7


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (
            (1, 3, 128, 128),
            "fc6 takes 4608 values, and an image of 128x128 gives 1152: use 224x224",
        ),
        ((1, 1, 224, 224), r"expected images \(N, 3, 224, 224\), got \(1, 1, 224, 224\)"),
        ((3, 224, 224), r"expected images \(N, 3, 224, 224\), got \(3, 224, 224\)"),
        ((1, 3, 20, 20), "the least image_size is 63"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_words(shape: tuple[int, ...], says: str) -> None:
    model = AlexNet("half", num_classes=5).eval()
    with pytest.raises(UserError, match=says):
        model(torch.zeros(shape))


def test_a_size_with_the_same_maps_and_any_size_for_owt_go_through() -> None:
    assert AlexNet("half", num_classes=5).eval()(torch.zeros(1, 3, 227, 227)).shape == (1, 5)
    assert AlexNet("owt", num_classes=5).eval()(torch.zeros(1, 3, 100, 130)).shape == (1, 5)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_whole_numbers_are_refused_with_what_to_do(dtype: torch.dtype) -> None:
    model = AlexNet("half", **TINY, image_size=63).eval()
    images = torch.zeros((1, 3, 63, 63), dtype=dtype)
    for call in (model, model.activations):
        with pytest.raises(UserError, match=f"floating-point values, got {dtype}: subtract"):
            call(images)


def test_weights_for_other_classes_name_the_number_to_ask_for() -> None:
    model = AlexNet("half", **TINY, image_size=63)
    arrays = AlexNet("half", **TINY | {"num_classes": 12}, image_size=63).weights()
    with pytest.raises(UserError, match=r"fc8\.weight is .* num_classes=12$"):
        model.load_weights(arrays)
    AlexNet("half", **TINY | {"num_classes": 12}, image_size=63).load_weights(arrays)
    # Where more does not fit, another number of classes would not help.
    with pytest.raises(UserError) as refused:
        AlexNet("half", **TINY | {"hidden": 9}, image_size=63).load_weights(arrays)
    assert "num_classes=" not in str(refused.value)
