"""What the parts share: the device, the sizes, and the rates that others are compared with."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from gpu_parts.scale import Scale


@dataclass
class Context:
    """One call of the benchmark."""

    device: torch.device
    scale: Scale
    variants: tuple[str, ...]
    root: Path
    """Of the checkout."""
    matrix_tflops: dict[str, float] = field(default_factory=dict)
    """By precision; empty when the part `rates` did not run."""
    copy_gb_s: float | None = None
    """Bytes read and written on the device, 10^9 a second."""
