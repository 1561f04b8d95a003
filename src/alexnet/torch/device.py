"""Where PyTorch computes, and in which arithmetic."""

import torch

from alexnet.errors import UserError


def find_device(name: str = "auto") -> torch.device:
    """The device of this name; `auto` takes CUDA, else MPS, else the CPU.

    Raises:
        UserError: no such device on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        here = ["cpu"]
        here += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        here += ["mps"] if torch.backends.mps.is_available() else []
        raise UserError(
            f"device {name!r} is not on this machine; it has {', '.join(here)}"
        ) from error
    return device


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """The type for matrix products: None for float32.

    `auto` is bf16 where the processor multiplies it natively, else fp16 on older CUDA devices:
    on a CPU without such instructions bf16 is slower than float32.
    """
    if precision != "auto":
        return {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    if device.type == "cpu" and _cpu_multiplies_bf16():
        return torch.bfloat16
    return None


def _cpu_multiplies_bf16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)
