"""Where and how to compute: one object wherever a function runs a network."""

from dataclasses import dataclass, replace

from alexnet.backends.devices import check_device
from alexnet.backends.names import BACKENDS, TORCH
from alexnet.config.settings import Settings, setting
from alexnet.errors import UserError

BATCH_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class Compute(Settings):
    """Where and how to compute. None of it is a hyperparameter of a training.

    Raises:
        UserError: an unknown backend, a value out of range, or `compile` with a backend other
            than PyTorch.

    Example:
        >>> Compute(device="cpu", workers=4).batch_size
        64
    """

    backend: str | None = setting(
        None,
        "torch, or Keras on tensorflow or jax; none: the backend that trained the run, else torch",
        choices=BACKENDS,
    )
    device: str = setting("auto", "auto (a GPU if there is one), cpu, cuda, cuda:1 or mps")
    precision: str = setting(
        "auto",
        "arithmetic of training steps: auto (bf16 or fp16 where the device is faster with it), "
        "fp32, bf16 or fp16; inference always computes in fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    workers: int | None = setting(
        None, "threads that decode and augment images; none: one per core", low=1
    )
    batch_size: int = setting(BATCH_SIZE, "images per forward pass outside training", low=1)
    compile: bool = setting(False, "compile the training step with torch.compile")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compile and self.backend not in (None, TORCH):
            raise UserError("--compile is for PyTorch; with Keras every step is compiled already")

    def with_backend(self, default: str | None = None) -> "Compute":
        """Return a copy whose backend is set: this one's, else `default`, else PyTorch."""
        return self if self.backend else replace(self, backend=default or TORCH)

    def check(self) -> None:
        """Raise UserError unless this machine has the backend and the device."""
        check_device(self.device, self.backend or TORCH)
