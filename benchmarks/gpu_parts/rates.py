"""Part `rates`: what the device does at best, matrix products and copies.

The other parts are compared with these, not with the manufacturer's figures.
"""

from collections.abc import Callable

import torch

from gpu_parts.budget import Deadline
from gpu_parts.context import Context
from gpu_parts.measure import Timing, attempt, float32_as, free_memory, time_work
from gpu_parts.scale import PRECISIONS
from gpu_parts.tables import Column, Result

_MB = 1_000_000


def run(context: Context, deadline: Deadline, result: Result) -> None:
    """Measure TFLOP/s of each precision and GB/s of each kind of copy."""
    _matrix(context, deadline, result)
    _copies(context, deadline, result)
    free_memory()


def _matrix(context: Context, deadline: Deadline, result: Result) -> None:
    size, device = context.scale.matrix_size, context.device
    table = result.table(
        f"Matrix product, {size} x {size}",
        Column("precision", "precision"),
        Column("tflops", "TFLOP/s", ",.2f"),
        Column("ms", "ms", ",.3f"),
        Column("status", "status"),
    )
    for precision in PRECISIONS:
        if not deadline.allows():
            result.skipped.append(f"matrix product in {precision}: no time left")
            continue
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32

        def measure(dtype: torch.dtype = dtype) -> Timing:
            a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
            out = torch.empty_like(a)
            return time_work(lambda: torch.mm(a, b, out=out), device, context.scale, deadline)

        with float32_as(precision):
            measured = attempt(measure)
        row = {"precision": precision, "status": measured.status}
        if measured.value is not None:
            context.matrix_tflops[precision] = 2 * size**3 / measured.value.median / 1e12
            row |= {"tflops": context.matrix_tflops[precision], "ms": 1e3 * measured.value.median}
        elif measured.is_error:
            result.failures.append(f"matrix product in {precision}: {measured.status}")
        table.rows.append(row)


def _copies(context: Context, deadline: Deadline, result: Result) -> None:
    table = result.table(
        f"Copies of {context.scale.copy_mb:,} MB",
        Column("what", "copy"),
        Column("gb_s", "GB/s", ",.1f"),
        Column("status", "status"),
    )
    table.notes.append("On the device each byte counts twice: it is read and written.")
    kinds: dict[str, Callable[[], float]] = {
        "within the device": lambda: measure_copy(context, deadline)
    }
    if context.device.type == "cuda":
        kinds["host to device, pinned"] = lambda: _from_host(context, deadline, True)
        kinds["host to device, not pinned"] = lambda: _from_host(context, deadline, False)
    else:
        result.skipped.append("copies from host to device: there is no GPU")
    for what, measure in kinds.items():
        if not deadline.allows():
            result.skipped.append(f"copy {what}: no time left")
            continue
        measured = attempt(measure)
        if measured.is_error:
            result.failures.append(f"copy {what}: {measured.status}")
        table.rows.append({"what": what, "gb_s": measured.value, "status": measured.status})


def measure_copy(context: Context, deadline: Deadline) -> float:
    """GB/s within the device; kept in the context for the parts that are bound by it."""
    source = torch.zeros(context.scale.copy_mb * _MB, dtype=torch.uint8, device=context.device)
    target = torch.empty_like(source)
    timing = time_work(lambda: target.copy_(source), context.device, context.scale, deadline)
    context.copy_gb_s = 2 * source.numel() / timing.median / 1e9
    return context.copy_gb_s


def _from_host(context: Context, deadline: Deadline, pinned: bool) -> float:
    count = context.scale.copy_mb * _MB // 4
    source = torch.zeros(count, dtype=torch.uint8, pin_memory=pinned)
    target = torch.empty(count, dtype=torch.uint8, device=context.device)
    timing = time_work(
        lambda: target.copy_(source, non_blocking=pinned), context.device, context.scale, deadline
    )
    return count / timing.median / 1e9
