"""A run with its network loaded in PyTorch, whichever backend trained it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alexnet import loading
from alexnet.backends import TORCH, Compute
from alexnet.data.augmentation import view_plan
from alexnet.errors import RunError, UserError
from alexnet.run import Run
from alexnet.settings import check_names
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from alexnet.torch.inference import TorchInferenceModel


@dataclass(frozen=True)
class OpenedRun:
    """A run with its network on a device."""

    run: Run
    model: "TorchInferenceModel"

    def prepare_batch(self, images: Sequence[NDArray[np.uint8]]) -> "Tensor":
        """Return the normalized center crops of stored images, (N, C, H, W).

        The next call may overwrite the returned tensor.
        """
        self.model.network.eval()
        return self.model.batch(images, view_plan(self.run.preprocessing, len(images)))

    def activations(self, images: Sequence[NDArray[np.uint8]], layer: str) -> NDArray[np.float32]:
        """Return the output of one layer for stored images, (N, *shape of the layer).

        Raises:
            RunError: the values are not finite.
        """
        import torch

        with torch.inference_mode():
            output = self.model.network.activations(self.prepare_batch(images), [layer])[layer]
            values: NDArray[np.float32] = output.float().cpu().numpy()
        check_finite(values, layer)
        return values


def open_run(
    run: Run | str | os.PathLike[str],
    compute: Compute = Compute(),
) -> OpenedRun:
    """Load the network of a run, or of the run in a folder.

    Weights have canonical names and layouts, so the network of any backend loads in PyTorch. All
    inspection uses PyTorch, so that every backend's run is analyzed by the same code.

    Raises:
        UserError: not a run, a run without weights, or an unavailable device.
    """
    run = as_run(run)
    model: Any = loading.open_inference_model(run, replace(compute, backend=TORCH))
    return OpenedRun(run, model)


def as_run(run: Run | str | os.PathLike[str]) -> Run:
    """Return the run, loaded from its folder if necessary."""
    return run if isinstance(run, Run) else Run.open(run)


def check_finite(values: NDArray[np.float32], name: str) -> None:
    """Raise RunError if any value is NaN or infinite."""
    if not np.isfinite(values).all():
        raise RunError(
            f"the network computes non-finite values ({name}): its weights are damaged; "
            "train again with a lower --lr or with --precision fp32"
        )


def layer_shapes(net: Architecture) -> dict[str, Shape]:
    """Return the output shape of every layer for one image, in order.

    >>> from alexnet import architecture
    >>> list(layer_shapes(architecture("half")).items())[:3]
    [('conv1', (48, 55, 55)), ('relu1', (48, 55, 55)), ('pool1', (48, 27, 27))]
    """
    return {step.layer.name: step.output_shape for step in net.trace()}


def check_layer(net: Architecture, layer: str) -> None:
    """Raise UserError, with the nearest valid name, if the network has no such layer."""
    check_names([layer], layer_shapes(net), "layer")


def check_spatial_layer(net: Architecture, layer: str) -> None:
    """Raise UserError if the layer does not exist or its output has no height and width."""
    check_layer(net, layer)
    spatial = [name for name, shape in layer_shapes(net).items() if len(shape) == 3]
    if layer not in spatial:
        raise UserError(f"{layer} has no spatial dimensions; choose from {', '.join(spatial)}")
