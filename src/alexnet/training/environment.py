"""Where a training computes, and what it says of that in its run."""

import dataclasses
import platform
from importlib.metadata import version
from typing import Any

from alexnet import backends
from alexnet.backends import TORCH
from alexnet.errors import UserError
from alexnet.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a training computes; none of it belongs to the recipe.

    Args:
        backend: torch, tensorflow or jax.
        device: `auto`, or a device of the backend such as `cpu` or `cuda:1`.
        workers: threads that decode and crop; None for one a core.
        compile: run the network through torch.compile.
    """

    device: str = "auto"
    workers: int | None = None
    compile: bool = False
    backend: str = TORCH

    def __post_init__(self) -> None:
        backends.check_backend(self.backend)
        if self.compile and self.backend != TORCH:
            raise UserError("--compile is for PyTorch; with Keras every step is compiled already")


def machine_of(run: Run, backend: str | None) -> Machine:
    """What the run began on; another backend finds its device anew."""
    names = [field.name for field in dataclasses.fields(Machine) if field.name in run.machine]
    machine = Machine(**{name: run.machine[name] for name in names})
    if backend in (None, machine.backend):
        return machine
    return dataclasses.replace(machine, backend=str(backend), device="auto", compile=False)


def described(backend: str) -> dict[str, Any]:
    """The machine and the versions of what computes on it."""
    return {
        "threads": backends.threads(backend),
        "platform": platform.platform(),
        "processor": platform.processor(),
        "python": platform.python_version(),
        "versions": {
            name: version(name) for name in ("alexnet", "numpy", *backends.libraries(backend))
        },
    }
