"""The PyTorch network: shapes against torch, and values against the oracle."""

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


def model_of(fields: dict[str, Any]) -> AlexNet:
    """Build the network with noise on every array; skip the example if it is invalid."""
    try:
        net = architecture("paper", **fields)
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
@given(fields=changes(), size=st.integers(1, 40))
def test_invalid_architectures_are_rejected_in_one_line(fields: dict[str, Any], size: int) -> None:
    try:
        architecture("paper", **(fields | {"image_size": size}))
        message = ""
    except UserError as error:
        message = str(error)
    assert "\n" not in message
    least = message.partition("the minimum image_size is ")[2]
    if least:
        architecture("paper", **(fields | {"image_size": int(least)}))
        with pytest.raises(UserError, match=rf"the minimum image_size is {least}$"):
            architecture("paper", **(fields | {"image_size": int(least) - 1}))


@QUICK
@given(fields=changes())
def test_the_trace_matches_the_shapes_of_torch(fields: dict[str, Any]) -> None:
    model = model_of(fields)
    net = model.architecture
    outputs = model.eval().activations(torch.zeros(2, *net.input_shape))
    assert {step.layer.name: (2, *step.output_shape) for step in net.trace()} == {
        name: tuple(output.shape) for name, output in outputs.items()
    }
    assert net.num_parameters == sum(p.numel() for p in model.parameters())
    arrays = {k: tuple(v.shape) for k, v in model.state_dict().items() if "num_batches" not in k}
    assert net.weight_shapes == arrays


@pytest.mark.parametrize("variant", variants())
def test_layer_shapes_of_every_variant(variant: str) -> None:
    model = AlexNet(variant, num_classes=5, hidden=(8, 8)).eval()
    x = torch.zeros(1, *model.architecture.input_shape)
    with torch.no_grad():
        outputs = model.activations(x)
    assert {name: tuple(output.shape[1:]) for name, output in outputs.items()} == {
        step.layer.name: step.output_shape for step in model.architecture.trace()
    }
    sizes = [outputs[name].shape[-1] for name in ("conv1", "pool1", "conv2", "pool2", "pool5")]
    assert sizes == [55, 27, 27, 13, 6]


def test_full_227_pads_to_227_pixels() -> None:
    conv1 = AlexNet("full-227", num_classes=2, hidden=(2, 2)).conv1
    x = torch.rand(1, 3, 224, 224)
    padded = torch.zeros(1, 3, 227, 227)
    padded[:, :, 1:-2, 1:-2] = x
    expected = torch.nn.functional.conv2d(padded, conv1.weight, conv1.bias, stride=4)
    assert expected.shape[-1] == 55
    torch.testing.assert_close(conv1(x), expected)


def oracle_activations(
    net: Architecture, arrays: dict[str, np.ndarray], x: np.ndarray
) -> dict[str, Any]:
    """Compute every activation in evaluation mode with the oracle, from the architecture."""
    outputs: dict[str, Any] = {}
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    activation = oracle.ACTIVATIONS[net.activation]

    def record(name: str, value: np.ndarray) -> np.ndarray:
        outputs[name] = value
        return value

    for n in range(1, 6):
        weight, bias = arrays[f"conv{n}.weight"], arrays[f"conv{n}.bias"]
        place = {"stride": net.strides[n - 1], "padding": net.paddings[n - 1]}
        x = record(f"conv{n}", oracle.conv(x, weight, bias, groups=net.groups[n - 1], **place))
        for follower in net.order:
            if follower == "activation":
                x = record(f"relu{n}", activation(x))
            elif follower == "pool" and n in net.pool_layers:
                x = oracle.max_pool(x, window=net.pool_window, stride=net.pool_stride)
                record(f"pool{n}", x)
            elif follower == "norm" and n in net.norm_layers and net.norm == "lrn":
                constants = {"size": net.lrn_size, "alpha": net.lrn_alpha, "k": net.lrn_k}
                constants |= {"beta": net.lrn_beta, "divided": net.lrn_alpha_divided}
                x = record(f"norm{n}", oracle.lrn(x, **constants))
            elif follower == "norm" and n in net.norm_layers and net.norm == "batch":
                kinds = ("weight", "bias", "running_mean", "running_var")
                values = [arrays[f"norm{n}.{kind}"] for kind in kinds]
                x = record(f"norm{n}", oracle.batch_norm(x, *values, eps=net.batch_norm_eps))
    if net.adaptive_pool is not None:
        x = record("adaptive_pool", oracle.adaptive_mean_pool(x, size=net.adaptive_pool))
    x = record("flatten", x.reshape(len(x), -1))
    for n in (6, 7):
        if net.dropout and net.dropout_position == "before":
            record(f"dropout{n}", x)
        x = record(f"fc{n}", oracle.dense(x, arrays[f"fc{n}.weight"], arrays[f"fc{n}.bias"]))
        x = record(f"relu{n}", activation(x))
        if net.dropout and net.dropout_position == "after":
            record(f"dropout{n}", x)
    record("fc8", oracle.dense(x, arrays["fc8.weight"], arrays["fc8.bias"]))
    return outputs


@QUICK
@given(fields=changes(), seed=st.integers(0, 100))
def test_activations_match_the_oracle(fields: dict[str, Any], seed: int) -> None:
    model = model_of(fields).double().eval()
    net = model.architecture
    x = np.random.default_rng(seed).normal(size=(2, *net.input_shape))
    expected = oracle_activations(net, model.weights(), x)
    with torch.no_grad():
        outputs = model.activations(torch.from_numpy(x))
        logits = model(torch.from_numpy(x))
    assert list(outputs) == list(expected)
    for name, output in outputs.items():
        np.testing.assert_allclose(output, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)
    assert torch.equal(logits, outputs["fc8"])


def test_batch_norm_in_training_uses_batch_statistics() -> None:
    model = AlexNet("half", **TINY, norm="batch", image_size=63, batch_norm_momentum=0.3).double()
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 3, 63, 63)))
    outputs = model.activations(x, ["relu1", "norm1"])
    before = outputs["relu1"].detach().numpy()
    mean, variance = before.mean((0, 2, 3)), before.var((0, 2, 3))
    ones, zeros = np.ones(4), np.zeros(4)
    expected = oracle.batch_norm(before, ones, zeros, mean, variance, eps=1e-5)
    np.testing.assert_allclose(outputs["norm1"].detach(), expected, atol=1e-12)
    np.testing.assert_allclose(model.norm1.running_mean, 0.3 * mean, atol=1e-12)


def test_gradients_reach_every_parameter() -> None:
    # With ReLU or dropout, all of so few units could be 0 by chance.
    smooth = {"activation": "tanh", "dropout": 0.0}
    model = AlexNet("paper", **TINY, **smooth, image_size=79, init="kaiming")
    model(torch.randn(2, 3, 79, 79)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("layer", "pixels"), [("conv1", 5), ("pool1", 9), ("conv2", 17), ("pool2", 25), ("conv5", 73)]
)
def test_receptive_fields_by_nan_pixels(layer: str, pixels: int) -> None:
    """Calculated by hand: 5; + 2 * 2; + 2 * 4; + 2 * 4; + 2 * 8 three times."""
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
