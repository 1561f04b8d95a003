"""Part `device`: what computes here."""

import os
import platform
import subprocess
from typing import Any

import torch

from gpu_parts.budget import Deadline
from gpu_parts.context import Context
from gpu_parts.tables import Column, Result


def run(context: Context, _deadline: Deadline, result: Result) -> None:
    """Describe the device and the libraries."""
    table = result.table("Device", Column("what", "what"), Column("value", "value"))
    facts = {**_device(context.device), **_software(context)}
    table.rows += [{"what": what, "value": str(value)} for what, value in facts.items()]
    result.records.append(facts)


def _device(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"device": "CPU", "threads": torch.get_num_threads()}
    measured = torch.cuda.get_device_properties(device)
    return {
        "device": measured.name,
        "memory, GB": round(measured.total_memory / 1e9, 1),
        "compute capability": f"{measured.major}.{measured.minor}",
        "multiprocessors": measured.multi_processor_count,
        "driver": _driver(),
        "TF32 by default": (
            f"matrix products {_on(torch.backends.cuda.matmul.allow_tf32)}, "
            f"convolutions {_on(torch.backends.cudnn.allow_tf32)}"
        ),
    }


def _on(flag: bool) -> str:
    return "on" if flag else "off"


def _driver() -> str:
    call = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return _first_line(call)


def _software(context: Context) -> dict[str, Any]:
    return {
        "torch": torch.__version__,
        "CUDA": torch.version.cuda or "none",
        "cuDNN": torch.backends.cudnn.version() if context.device.type == "cuda" else "not used",
        "python": platform.python_version(),
        "CPU cores": os.cpu_count(),
        "commit": _first_line(["git", "-C", str(context.root), "rev-parse", "--short", "HEAD"]),
    }


def _first_line(call: list[str]) -> str:
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0].strip()
