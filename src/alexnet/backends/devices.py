"""Devices and threads of the backends."""

import importlib.util
import runpy
from pathlib import Path

from alexnet.backends.names import TORCH, check_backend
from alexnet.errors import UserError


def check_device(device: str, backend: str = TORCH) -> None:
    """Raise `UserError` if the backend is not installed or the device is not available."""
    check_backend(backend)
    if backend == TORCH:
        if device.partition(":")[0] == "cuda" and _torch_lacks_cuda():
            raise UserError(
                f"device {device!r} is not available: this PyTorch was built without CUDA; use "
                "--device auto, or install a CUDA build of PyTorch"
            )
        from alexnet.torch.device import find_device

        find_device(device)
    else:
        from alexnet.backends.keras_startup import start

        start(backend, device)


def _torch_lacks_cuda() -> bool:
    """Read it from torch/version.py, since importing PyTorch takes seconds."""
    spec = importlib.util.find_spec(TORCH)
    if spec is None or spec.origin is None:
        return False
    try:
        build = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    except OSError:
        return False
    return "cuda" in build and not build["cuda"] and not build.get("hip")


def threads(backend: str = TORCH) -> int:
    """Return the number of CPU threads that the backend uses."""
    if backend == TORCH:
        import torch

        return torch.get_num_threads()
    from alexnet.backends.keras_startup import threads

    return threads(backend)


def libraries(backend: str) -> tuple[str, ...]:
    """Return the packages whose versions identify the backend."""
    return (TORCH,) if backend == TORCH else ("keras", backend)
