"""The frameworks that can compute, behind one door; each is imported when it is asked for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from alexnet.data.augment import Plan
from alexnet.preprocessing import Preprocessing
from alexnet.run import Run

if TYPE_CHECKING:
    from alexnet.training.loop import Trainer


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
        workers=workers,
    )


def open_trainer(
    run: Run,
    weights: Mapping[str, np.ndarray],
    *,
    device: str = "auto",
    workers: int | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> "Trainer":
    """A network of the run's architecture with these weights, to be trained by its recipe.

    Args:
        threads: that compute on a CPU; a sum over another number of threads rounds otherwise.
    """
    import torch
    from alexnet.torch.network import Network as TorchNetwork
    from alexnet.torch.trainer import Trainer as TorchTrainer

    if threads is not None:
        torch.set_num_threads(threads)
    network = TorchNetwork(
        run.architecture,
        weights,
        run.preprocessing,
        mean_picture=run.mean_picture(),
        device=device,
        workers=workers,
    )
    return TorchTrainer(network, run.recipe, compiled=compiled)


def check_device(device: str) -> None:
    """Raise UserError when this machine has no such device; costs next to nothing."""
    from alexnet.torch.device import find_device

    find_device(device)


def threads() -> int:
    """Threads with which the framework computes on this CPU."""
    import torch

    return torch.get_num_threads()
