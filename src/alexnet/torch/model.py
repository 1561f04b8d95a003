"""The PyTorch module of an `Architecture`. It has the weights and the forward pass, no numbers."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alexnet import weights
from alexnet.config.settings import check_names
from alexnet.errors import UserError
from alexnet.spec import layers as spec
from alexnet.spec import shapes
from alexnet.spec.architectures import Architecture, architecture
from alexnet.spec.shapes import Step
from alexnet.torch.lrn import LocalResponseNorm


class AlexNet(nn.Module):
    """AlexNet in PyTorch: any variant, any change of it.

    The layers are children by their usual names (`model.conv1`, `model.fc7`), in the order in
    which an image passes them. Like every module it starts in training mode, with weights as
    `architecture.init` says, drawn from PyTorch's random generator.

    Args:
        variant: one of `alexnet.variants()`, or an `Architecture`.
        changes: fields of `Architecture` with their new values.

    Raises:
        UserError: a variant or a field that does not exist, or that does not fit.

    Example:
        >>> model = AlexNet("half", num_classes=5).eval()
        >>> model(torch.zeros(2, 3, 224, 224)).shape
        torch.Size([2, 5])
        >>> model.activations(torch.zeros(1, 3, 224, 224), layers=["pool5"])["pool5"].shape
        torch.Size([1, 128, 6, 6])
    """

    def __init__(self, variant: str | Architecture = "paper", **changes: Any) -> None:
        super().__init__()
        self.architecture = architecture(variant, **changes)
        for step in self.architecture.trace():
            self.add_module(step.layer.name, _module(step))
        seed = int(torch.randint(2**62, (), device="cpu"))
        self.load_weights(weights.initial(self.architecture, seed))

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (N, num_classes), of images (N, in_channels, H, W).

        Raises:
            UserError: images of whole numbers, or of a shape that the network cannot take;
                says which it can.
        """
        self._check_shape(x)
        for layer in self.children():
            x = layer(x)
        return x

    def activations(self, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """The outputs of the named layers (of all, if none are named) for images (N, C, H, W).

        Raises:
            UserError: a layer that the network does not have, with the nearest name.
        """
        self._check_shape(x)
        names = [name for name, _ in self.named_children()]
        layers = [layers] if isinstance(layers, str) else layers
        wanted = names if layers is None else list(layers)
        check_names(wanted, names, "layer")
        found: dict[str, Tensor] = {}
        for name, layer in self.named_children():
            x = layer(x)
            if name in wanted:
                found[name] = x
        return {name: found[name] for name in wanted}

    def _check_shape(self, x: Tensor) -> None:
        """Say what is wrong in pixels and channels, before a layer says so in matrix sizes."""
        if not x.is_floating_point():
            raise UserError(
                f"expected images of floating-point values, got {x.dtype}: subtract the mean and "
                "divide as the weights were trained (`Preprocessing` of a run says by what), as in "
                "x.float().sub(mean).div(std)"
            )
        net, shape = self.architecture, tuple(x.shape[1:])
        if shape == net.input_shape:
            return
        if x.dim() != 4 or shape[0] != net.in_channels:
            raise UserError(
                f"expected images (N, {net.in_channels}, {net.image_size}, {net.image_size}), "
                f"got {tuple(x.shape)}"
            )
        steps = {step.layer.name: step for step in shapes.trace(net.layers, shape)}
        flat = steps["flatten"].output_shape[0]
        expected = net.weight_shapes["fc6.weight"][1]
        if flat != expected:
            raise UserError(
                f"fc6 takes {expected} values, and an image of {shape[1]}x{shape[2]} gives "
                f"{flat}: use {net.image_size}x{net.image_size}, or AlexNet(…, image_size=…)"
            )

    def load_weights(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Put in weights: whatever `alexnet.weights.read` takes, or what it gave.

        Raises:
            UserError: naming the variants that they are of, or the first array that is missing,
                unknown or of another shape; the weights are then as they were.
        """
        arrays = weights.read(source)
        weights.check(arrays, self.architecture)
        own = self.state_dict()
        with torch.no_grad():
            for name, array in arrays.items():
                own[name].copy_(torch.from_numpy(np.ascontiguousarray(array)))

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by canonical name, float32."""
        own = self.state_dict()
        return {
            name: own[name].detach().float().cpu().numpy().copy()
            for name in self.architecture.weight_shapes
        }


# --8<-- [start:paper-3-1]
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
# --8<-- [end:paper-3-1]


class _ConvPaddedByHand(nn.Conv2d):
    """A convolution with more zeros on one side than on the other."""

    def __init__(self, *args: Any, sides: spec.Pair, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before, after = sides
        self.sides = [before, after, before, after]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.sides))


def _module(step: Step) -> nn.Module:
    """The PyTorch layer of one step of the trace."""
    layer, inputs = step.layer, step.input_shape[0]
    match layer:
        case spec.Conv():
            return _conv(layer, inputs)
        case spec.Activation():
            return _ACTIVATIONS[layer.function]()
        case spec.LRN():
            return LocalResponseNorm(
                size=layer.size,
                alpha=layer.alpha,
                beta=layer.beta,
                k=layer.k,
                alpha_divided=layer.alpha_divided,
            )
        case spec.BatchNorm():
            return nn.BatchNorm2d(inputs, eps=layer.eps, momentum=layer.momentum)
        case spec.MaxPool():
            return nn.MaxPool2d(layer.window, layer.stride)
        case spec.AdaptivePool():
            return nn.AdaptiveAvgPool2d(layer.size)
        case spec.Flatten():
            return nn.Flatten()
        case spec.Dropout():
            return nn.Dropout(layer.rate)
        case spec.Dense():
            return nn.Linear(inputs, layer.units)


def _conv(layer: spec.Conv, inputs: int) -> nn.Conv2d:
    size = (inputs, layer.channels, layer.kernel, layer.stride)
    before, after = layer.padding
    if before == after:
        return nn.Conv2d(*size, padding=before, groups=layer.groups)
    return _ConvPaddedByHand(*size, groups=layer.groups, sides=layer.padding)
