"""Grad-CAM against a case worked by hand and against finite differences."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from alexnet import AlexNet, UserError
from alexnet.data.decoding import decode
from alexnet.inspect.class_evidence import attention
from alexnet.inspect.map_overlay import over_image, place_of_maps
from alexnet.torch.cam import grad_cam


def small(variant: str = "half", **changes) -> AlexNet:
    torch.manual_seed(3)
    net = {"image_size": 67, "widths": (6, 8, 8, 8, 4), "hidden": (9, 7), "num_classes": 4}
    return AlexNet(variant, **net | changes).eval().double()


def rest(model: AlexNet, layer: str, maps: Tensor) -> Tensor:
    """The logits that the layers behind make of a layer's output."""
    names = [name for name, _ in model.named_children()]
    for name in names[names.index(layer) + 1 :]:
        maps = getattr(model, name)(maps)
    return maps


def by_differences(model: AlexNet, layer: str, maps: Tensor, target: int) -> Tensor:
    """The definition, with each gradient as what a small change makes: maps (1, C, h, w)."""
    step, gradients = 1e-6, torch.zeros_like(maps)
    for place in np.ndindex(*maps.shape):
        moved = maps.clone()
        moved[place] += step
        up = rest(model, layer, moved)[0, target]
        moved[place] -= 2 * step
        gradients[place] = (up - rest(model, layer, moved)[0, target]) / (2 * step)
    weights = gradients.mean((2, 3), keepdim=True)
    return (weights * maps).sum(1).relu()


@pytest.mark.parametrize("variant", ["half", "paper", "owt"])
@pytest.mark.parametrize("layer", ["conv5", "relu5", "pool5", "conv4"])
def test_against_finite_differences(variant, layer):
    model = small(variant)
    images = torch.randn(2, 3, 67, 67, dtype=torch.float64)
    found, logits = grad_cam(model, images, layer, [1, 3])
    with torch.no_grad():
        maps = model.activations(images, [layer])[layer]
        torch.testing.assert_close(logits, model(images))
        for i, target in enumerate([1, 3]):
            expected = by_differences(model, layer, maps[i : i + 1], target)
            torch.testing.assert_close(found[i : i + 1], expected, rtol=1e-5, atol=1e-9)


def test_a_case_worked_by_hand():
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


def test_layers_that_work_in_place_do_not_disturb_it():
    model = small()
    images = torch.randn(2, 3, 67, 67, dtype=torch.float64)
    expected, _ = grad_cam(model, images, "conv5", [0, 1])
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
    found, _ = grad_cam(model, images, "conv5", [0, 1])
    torch.testing.assert_close(found, expected)


def test_frozen_weights_and_no_grad_do_not_matter():
    model = small()
    images = torch.randn(1, 3, 67, 67, dtype=torch.float64)
    expected, _ = grad_cam(model, images, "relu5")
    model.requires_grad_(False)
    with torch.no_grad():
        found, _ = grad_cam(model, images, "relu5")
    torch.testing.assert_close(found, expected)
    assert not model.relu5._forward_hooks


def test_without_a_class_it_is_the_most_probable_one():
    model = small()
    images = torch.randn(3, 3, 67, 67, dtype=torch.float64)
    targets = model(images).argmax(1).tolist()
    torch.testing.assert_close(
        grad_cam(model, images, "relu5")[0], grad_cam(model, images, "relu5", targets)[0]
    )


def test_places_of_the_paper_worked_by_hand():
    """conv1 11/4 pad 2, pool 3/2, conv2 pad 2, pool 3/2, three convolutions that keep places."""
    net = AlexNet("paper").architecture
    assert place_of_maps(net, "conv1") == (3, 4)
    assert place_of_maps(net, "pool1") == (3 + 4, 8)
    assert place_of_maps(net, "pool2") == (7 + 8, 16)
    assert place_of_maps(net, "conv5") == (15, 16)
    assert place_of_maps(net, "pool5") == (15 + 16, 32)


@pytest.mark.parametrize("variant", ["half", "full-227", "bvlc", "owt"])
@pytest.mark.parametrize("layer", ["conv1", "pool2", "conv5"])
def test_a_value_lies_over_what_it_sees(variant, layer):
    """The middle of the pixels that a value's gradient reaches is the place of the value."""
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
    (seen,) = torch.autograd.grad(maps[0, 0, middle, middle], images)
    rows = seen[0, 0].sum(1).nonzero().flatten()
    first, step = place_of_maps(model.architecture, layer)
    assert first + step * middle == (rows.min() + rows.max()).item() / 2


def _name(model: AlexNet, wanted: nn.Module) -> str:
    return next(name for name, module in model.named_children() if module is wanted)


def test_a_map_over_the_image_keeps_its_values_in_their_places():
    net = AlexNet("half").architecture
    values = np.random.default_rng(0).random((13, 13)).astype(np.float32)
    spread = over_image(values, net, "relu5")
    assert spread.shape == (224, 224)
    np.testing.assert_allclose(spread[15::16, 15::16][:13, :13], values, rtol=1e-6)
    np.testing.assert_allclose(spread[23, 15], (values[0, 0] + values[1, 0]) / 2, rtol=1e-6)
    np.testing.assert_allclose(spread[0, 0], values[0, 0], rtol=1e-6)


def test_a_map_over_the_image_has_no_creases_and_invents_no_values():
    net = AlexNet("half").architecture
    values = np.zeros((13, 13), np.float32)
    values[6, 6] = 1
    spread = over_image(values, net, "relu5")
    across = spread[111]
    assert across.argmax() == 111
    assert across.min() == 0
    # Linear, it would drop by a sixteenth at the first pixel; 1 - 3 / 16² + 2 / 16³ by hand.
    assert across[112] == pytest.approx(0.98877, abs=1e-5)
    np.testing.assert_allclose(spread.max(), 1)
    np.testing.assert_allclose(over_image(np.ones((13, 13), np.float32), net, "relu5"), 1)


def test_of_a_run(run, images):
    from alexnet.inspect.opened_run import open_run

    found = attention(run, [images], class_name="rose", layer="relu4")
    assert [one.image.truth for one in found.images] == [None] + [0] * 5 + [1] * 5
    opened = open_run(run)
    squares = [decode(one.image.path, 77) for one in found.images]
    maps, logits = grad_cam(opened.model.network, opened.batch(squares), "relu4", [1] * 11)
    for one, values, row in zip(found.images, maps, logits, strict=True):
        np.testing.assert_allclose(
            one.heat, over_image(values.numpy(), run.architecture, "relu4"), rtol=1e-5
        )
        assert one.target == 1
        assert one.probability == pytest.approx(row.softmax(0)[1].item(), rel=1e-4)


def test_command_draws_a_grid(command, run, images, tmp_path):
    target = tmp_path / "where.svg"
    found = command("show", "attention", run.folder, images, "--count", 4, "-o", target)
    assert found.status == 0
    assert found.err == "11 images given; 4 of them, evenly spread, are shown\n"
    assert target.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--layer", "relu15"], "unknown layer 'relu15': did you mean 'relu5'?"),
        (["--layer", "fc7"], "fc7 has no maps, only single values; choose from conv1, relu1"),
        (["--class", "rise"], "unknown class 'rise': did you mean 'rose'?"),
    ],
)
def test_what_it_cannot_show(command, run, images, options, says):
    found = command("show", "attention", run.folder, images / "rose" / "8.png", *options)
    assert found.status == 2
    assert says in found.err
    assert found.err.count("\n") == 1


def test_a_class_with_any_letters_can_be_named(run, images):
    found = attention(run, [images / "rose" / "8.png"], class_name="price $5_{x}")
    assert found.images[0].target == 2
    with pytest.raises(UserError, match="unknown class"):
        attention(run, [images / "rose" / "8.png"], class_name="")
