"""The frameworks that compute; each is imported when it is asked for."""

from alexnet.backends.opening import (
    BACKENDS,
    TORCH,
    Network,
    Trainer,
    check_backend,
    check_device,
    libraries,
    open_network,
    open_trainer,
    threads,
)

__all__ = [
    "BACKENDS",
    "TORCH",
    "Network",
    "Trainer",
    "check_backend",
    "check_device",
    "libraries",
    "open_network",
    "open_trainer",
    "threads",
]
