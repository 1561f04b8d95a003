"""Grad-CAM equals a manually computed case and finite differences."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from alexnet import AlexNet, UserError
from alexnet.data.decoding import decode
from alexnet.inspect.class_activation_maps import compute_grad_cam
from alexnet.inspect.map_upsampling import receptive_field_grid, upsample_to_image
from alexnet.torch.cam import grad_cam


def small(variant: str = "half", **changes) -> AlexNet:
    torch.manual_seed(3)
    net = {"image_size": 67, "widths": (6, 8, 8, 8, 4), "hidden": (9, 7), "num_classes": 4}
    return AlexNet(variant, **net | changes).eval().double()


def remaining_layers(model: AlexNet, layer: str, maps: Tensor) -> Tensor:
    """Compute the logits from the output of a layer."""
    names = [name for name, _ in model.named_children()]
    for name in names[names.index(layer) + 1 :]:
        maps = getattr(model, name)(maps)
    return maps


def finite_difference_grad_cam(model: AlexNet, layer: str, maps: Tensor, target: int) -> Tensor:
    """Compute Grad-CAM of maps (1, C, h, w) with finite differences as gradients."""
    step, gradients = 1e-6, torch.zeros_like(maps)
    for place in np.ndindex(*maps.shape):
        moved = maps.clone()
        moved[place] += step
        up = remaining_layers(model, layer, moved)[0, target]
        moved[place] -= 2 * step
        gradients[place] = (up - remaining_layers(model, layer, moved)[0, target]) / (2 * step)
    weights = gradients.mean((2, 3), keepdim=True)
    return (weights * maps).sum(1).relu()


@pytest.mark.parametrize("variant", ["half", "paper", "owt"])
@pytest.mark.parametrize("layer", ["conv5", "relu5", "pool5", "conv4"])
def test_grad_cam_equals_finite_differences(variant, layer):
    model = small(variant)
    images = torch.randn(2, 3, 67, 67, dtype=torch.float64)
    heatmaps, logits = grad_cam(model, images, layer, [1, 3])
    with torch.no_grad():
        maps = model.activations(images, [layer])[layer]
        torch.testing.assert_close(logits, model(images))
        for i, target in enumerate([1, 3]):
            expected = finite_difference_grad_cam(model, layer, maps[i : i + 1], target)
            torch.testing.assert_close(heatmaps[i : i + 1], expected, rtol=1e-5, atol=1e-9)


def test_grad_cam_equals_a_manual_computation():
    """Two maps of 2x2; the logit of class 0 is 3 a - 5 b of their sums, of class 1 the reverse.

    Class 0: weights 3 and -5, so ReLU(3 a - 5 b); class 1: weights -3 and 5.
    """
    model = small(widths=(2, 2, 2, 2, 2), hidden=(2, 2), num_classes=2)
    a, b = torch.tensor([[1.0, 2], [0, 3]]), torch.tensor([[0.0, 1], [1, 2]])

    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([a, b])[None].expand(len(x), 2, 2, 2)

    class Sums(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, second = x.sum((2, 3)).unbind(1)
            return torch.stack([3 * first - 5 * second, 5 * second - 3 * first], 1)

    model.relu5 = Fixed()
    for name in ("pool5", "flatten", "relu6", "fc6", "dropout6", "fc7", "relu7", "dropout7"):
        setattr(model, name, nn.Identity())
    model.fc8 = Sums()
    images = torch.zeros(1, 3, 67, 67, dtype=torch.float64)
    assert grad_cam(model, images, "relu5", [0])[0].tolist() == [[[3.0, 1.0], [0.0, 0.0]]]
    assert grad_cam(model, images, "relu5", [1])[0].tolist() == [[[0.0, 0.0], [5.0, 1.0]]]


def test_inplace_relu_does_not_change_grad_cam():
    model = small()
    images = torch.randn(2, 3, 67, 67, dtype=torch.float64)
    expected, _ = grad_cam(model, images, "conv5", [0, 1])
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
    heatmaps, _ = grad_cam(model, images, "conv5", [0, 1])
    torch.testing.assert_close(heatmaps, expected)


def test_grad_cam_works_with_frozen_weights_and_no_grad():
    model = small()
    images = torch.randn(1, 3, 67, 67, dtype=torch.float64)
    expected, _ = grad_cam(model, images, "relu5")
    model.requires_grad_(False)
    with torch.no_grad():
        heatmaps, _ = grad_cam(model, images, "relu5")
    torch.testing.assert_close(heatmaps, expected)
    assert not model.relu5._forward_hooks


def test_default_target_is_the_most_probable_class():
    model = small()
    images = torch.randn(3, 3, 67, 67, dtype=torch.float64)
    targets = model(images).argmax(1).tolist()
    torch.testing.assert_close(
        grad_cam(model, images, "relu5")[0], grad_cam(model, images, "relu5", targets)[0]
    )


def test_receptive_field_grid_of_the_paper():
    """conv1 11/4 pad 2, pool 3/2, conv2 pad 2, pool 3/2, three size-preserving convolutions."""
    net = AlexNet("paper").architecture
    assert receptive_field_grid(net, "conv1") == (3, 4)
    assert receptive_field_grid(net, "pool1") == (3 + 4, 8)
    assert receptive_field_grid(net, "pool2") == (7 + 8, 16)
    assert receptive_field_grid(net, "conv5") == (15, 16)
    assert receptive_field_grid(net, "pool5") == (15 + 16, 32)


@pytest.mark.parametrize("variant", ["half", "full-227", "bvlc", "owt"])
@pytest.mark.parametrize("layer", ["conv1", "pool2", "conv5"])
def test_grid_point_is_the_center_of_the_receptive_field(variant, layer):
    """The gradient of an activation is nonzero exactly in its receptive field."""
    changes = {} if variant == "full-227" else {"image_size": 227}
    model = AlexNet(variant, **changes | {"norm": "none"}).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1e-3)
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.MaxPool2d):
            setattr(model, _name(model, module), nn.AvgPool2d(3, 2))
    images = torch.ones(1, 3, model.architecture.image_size, model.architecture.image_size)
    images.requires_grad_()
    maps = model.activations(images, [layer])[layer]
    middle = maps.shape[2] // 2
    (gradient,) = torch.autograd.grad(maps[0, 0, middle, middle], images)
    rows = gradient[0, 0].sum(1).nonzero().flatten()
    first, step = receptive_field_grid(model.architecture, layer)
    assert first + step * middle == (rows.min() + rows.max()).item() / 2


def _name(model: AlexNet, wanted: nn.Module) -> str:
    return next(name for name, module in model.named_children() if module is wanted)


def test_upsampling_preserves_values_at_grid_points():
    net = AlexNet("half").architecture
    values = np.random.default_rng(0).random((13, 13)).astype(np.float32)
    upsampled = upsample_to_image(values, net, "relu5")
    assert upsampled.shape == (224, 224)
    np.testing.assert_allclose(upsampled[15::16, 15::16][:13, :13], values, rtol=1e-6)
    np.testing.assert_allclose(upsampled[23, 15], (values[0, 0] + values[1, 0]) / 2, rtol=1e-6)
    np.testing.assert_allclose(upsampled[0, 0], values[0, 0], rtol=1e-6)


def test_upsampling_is_smooth_and_does_not_overshoot():
    net = AlexNet("half").architecture
    values = np.zeros((13, 13), np.float32)
    values[6, 6] = 1
    upsampled = upsample_to_image(values, net, "relu5")
    across = upsampled[111]
    assert across.argmax() == 111
    assert across.min() == 0
    # Linear, it would drop by a sixteenth at the first pixel; 1 - 3 / 16² + 2 / 16³ by hand.
    assert across[112] == pytest.approx(0.98877, abs=1e-5)
    np.testing.assert_allclose(upsampled.max(), 1)
    np.testing.assert_allclose(upsample_to_image(np.ones((13, 13), np.float32), net, "relu5"), 1)


def test_compute_grad_cam_of_a_run(run, images):
    from alexnet.inspect.opened_run import open_run

    result = compute_grad_cam(run, [images], class_name="rose", layer="relu4")
    assert [one.image.label for one in result.maps] == [None] + [0] * 5 + [1] * 5
    opened = open_run(run)
    stored = [decode(one.image.path, 77) for one in result.maps]
    maps, logits = grad_cam(opened.model.network, opened.prepare_batch(stored), "relu4", [1] * 11)
    for one, values, row in zip(result.maps, maps, logits, strict=True):
        np.testing.assert_allclose(
            one.heatmap, upsample_to_image(values.numpy(), run.architecture, "relu4"), rtol=1e-5
        )
        assert one.target == 1
        assert one.probability == pytest.approx(row.softmax(0)[1].item(), rel=1e-4)


def test_command_plots_a_subset_of_images(command, run, images, tmp_path):
    target = tmp_path / "where.svg"
    result = command("show", "grad-cam", run.folder, images, "--count", 4, "-o", target)
    assert result.status == 0
    assert result.err == "showing 4 of 11 images, evenly spaced\n"
    assert target.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "relu15"], "unknown layer 'relu15': did you mean 'relu5'?"),
        (["--layer", "fc7"], "fc7 has no spatial dimensions; choose from conv1, relu1"),
        (["--class", "rise"], "unknown class 'rise': did you mean 'rose'?"),
    ],
)
def test_invalid_arguments_exit_with_2(command, run, images, options, message):
    result = command("show", "grad-cam", run.folder, images / "rose" / "8.png", *options)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_class_name_with_special_characters(run, images):
    result = compute_grad_cam(run, [images / "rose" / "8.png"], class_name="price $5_{x}")
    assert result.maps[0].target == 2
    with pytest.raises(UserError, match="unknown class"):
        compute_grad_cam(run, [images / "rose" / "8.png"], class_name="")
