"""The frameworks that can compute, behind one door; each is imported when it is asked for."""

from collections.abc import Mapping, Sequence
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


class Trainer(Protocol):
    """A network that can be trained, step by step."""

    @property
    def network(self) -> Network: ...

    def step(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        labels: NDArray[np.int64],
        plan: Plan,
        *,
        lr: float,
        seed: int,
    ) -> tuple[float, int]:
        """One update of the weights; the mean loss and the right answers before it.

        Raises:
            RunError: the loss is not finite; the weights are as they were.
        """
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by canonical name."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What the optimizer carries from step to step, by name."""
        ...

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put back what `state` gave."""
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
    lr_factors: Mapping[str, float] | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int | None = None,
    compiled: bool = False,
) -> Trainer:
    """A network of the run's architecture with these weights, to be trained by its recipe.

    Args:
        lr_factors: on the learning rate, by canonical name of the array: 1.0 where it is absent,
            0.0 where the array stays as it is.
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
    return TorchTrainer(network, run.recipe, lr_factors=lr_factors or {}, compiled=compiled)


def check_device(device: str) -> None:
    """Raise UserError when this machine has no such device; costs next to nothing."""
    from alexnet.torch.device import find_device

    find_device(device)


def threads() -> int:
    """Threads with which the framework computes on this CPU."""
    import torch

    return torch.get_num_threads()
