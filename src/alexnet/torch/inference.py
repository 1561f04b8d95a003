"""Inference in PyTorch, from stored images to logits."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alexnet.config.preprocessing import Preprocessing
from alexnet.data import augmentation
from alexnet.data.batches import Batches
from alexnet.spec.architectures import Architecture
from alexnet.spec.layers import Activation
from alexnet.torch.augmentation import apply as apply_on_device
from alexnet.torch.device import find_device
from alexnet.torch.model import AlexNet


class TorchInferenceModel:
    """A PyTorch AlexNet on its device, with its preprocessing.

    Args:
        weights: Arrays by canonical name.
        mean_image: (resize_px, resize_px, 3), where the preprocessing subtracts one.
        device: `auto`, or a PyTorch device such as `cpu` or `cuda:1`.
        workers: Threads that prepare images; None for one per core.

    Raises:
        UserError: The device is not available, or the weights do not fit.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, np.ndarray],
        preprocessing: Preprocessing,
        *,
        mean_image: NDArray[np.float32] | None = None,
        device: str = "auto",
        workers: int | None = None,
    ) -> None:
        self.device = find_device(device)
        self.preprocessing = preprocessing
        self.network = AlexNet(architecture, init_weights=False)
        self.network.load_weights(weights)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._batches = Batches(
            preprocessing, architecture.in_channels, mean_image=mean_image, workers=workers
        )
        self._mean_on_device = None
        if mean_image is not None and self.device.type != "cpu":
            self._mean_on_device = torch.from_numpy(mean_image).to(self.device)

    def logits(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> NDArray[np.float32]:
        """Return logits (N, num_classes) for stored images (resize_px, resize_px, 3), RGB."""
        self.network.eval()
        with torch.inference_mode():
            logits: NDArray[np.float32] = self.forward(images, plan).cpu().numpy()
        return logits

    def peaks(
        self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan
    ) -> dict[str, NDArray[np.float32]]:
        """Return the maximum of each channel or unit over the images, by activation layer."""
        self.network.eval()
        names = [x.name for x in self.network.architecture.layers if isinstance(x, Activation)]
        with torch.inference_mode():
            outputs = self.network.activations(self.batch(images, plan), names)
            return {
                name: x.amax(dim=[0, *range(2, x.dim())]).float().cpu().numpy()
                for name, x in outputs.items()
            }

    def forward(self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan) -> Tensor:
        """Return logits as a tensor on the device, in float32 unless called under autocast."""
        logits: Tensor = self.network(self.batch(images, plan))
        return logits

    def batch(self, images: Sequence[NDArray[np.uint8]], plan: augmentation.Plan) -> Tensor:
        """Return the input of conv1, (N, channels, crop_px, crop_px); valid until the next call."""
        if self.device.type != "cpu":
            stored = torch.from_numpy(np.stack(images)).to(self.device)
            return apply_on_device(plan, stored, self.preprocessing, self._mean_on_device)
        return torch.from_numpy(self._batches.make(images, plan)).permute(0, 3, 1, 2)
