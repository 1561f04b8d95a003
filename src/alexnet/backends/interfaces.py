"""What every backend provides: an inference model and a trainer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from alexnet.config.preprocessing import Preprocessing

if TYPE_CHECKING:  # the command line's help lists the backends, and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

    from alexnet.data.augmentation import Plan


class InferenceModel(Protocol):
    """A network with its weights and its preprocessing, ready to compute."""

    preprocessing: Preprocessing

    def logits(self, images: "Sequence[NDArray[np.uint8]]", plan: "Plan") -> "NDArray[np.float32]":
        """Logits (N, num_classes) of kept squares (resize_px, resize_px, 3), RGB."""
        ...

    def peaks(
        self, images: "Sequence[NDArray[np.uint8]]", plan: "Plan"
    ) -> "dict[str, NDArray[np.float32]]":
        """The largest output of each channel or unit over these images, by activation layer."""
        ...


class Trainer(Protocol):
    """A network that can be trained, step by step."""

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
        """One update of the weights.

        Args:
            images: kept squares (resize_px, resize_px, 3), RGB.
            labels: (N,), the number of the class of each.
            plan: what is done to each image before it goes in.
            seed: of what the network draws in this step, the dropout.

        Returns:
            The mean cross-entropy, and how many images were classified rightly, both before
            the update and without label smoothing.

        Raises:
            DivergedError: the loss is not finite; the weights are as they were before the step.
        """
        ...

    def weights(self) -> "dict[str, np.ndarray]":
        """Copies of the weights by canonical name."""
        ...

    def state(self) -> "dict[str, np.ndarray]":
        """What the optimizer carries from step to step, by name."""
        ...

    def load_state(self, arrays: "Mapping[str, np.ndarray]") -> None:
        """Put back what `state` gave."""
        ...
