"""The variants against published values, and the effect of each field."""

import dataclasses
import subprocess
import sys
from typing import Any

import pytest

import alexnet
from alexnet import Architecture, UserError, architecture
from alexnet.settings import fields
from alexnet.spec.layers import (
    LRN,
    Activation,
    AdaptivePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    MaxPool,
)

# Output size of each layer that changes it, by (W - F + 2P) / S + 1.
SIZES = {"conv1": 55, "pool1": 27, "conv2": 27, "pool2": 13, "conv3": 13, "conv4": 13}
SIZES |= {"conv5": 13, "pool5": 6}


def layer_names(net: Architecture) -> list[str]:
    return [layer.name for layer in net.layers]


def layer(net: Architecture, name: str) -> Any:
    (match,) = (each for each in net.layers if each.name == name)
    return match


@pytest.mark.parametrize(
    ("variant", "num_classes", "parameters"),
    [
        ("paper", 1000, 60_965_224),
        ("bvlc", 1000, 60_965_224),
        ("caffenet", 1000, 60_965_224),
        ("owt", 1000, 61_100_840),
        ("full", 5, 26_830_213),
        ("half", 5, 14_591_685),
        # By hand: only fc8 depends on the classes, with one weight per input and one bias each.
        ("paper", 5, 60_965_224 - 995 * 4097),
        ("bvlc", 5, 60_965_224 - 995 * 4097),
        ("caffenet", 5, 60_965_224 - 995 * 4097),
        ("owt", 5, 61_100_840 - 995 * 4097),
        ("full", 1000, 26_830_213 + 995 * 2049),
        ("half", 1000, 14_591_685 + 995 * 2049),
        ("full-227", 5, 26_830_213),
        ("full-227", 1000, 26_830_213 + 995 * 2049),
    ],
)
def test_number_of_parameters(variant: str, num_classes: int, parameters: int) -> None:
    assert architecture(variant, num_classes=num_classes).num_parameters == parameters


def test_parameters_of_each_layer_of_the_paper() -> None:
    counts = {step.layer.name: step.num_parameters for step in architecture("paper").trace()}
    assert {name: count for name, count in counts.items() if count} == {
        "conv1": 34_944,
        "conv2": 307_456,
        "conv3": 885_120,
        "conv4": 663_936,
        "conv5": 442_624,
        "fc6": 37_752_832,
        "fc7": 16_781_312,
        "fc8": 4_097_000,
    }


@pytest.mark.parametrize("variant", alexnet.variants())
def test_output_sizes_of_all_variants(variant: str) -> None:
    net = architecture(variant)
    shapes = {step.layer.name: step.output_shape for step in net.trace()}
    widths = dict(zip(("conv1", "conv2", "conv3", "conv4", "conv5"), net.widths, strict=True))
    for name, size in SIZES.items():
        assert shapes[name] == (widths[name.replace("pool", "conv")], size, size)
    assert shapes["flatten"] == (net.widths[-1] * 36,)
    assert shapes["fc8"] == (1000,)


def test_227_pixels_fit_conv1_exactly() -> None:
    """The TensorFlow tutorial notes pad 1 before and 2 after: 224 + 3 - 11 is 54 strides of 4."""
    conv1 = layer(architecture("full-227"), "conv1")
    assert conv1.padding == (1, 2)
    assert (224 + sum(conv1.padding) - 11) % 4 == 0
    assert architecture("full-227").dropout == 0.2
    for caffe in ("bvlc", "caffenet"):
        assert architecture(caffe).image_size == 227
        assert layer(architecture(caffe), "conv1").padding == (0, 0)


def test_layer_order_of_the_paper() -> None:
    assert layer_names(architecture("paper")) == [
        *("conv1", "relu1", "norm1", "pool1"),
        *("conv2", "relu2", "norm2", "pool2"),
        *("conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5", "flatten"),
        *("fc6", "relu6", "dropout6", "fc7", "relu7", "dropout7", "fc8"),
    ]


def test_layer_order_of_the_tutorial_notes() -> None:
    for variant in ("half", "full", "full-227"):
        assert layer_names(architecture(variant)) == [
            *("conv1", "relu1", "pool1", "conv2", "relu2", "pool2"),
            *("conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5", "flatten"),
            *("dropout6", "fc6", "relu6", "dropout7", "fc7", "relu7", "fc8"),
        ]


def test_differences_between_variants() -> None:
    networks = {name: architecture(name) for name in alexnet.variants()}
    grouped = {name for name, net in networks.items() if net.groups == (1, 2, 1, 2, 2)}
    assert grouped == {"paper", "bvlc", "caffenet"}
    lrn = LRN(name="norm1", size=5, alpha=1e-4, beta=0.75, k=2.0, alpha_divided=False)
    assert layer(networks["paper"], "norm1") == lrn
    caffe = dataclasses.replace(lrn, k=1.0, alpha_divided=True)
    assert layer(networks["bvlc"], "norm1") == layer(networks["caffenet"], "norm1") == caffe
    assert layer_names(networks["bvlc"])[:4] == ["conv1", "relu1", "norm1", "pool1"]
    assert layer_names(networks["caffenet"])[:4] == ["conv1", "relu1", "pool1", "norm1"]
    assert networks["owt"].widths == (64, 192, 384, 256, 256)
    assert layer(networks["owt"], "adaptive_pool") == AdaptivePool(name="adaptive_pool", size=6)
    assert {name: net.hidden[0] for name, net in networks.items() if net.hidden[0] != 4096} == {
        "half": 2048,
        "full": 2048,
        "full-227": 2048,
    }


def changed(variant: str = "half", **changes: Any) -> Architecture:
    """Return the variant with these changes, checking that nothing else differs."""
    before, net = architecture(variant), architecture(variant, **changes)
    differing = {
        f.name for f in fields(Architecture) if getattr(before, f.name) != getattr(net, f.name)
    }
    assert differing == set(changes)
    return net


def test_num_classes_and_hidden() -> None:
    net = changed(num_classes=7, hidden=(10, 20))
    assert [layer(net, name).units for name in ("fc6", "fc7", "fc8")] == [10, 20, 7]
    assert net.weight_shapes["fc7.weight"] == (20, 10)
    assert net.weight_shapes["fc8.bias"] == (7,)


def test_in_channels_and_image_size() -> None:
    net = changed(in_channels=1, image_size=127)
    assert net.input_shape == (1, 127, 127)
    assert net.weight_shapes["conv1.weight"] == (48, 1, 11, 11)
    # 127 -> 31 -> 15 -> 15 -> 7 -> 7 -> 3, by hand.
    assert net.weight_shapes["fc6.weight"] == (2048, 128 * 3 * 3)


def test_widths_kernels_strides_paddings_and_groups() -> None:
    net = changed(
        widths=(8, 12, 18, 24, 16),
        kernels=(7, 5, 3, 3, 5),
        strides=(2, 1, 1, 2, 1),
        paddings=((1, 2), (0, 4), (1, 1), (2, 0), (2, 2)),
        groups=(1, 2, 3, 6, 8),
    )
    convs = [each for each in net.layers if isinstance(each, Conv)]
    assert [conv.channels for conv in convs] == [8, 12, 18, 24, 16]
    assert [conv.kernel for conv in convs] == [7, 5, 3, 3, 5]
    assert [conv.stride for conv in convs] == [2, 1, 1, 2, 1]
    assert [conv.padding for conv in convs] == [(1, 2), (0, 4), (1, 1), (2, 0), (2, 2)]
    assert [conv.groups for conv in convs] == [1, 2, 3, 6, 8]
    inputs = [net.weight_shapes[f"conv{i}.weight"][1] for i in range(1, 6)]
    assert inputs == [3 // 1, 8 // 2, 12 // 3, 18 // 6, 24 // 8]
    shapes = {step.layer.name: step.output_shape[-1] for step in net.trace()}
    # 224 + 3 - 7 = 220, / 2 + 1 = 111; pool (111 - 3) / 2 + 1 = 55; conv2 keeps 55; pool 27;
    # conv3 keeps 27; (27 + 2 - 3) / 2 + 1 = 14; conv5 keeps 14; pool 6.
    assert [shapes[name] for name in SIZES] == [111, 55, 55, 27, 27, 14, 14, 6]


@pytest.mark.parametrize("function", ["tanh", "sigmoid"])
def test_activation(function: str) -> None:
    layers = changed(activation=function).layers
    activations = [each for each in layers if isinstance(each, Activation)]
    assert [each.name for each in activations] == [f"relu{i}" for i in range(1, 8)]
    assert {each.function for each in activations} == {function}


def test_lrn_settings() -> None:
    net = changed(
        norm="lrn", lrn_size=3, lrn_alpha=0.5, lrn_beta=0.6, lrn_k=1.5, lrn_alpha_divided=True
    )
    assert layer(net, "norm2") == LRN(
        name="norm2", size=3, alpha=0.5, beta=0.6, k=1.5, alpha_divided=True
    )
    off = changed("paper", norm="none")
    assert not any(isinstance(each, LRN) for each in off.layers)
    assert off.num_parameters == architecture("paper").num_parameters


def test_norm_layers_pool_layers_and_order() -> None:
    net = changed(
        "paper", norm_layers=(3,), pool_layers=(2, 4), order=("norm", "pool", "activation")
    )
    assert layer_names(net)[:13] == [
        *("conv1", "relu1", "conv2", "pool2", "relu2", "conv3", "norm3", "relu3"),
        *("conv4", "pool4", "relu4", "conv5", "relu5"),
    ]


def test_batch_norm() -> None:
    net = changed("paper", norm="batch", batch_norm_eps=1e-3, batch_norm_momentum=0.2)
    assert layer(net, "norm1") == BatchNorm(name="norm1", eps=1e-3, momentum=0.2)
    assert net.weight_shapes["norm2.running_var"] == (256,)
    # Scale and shift of each channel are trainable, the running statistics are not.
    assert net.num_parameters == architecture("paper").num_parameters + 2 * (96 + 256)


def test_non_overlapping_pooling() -> None:
    net = changed(pool_window=2)
    assert [each for each in net.layers if isinstance(each, MaxPool)] == [
        MaxPool(name=f"pool{i}", window=2, stride=2) for i in (1, 2, 5)
    ]
    shapes = {step.layer.name: step.output_shape[-1] for step in net.trace()}
    assert [shapes[f"pool{i}"] for i in (1, 2, 5)] == [27, 13, 6]


def test_dropout_position_and_rate() -> None:
    before = changed("paper", dropout=0.3, dropout_position="before")
    assert layer_names(before)[-8:] == [
        *("flatten", "dropout6", "fc6", "relu6", "dropout7", "fc7", "relu7", "fc8")
    ]
    assert layer(before, "dropout6") == Dropout(name="dropout6", rate=0.3)
    after = changed("half", dropout_position="after")
    assert layer_names(after)[-7:] == [
        *("fc6", "relu6", "dropout6", "fc7", "relu7", "dropout7", "fc8")
    ]
    assert not any(isinstance(each, Dropout) for each in changed(dropout=0).layers)


def test_adaptive_pool_accepts_any_image_size() -> None:
    net = changed(adaptive_pool=2, image_size=300)
    assert net.weight_shapes["fc6.weight"] == (2048, 128 * 4)
    assert not any(isinstance(e, AdaptivePool) for e in changed("owt", adaptive_pool=None).layers)


def test_architecture_accepts_an_architecture() -> None:
    net = architecture(architecture("half", num_classes=5), hidden=16)
    assert (net.variant, net.num_classes, net.hidden) == ("half", 5, (16, 16))
    assert isinstance(net.layers[-1], Dense)
    assert hash(net) == hash(architecture("half", num_classes=5, hidden=16))
    with pytest.raises(dataclasses.FrozenInstanceError):
        net.num_classes = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variant", "changes", "text"),
    [
        (
            "caffe-net",
            {},
            "unknown variant 'caffe-net': did you mean 'caffenet'? "
            "choose from half, full, full-227, paper, bvlc, caffenet, owt",
        ),
        (
            "AlexNet",
            {},
            "unknown variant 'AlexNet': did you mean 'owt', torchvision's alexnet, or 'paper'? "
            "choose from half, full, full-227, paper, bvlc, caffenet, owt",
        ),
        (
            "resnet-50",
            {},
            "unknown variant 'resnet-50': choose from half, full, full-227, paper, bvlc, "
            "caffenet, owt",
        ),
        ("half", {"dropuot": 0.1}, "unknown architecture field 'dropuot': did you mean 'dropout'?"),
        ("half", {"num_classes": 0}, "invalid value for num_classes: expected at least 1, got 0"),
        (
            "half",
            {"dropout": 1.0},
            "invalid value for dropout: expected between 0 and 0.99, got 1.0",
        ),
        (
            "half",
            {"norm_layers": (1, 6)},
            "invalid value for norm_layers: expected between 1 and 5, got 6",
        ),
        (
            "half",
            {"activation": "rleu"},
            "unknown activation 'rleu': did you mean 'relu'? choose from relu, tanh, sigmoid",
        ),
        ("half", {"norm": "layer"}, "unknown norm 'layer': choose from none, lrn, batch"),
        (
            "half",
            {"init": "papr"},
            "unknown init 'papr': did you mean 'paper'? "
            "choose from paper, cuda-convnet, bvlc, caffenet, tutorial, torch, kaiming, damped",
        ),
        (
            "half",
            {"order": ("pool", "pool", "norm")},
            "invalid value for order: expected each of activation, norm, pool once, "
            "got ('pool', 'pool', 'norm')",
        ),
        (
            "paper",
            {"groups": (1, 2, 1, 2, 3)},
            "invalid value for groups: the 256 output channels of conv5 are not divisible by 3",
        ),
        (
            "paper",
            {"groups": (2, 2, 1, 2, 2)},
            "invalid value for groups: the 3 input channels of conv1 are not divisible by 2",
        ),
        (
            "half",
            {"image_size": 62},
            "a 62x62 image is too small: the 3x3 window of pool5 does not fit into 2x2; "
            "the minimum image_size is 63",
        ),
        (
            "half",
            {"kernels": 5000},
            "a 224x224 image is too small: the 5000x5000 window of conv1 does not fit into "
            "224x224; no image size works; use smaller windows or strides",
        ),
    ],
)
def test_error_messages(variant: str, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError) as caught:
        architecture(variant, **changes)
    assert str(caught.value) == text


def test_public_names() -> None:
    assert set(alexnet.__all__) <= set(dir(alexnet))
    for name in alexnet.__all__:
        assert getattr(alexnet, name) is not None
    with pytest.raises(AttributeError, match="module 'alexnet' has no attribute 'AlexNett'"):
        _ = alexnet.AlexNett


@pytest.mark.parametrize(
    "statement",
    [
        "import alexnet; alexnet.architecture('paper').num_parameters",
        "import alexnet.spec.architectures, alexnet.spec.shapes, alexnet.config.hyperparameters;"
        "alexnet.config.hyperparameters.recipe('paper')",
    ],
)
def test_architecture_and_recipes_import_no_framework(statement: str) -> None:
    code = f"import sys; {statement}; print({{'torch', 'numpy', 'cv2'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_weights_package_is_loaded_lazily() -> None:
    code = "import alexnet; print(alexnet.weights.read.__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("alexnet.weights")
