"""The protocols that every backend implements: `InferenceModel` and `Trainer`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from alexnet.config.preprocessing import Preprocessing

if TYPE_CHECKING:  # --help imports this module and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

    from alexnet.data.augmentation import Plan


class InferenceModel(Protocol):
    """A network with weights and preprocessing, ready for inference."""

    preprocessing: Preprocessing

    def logits(self, images: "Sequence[NDArray[np.uint8]]", plan: "Plan") -> "NDArray[np.float32]":
        """Return logits (N, num_classes) of stored images (resize_px, resize_px, 3), RGB."""
        ...

    def peaks(
        self, images: "Sequence[NDArray[np.uint8]]", plan: "Plan"
    ) -> "dict[str, NDArray[np.float32]]":
        """Return the maximum of each channel or unit over the images, by activation layer."""
        ...


class Trainer(Protocol):
    """A network that can be trained."""

    @property
    def model(self) -> InferenceModel: ...

    def step(
        self,
        images: "Sequence[NDArray[np.uint8]]",
        labels: "NDArray[np.int64]",
        plan: "Plan",
        *,
        lr: float,
        seed: int,
    ) -> tuple[float, int]:
        """Run one training step.

        Args:
            images: stored images (resize_px, resize_px, 3), RGB.
            labels: class indices (N,).
            plan: the augmentation of each image.
            seed: random seed of the dropout in this step.

        Returns:
            The mean cross-entropy and the number of correctly classified images, both before the
            update and without label smoothing.

        Raises:
            DivergedError: the loss is not finite; the weights are not updated.
        """
        ...

    def weights(self) -> "dict[str, np.ndarray]":
        """Return copies of the weights by canonical name."""
        ...

    def state(self) -> "dict[str, np.ndarray]":
        """Return the state of the optimizer by name."""
        ...

    def load_state(self, arrays: "Mapping[str, np.ndarray]") -> None:
        """Load a state returned by `state`."""
        ...
