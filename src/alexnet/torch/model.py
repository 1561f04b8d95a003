"""The PyTorch module of an `Architecture`: layers and forward pass, no hyperparameters."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alexnet import weights
from alexnet.errors import UserError
from alexnet.settings import check_names
from alexnet.spec import layers as spec
from alexnet.spec import shapes
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture
from alexnet.spec.shapes import Step
from alexnet.torch.lrn import LocalResponseNorm

_Layer = TypeVar("_Layer", bound=nn.Module)


class AlexNet(nn.Module):
    """AlexNet in PyTorch: any variant, any change of it.

    The layers are child modules under their usual names (`model.conv1`, `model.fc7`), in the
    order of the forward pass. Like every module, a new model is in training mode.

    Args:
        variant: One of `alexnet.variants()`, or an `Architecture`.
        init_weights: Initialize the weights by `architecture.init`, from PyTorch's random
            generator. With False they are undefined until `load_weights`, and the model is
            built at once.
        changes: Fields of `Architecture` with their new values.

    Raises:
        UserError: An unknown variant or field, or an invalid value for one.

    Example:
        >>> model = AlexNet("half", num_classes=5).eval()
        >>> model(torch.zeros(2, 3, 224, 224)).shape
        torch.Size([2, 5])
        >>> model.activations(torch.zeros(1, 3, 224, 224), layers=["pool5"])["pool5"].shape
        torch.Size([1, 128, 6, 6])
    """

    def __init__(
        self, variant: str | Architecture = "paper", *, init_weights: bool = True, **changes: Any
    ) -> None:
        super().__init__()
        self.architecture = architecture(variant, **changes)
        for step in self.architecture.trace():
            self.add_module(step.layer.name, _module(step))
        if init_weights:
            seed = int(torch.randint(2**62, (), device="cpu"))
            self.load_weights(weights.initial(self.architecture, seed))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) for images (N, in_channels, H, W).

        Raises:
            UserError: The images have an integer type, or a shape that does not fit.
        """
        self._check_shape(x)
        for layer in self.children():
            x = layer(x)
        return x

    def activations(self, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the outputs of layers for images (N, C, H, W), by layer name.

        Args:
            layers: Names of layers, which also order the result; None for all layers.

        Raises:
            UserError: An unknown layer.
        """
        self._check_shape(x)
        names = [name for name, _ in self.named_children()]
        layers = [layers] if isinstance(layers, str) else layers
        selected = names if layers is None else list(layers)
        check_names(selected, names, "layer")
        outputs: dict[str, Tensor] = {}
        for name, layer in self.named_children():
            x = layer(x)
            if name in selected:
                outputs[name] = x
        return {name: outputs[name] for name in selected}

    def _check_shape(self, x: Tensor) -> None:
        """Raise UserError with pixels and channels, before a layer does with matrix sizes."""
        if not x.is_floating_point():
            raise UserError(
                f"expected images of a floating-point type, got {x.dtype}; normalize them with the "
                "mean and std of the training (see the `preprocessing` of a run): "
                "x.float().sub(mean).div(std)"
            )
        net, shape = self.architecture, tuple(x.shape[1:])  # (C, H, W)
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
                f"fc6 takes {expected} inputs, but images of {shape[1]}x{shape[2]} produce {flat}; "
                f"use {net.image_size}x{net.image_size}, or AlexNet(…, image_size=…)"
            )

    def load_weights(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Load weights from whatever `alexnet.weights.read` accepts or returns.

        Raises:
            UserError: The weights do not fit; the model is left unchanged.
        """
        arrays = weights.read(source)
        weights.check(arrays, self.architecture)
        state = self.state_dict()
        with torch.no_grad():
            for name, array in arrays.items():
                state[name].copy_(torch.from_numpy(np.ascontiguousarray(array)))

    def weights(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by canonical name, float32."""
        state = self.state_dict()
        return {
            name: state[name].detach().float().cpu().numpy().copy()
            for name in self.architecture.weight_shapes
        }


# --8<-- [start:paper-3-1]
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
# --8<-- [end:paper-3-1]


class _AsymmetricallyPaddedConv2d(nn.Conv2d):
    """A convolution with different zero padding before and after."""

    def __init__(self, *args: Any, sides: spec.Pair, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before, after = sides
        self.sides = [before, after, before, after]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.sides))


def _module(step: Step) -> nn.Module:
    """Return the PyTorch layer of one step of the trace, without initial weights."""
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
            return _uninitialized(nn.Linear, inputs, layer.units)


def _conv(layer: spec.Conv, inputs: int) -> nn.Conv2d:
    size = (inputs, layer.channels, layer.kernel, layer.stride)
    before, after = layer.padding
    if before == after:
        return _uninitialized(nn.Conv2d, *size, padding=before, groups=layer.groups)
    return _uninitialized(
        _AsymmetricallyPaddedConv2d, *size, groups=layer.groups, sides=layer.padding
    )


def _uninitialized(kind: type[_Layer], *args: Any, **kwargs: Any) -> _Layer:
    """Construct a layer without PyTorch's own initialization, which ours would overwrite."""
    layer = kind(*args, device="meta", **kwargs)
    # As `nn.utils.skip_init` does, whose `to_empty` imports SymPy first (0.3 s).
    for name, parameter in list(layer.named_parameters()):
        setattr(layer, name, nn.Parameter(torch.empty(parameter.shape)))
    return layer
