"""A run opened to look inside: its network in PyTorch, whatever trained it, and its layers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alexnet import loading
from alexnet.backends import TORCH, Compute
from alexnet.config.settings import check_names
from alexnet.data.augmentation import view_plan
from alexnet.errors import RunError, UserError
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from alexnet.torch.inference import TorchInferenceModel


@dataclass(frozen=True)
class Opened:
    """A run with its network on a device."""

    run: Run
    model: "TorchInferenceModel"

    def batch(self, images: Sequence[NDArray[np.uint8]]) -> "Tensor":
        """Center crops of kept squares as they enter conv1, (N, C, H, W); until the next call."""
        self.model.network.eval()
        return self.model.batch(images, view_plan(self.run.preprocessing, len(images)))

    def outputs(self, images: Sequence[NDArray[np.uint8]], layer: str) -> NDArray[np.float32]:
        """The outputs of one layer for kept squares, (N, *shape of the layer).

        Raises:
            RunError: they are not finite.
        """
        import torch

        with torch.inference_mode():
            found = self.model.network.activations(self.batch(images), [layer])[layer]
            values: NDArray[np.float32] = found.float().cpu().numpy()
        check_finite(values, layer)
        return values


def open_run(
    run: Run | str | os.PathLike[str],
    compute: Compute = Compute(),  # noqa: B008
) -> Opened:
    """Open a run, or the run in a folder.

    Weights are canonical, so a run of any backend opens in PyTorch, which alone is asked to look
    inside: so every figure is made by one program.

    Raises:
        UserError: not a run, one without weights, or a device that is not there.
    """
    run = as_run(run)
    model: Any = loading.open_inference_model(run, replace(compute, backend=TORCH))
    return Opened(run, model)


def as_run(run: Run | str | os.PathLike[str]) -> Run:
    """The run, opened where a folder is given."""
    return run if isinstance(run, Run) else Run.open(run)


def check_finite(values: NDArray[np.float32], what: str) -> None:
    """Raise RunError for values that no figure can show."""
    if not np.isfinite(values).all():
        raise RunError(
            f"the network computes values that are not finite ({what}): its weights are damaged; "
            "train again with a lower --lr or --precision fp32"
        )


def layer_shapes(net: Architecture) -> dict[str, Shape]:
    """The shape of one image behind every layer, by its usual name, in their order.

    >>> from alexnet import architecture
    >>> list(layer_shapes(architecture("half")).items())[:3]
    [('conv1', (48, 55, 55)), ('relu1', (48, 55, 55)), ('pool1', (48, 27, 27))]
    """
    return {step.layer.name: step.output_shape for step in net.trace()}


def check_layer(net: Architecture, layer: str) -> None:
    """Raise UserError for a layer that the network does not have, with the nearest name."""
    check_names([layer], layer_shapes(net), "layer")


def check_has_maps(net: Architecture, layer: str) -> None:
    """Raise UserError for a layer that is not there, or whose output has no height and width."""
    check_layer(net, layer)
    with_maps = [name for name, shape in layer_shapes(net).items() if len(shape) == 3]
    if layer not in with_maps:
        raise UserError(
            f"{layer} has no maps, only single values; choose from {', '.join(with_maps)}"
        )
