"""Devices and threads of a backend, checked before anything of the work is done."""

import importlib.util
import runpy
from pathlib import Path

from alexnet.backends.names import TORCH, check_backend
from alexnet.errors import UserError


def check_device(device: str, backend: str = TORCH) -> None:
    """Raise UserError when the backend is not installed, or this machine has no such device."""
    check_backend(backend)
    if backend == TORCH:
        if device.partition(":")[0] == "cuda" and _torch_is_without_cuda():
            raise UserError(
                f"device {device!r} is not on this machine: PyTorch is installed in a build "
                f"without CUDA; choose --device auto, or install the build with CUDA"
            )
        from alexnet.torch.device import find_device

        find_device(device)
    else:
        from alexnet.backends.keras_startup import start

        start(backend, device)


def _torch_is_without_cuda() -> bool:
    """As PyTorch's own note of its build says: importing PyTorch to ask it takes seconds."""
    found = importlib.util.find_spec(TORCH)
    if found is None or found.origin is None:
        return False
    try:
        build = runpy.run_path(str(Path(found.origin).with_name("version.py")))
    except OSError:
        return False
    return "cuda" in build and not build["cuda"] and not build.get("hip")


def threads(backend: str = TORCH) -> int:
    """Threads with which the backend computes on this CPU."""
    if backend == TORCH:
        import torch

        return torch.get_num_threads()
    from alexnet.backends.keras_startup import threads

    return threads(backend)


def libraries(backend: str) -> tuple[str, ...]:
    """The packages whose versions say what computed."""
    return (TORCH,) if backend == TORCH else ("keras", backend)
