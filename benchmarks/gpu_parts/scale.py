"""How much is measured: in full, quickly, or in tiny form where there is no GPU."""

from dataclasses import dataclass, field
from typing import Any

PRECISIONS = ("fp32", "tf32", "bf16")
"""fp32: float32 with TF32 off; tf32: with TF32 on; bf16: autocast as the project uses it."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The sizes of everything that is measured."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    """Of each variant's architecture."""
    batches: tuple[int, ...] = (64, 128, 256, 512, 1024)
    precisions: tuple[str, ...] = PRECISIONS
    repeats: int = 5
    warmup: int = 3
    block_s: float = 0.05
    """A timed block has as many calls as take at least this long."""
    matrix_size: int = 8192
    copy_mb: int = 1024
    lrn_batch: int = 128
    lrn_shapes: tuple[tuple[int, int], ...] = ((96, 55), (256, 27))
    """Channels and side behind conv1 and conv2 of the paper."""
    equality_batch: int = 16
    images: int = 6144
    image_shape: tuple[int, int] = (375, 500)
    pipeline_batch: int = 256
    pipeline_epochs: int = 5
    pipeline_image_size: int = 224
    pipeline_variants: tuple[str, ...] = ("half", "paper")


FULL = Scale(name="full")
QUICK = Scale(
    name="quick",
    batches=(128, 512),
    precisions=("fp32", "bf16"),
    repeats=3,
    equality_batch=8,
    images=3072,
    pipeline_epochs=4,
    pipeline_variants=("half",),
)
TINY = Scale(
    name="tiny",
    changes={"widths": 16, "hidden": 32, "num_classes": 8, "image_size": 79},
    batches=(2, 4),
    precisions=("fp32", "bf16"),
    repeats=1,
    warmup=1,
    block_s=0.0,
    matrix_size=256,
    copy_mb=4,
    lrn_batch=2,
    lrn_shapes=((16, 9), (32, 5)),
    equality_batch=4,
    images=48,
    image_shape=(75, 100),
    pipeline_batch=16,
    pipeline_epochs=2,
    pipeline_image_size=63,
    pipeline_variants=("half",),
)
