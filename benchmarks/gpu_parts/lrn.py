"""Part `lrn`: local response normalization forward and backward, ours and PyTorch's.

At best it is bound by memory: forward reads and writes the maps once, backward reads the maps and
the gradient and writes a gradient, five passes.
"""

from typing import Any

import torch

from gpu_parts import project
from gpu_parts.budget import Deadline
from gpu_parts.context import Context
from gpu_parts.measure import attempt, free_memory, peak_gb, start_peak, time_work
from gpu_parts.rates import measure_copy
from gpu_parts.tables import Column, Result

_PASSES = 5
_SIZE, _ALPHA, _BETA, _K = 5, 1e-4, 0.75, 2.0
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def run(context: Context, deadline: Deadline, result: Result) -> None:
    """Milliseconds of both, against the time that the passes through memory take."""
    table = result.table(
        "LRN forward and backward, channels-last",
        Column("shape", "shape"),
        Column("precision", "precision"),
        Column("ours_ms", "ours, ms", ",.3f"),
        Column("torch_ms", "torch.nn, ms", ",.3f"),
        Column("speedup", "speedup", ",.2f"),
        Column("bound_ms", "bound, ms", ",.3f"),
        Column("of_bound", "of the bound", ".1%"),
        Column("ours_peak_gb", "ours, GB", ",.2f"),
        Column("torch_peak_gb", "torch.nn, GB", ",.2f"),
        Column("difference", "difference", ".1e"),
    )
    table.notes.append("bound: five passes at the copy bandwidth of the device.")
    if context.copy_gb_s is None:
        measured = attempt(lambda: measure_copy(context, deadline))
        if measured.value is None:
            result.failures.append(f"copy bandwidth: {measured.status}")
    for channels, side in context.scale.lrn_shapes:
        for precision in _DTYPES:
            shape = (context.scale.lrn_batch, channels, side, side)
            name = "x".join(map(str, shape))
            if not deadline.allows():
                result.skipped.append(f"LRN of {name} in {precision}: no time left")
                continue
            table.rows.append(_row(shape, precision, context, deadline, result))
            free_memory()


def _row(
    shape: tuple[int, ...], precision: str, context: Context, deadline: Deadline, result: Result
) -> dict[str, Any]:
    row: dict[str, Any] = {"shape": "x".join(map(str, shape)), "precision": precision}
    # PyTorch divides alpha by the size of the window.
    modules = {
        "ours": project.lrn(size=_SIZE, alpha=_ALPHA, beta=_BETA, k=_K),
        "torch": torch.nn.LocalResponseNorm(_SIZE, alpha=_SIZE * _ALPHA, beta=_BETA, k=_K),
    }
    outputs = []
    for name, module in modules.items():
        measured = attempt(
            lambda m=module: _measure(m, shape, _DTYPES[precision], context, deadline)
        )
        if measured.value is None:
            row[f"{name}_ms"] = "error" if measured.is_error else measured.status
            what = f"LRN, {name}, {row['shape']}, {precision}: {measured.status}"
            # What PyTorch's own cannot do (bf16 on a CPU) is no failure of ours.
            (result.failures if name == "ours" and measured.is_error else result.skipped).append(
                what
            )
            continue
        row[f"{name}_ms"], row[f"{name}_peak_gb"], output = measured.value
        outputs.append(output)
    if len(outputs) == 2:
        ours, theirs = outputs
        row["speedup"] = row["torch_ms"] / row["ours_ms"]
        row["difference"] = float((ours - theirs).abs().max() / theirs.abs().max())
    if context.copy_gb_s and not isinstance(row["ours_ms"], str):
        size = torch.Size(shape).numel() * _DTYPES[precision].itemsize
        row["bound_ms"] = 1e3 * _PASSES * size / (context.copy_gb_s * 1e9)
        row["of_bound"] = row["bound_ms"] / row["ours_ms"]
    return row


def _measure(
    module: torch.nn.Module,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    context: Context,
    deadline: Deadline,
) -> tuple[float, float | None, torch.Tensor]:
    """Milliseconds, peak memory, and the gradient for a few of the images, on the CPU."""
    start_peak(context.device)
    generator = torch.Generator().manual_seed(0)
    few = torch.randn(2, *shape[1:], generator=generator)
    repeated = few.repeat(-(-shape[0] // 2), 1, 1, 1)[: shape[0]].to(context.device, dtype)
    x = repeated.contiguous(memory_format=torch.channels_last).requires_grad_()
    grad = torch.ones_like(x)

    def both() -> torch.Tensor:
        return torch.autograd.grad(module(x), x, grad)[0]

    timing = time_work(both, context.device, context.scale, deadline)
    return 1e3 * timing.median, peak_gb(context.device), both()[:2].float().cpu()
