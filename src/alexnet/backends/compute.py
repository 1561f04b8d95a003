"""`Compute`: backend, device, precision, workers and batch size of a computation."""

from dataclasses import dataclass, replace

from alexnet.backends.devices import check_device
from alexnet.backends.names import BACKENDS, TORCH
from alexnet.errors import UserError
from alexnet.settings import Settings, setting

BATCH_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class Compute(Settings):
    """Where and how to compute. None of these settings is a hyperparameter.

    Raises:
        UserError: an unknown backend, a value out of range, or `compile` with a backend other
            than PyTorch.

    Example:
        >>> Compute(device="cpu", workers=4).batch_size
        64
    """

    backend: str | None = setting(
        None,
        "torch, or tensorflow or jax with Keras; none: the backend of the run, else torch",
        choices=BACKENDS,
    )
    device: str = setting("auto", "auto (a GPU if available), cpu, cuda, cuda:1 or mps")
    precision: str = setting(
        "auto",
        "precision of training: auto (bf16 or fp16 if faster on the device), fp32, bf16 or fp16; "
        "inference always runs in fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    workers: int | None = setting(
        None, "threads for image decoding and augmentation; none: one per core", low=1
    )
    batch_size: int = setting(BATCH_SIZE, "inference batch size", low=1)
    compile: bool = setting(False, "compile the training step with torch.compile")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compile and self.backend not in (None, TORCH):
            raise UserError("--compile requires PyTorch; Keras always compiles the training step")

    def with_backend(self, default: str | None = None) -> "Compute":
        """Return a copy whose backend is set: this one's, else `default`, else PyTorch."""
        return self if self.backend else replace(self, backend=default or TORCH)

    def check(self) -> None:
        """Raise `UserError` if the backend or the device is not available."""
        check_device(self.device, self.backend or TORCH)
