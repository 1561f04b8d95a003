"""The frameworks that can compute, behind one door; each is imported when it is asked for."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alexnet.data.augment import Plan
from alexnet.preprocessing import Preprocessing
from alexnet.run import Run


class Network(Protocol):
    """A network with its weights and its preprocessing, ready to compute."""

    preprocessing: Preprocessing

    def logits(self, pictures: Sequence[NDArray[np.uint8]], plan: Plan) -> NDArray[np.float32]:
        """Logits (N, num_classes) of kept squares (resize_px, resize_px, 3), RGB."""
        ...


def open_network(run: Run, *, device: str = "auto", workers: int | None = None) -> Network:
    """The network of a run with the weights of its best epoch.

    Raises:
        UserError: the run has no weights yet, they are damaged, or the device is not there.
    """
    from alexnet.torch.network import Network as TorchNetwork

    return TorchNetwork(
        run.architecture,
        run.weights(),
        run.preprocessing,
        mean_picture=run.mean_picture(),
        device=device,
        precision=run.recipe.precision,
        workers=workers,
    )
