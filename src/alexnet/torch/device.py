"""Select PyTorch's device and autocast type."""

import torch

from alexnet.errors import UserError


def find_device(name: str = "auto") -> torch.device:
    """Return the device of this name; for `auto` CUDA, else MPS, else the CPU.

    Raises:
        UserError: The device is not available.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        available = ["cpu"]
        available += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        available += ["mps"] if torch.backends.mps.is_available() else []
        raise UserError(
            f"device {name!r} is not available; choose from {', '.join(available)}"
        ) from error
    return device


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """Return the autocast type, or None for float32.

    `auto` is bf16 where the hardware supports it natively, else fp16 on CUDA and float32 on a
    CPU, where emulated bf16 is slower than float32.
    """
    if precision != "auto":
        return {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    if device.type == "cpu" and _cpu_supports_bf16():
        return torch.bfloat16
    return None


def _cpu_supports_bf16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)
