"""Parts `training` and `inference`: images per second of each variant, on a batch on the device.

A training step is the project's own: forward, backward, update, and the waits for the loss.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from gpu_parts import project
from gpu_parts.budget import Budget, Deadline
from gpu_parts.context import Context
from gpu_parts.measure import (
    OUT_OF_MEMORY,
    attempt,
    float32_as,
    free_memory,
    peak_gb,
    start_peak,
    time_work,
)
from gpu_parts.tables import Column, Result

Maker = Callable[[project.TorchInferenceModel, str, int], Callable[[], object]]
"""Makes what is timed: of a network, a precision and the number of images in a batch."""


def run_training(context: Context, deadline: Deadline, result: Result) -> None:
    """Images per second of the trainer's steps."""
    _run("training", _training, context, deadline, result)


def run_inference(context: Context, deadline: Deadline, result: Result) -> None:
    """Images per second of logits."""
    _run("inference", _inference, context, deadline, result)


def _training(
    network: project.TorchInferenceModel, precision: str, images: int
) -> Callable[[], object]:
    trainer = project.make_trainer(network, "bf16" if precision == "bf16" else "fp32")
    labels = np.arange(images, dtype=np.int64) % network.network.architecture.num_classes
    return lambda: project.training_step(trainer, labels)


def _inference(
    network: project.TorchInferenceModel, precision: str, _images: int
) -> Callable[[], object]:
    network.network.eval()

    def logits() -> object:
        is_bf16 = precision == "bf16"
        with (
            torch.inference_mode(),
            torch.autocast(network.device.type, torch.bfloat16, enabled=is_bf16),
        ):
            return network.forward([], None)  # type: ignore[arg-type]

    return logits


def _run(what: str, make: Maker, context: Context, deadline: Deadline, result: Result) -> None:
    budget = Budget(deadline.left(), dict.fromkeys(context.variants, 1.0), deadline.clock)
    for variant in context.variants:
        own = budget.deadline(variant)
        if not own.allows():
            cases = f"{len(context.scale.precisions)} x {len(context.scale.batches)} measurements"
            result.skipped.append(f"{what} of {variant}, {cases}: no time left")
            continue
        measured = attempt(lambda v=variant, own=own: list(_variant(v, make, context, own, result)))
        if measured.is_error:
            result.failures.append(f"{what} of {variant}: {measured.status}")
        elif measured.value is None:
            result.skipped.append(f"{what} of {variant}: {OUT_OF_MEMORY} before the first batch")
        free_memory()
    _tables(what, context, result)


def _variant(
    variant: str, make: Maker, context: Context, deadline: Deadline, result: Result
) -> Iterator[None]:
    """Measure one variant in every precision and batch size."""
    net = project.build(variant, **context.scale.changes)
    network = project.open_inference_model(net, project.initial_weights(net), context.device)
    for precision in context.scale.precisions:
        smallest_failed: int | None = None
        seconds_per_image = 0.0
        for images in context.scale.batches:
            case = {"variant": variant, "precision": precision, "batch": images}
            expected = seconds_per_image * images * (context.scale.warmup + 2)
            if smallest_failed is not None:
                result.records.append(
                    {**case, "status": f"{OUT_OF_MEMORY} (already with {smallest_failed})"}
                )
            elif not deadline.allows(expected):
                result.records.append({**case, "status": "skipped"})
                result.skipped.append(f"{variant}, {precision}, {images} images: no time left")
            else:
                record = _measure(network, make, case, context, deadline)
                result.records.append(record)
                if record["status"] == OUT_OF_MEMORY:
                    smallest_failed = images
                elif record["status"] == "ok":
                    seconds_per_image = 1 / record["images_per_s"]
                else:
                    result.failures.append(f"{variant}, {precision}, {images}: {record['status']}")
            yield


def _measure(
    network: project.TorchInferenceModel,
    make: Maker,
    case: Mapping[str, Any],
    context: Context,
    deadline: Deadline,
) -> dict[str, Any]:
    images, net = case["batch"], network.network.architecture

    def measure() -> dict[str, Any]:
        start_peak(context.device)
        batch = torch.randn(images, *net.input_shape, device=context.device)
        project.feed(network, batch.contiguous(memory_format=torch.channels_last))
        work = make(network, case["precision"], images)
        timing = time_work(work, context.device, context.scale, deadline)
        return {
            "images_per_s": images / timing.median,
            "low": images / timing.high,
            "high": images / timing.low,
            "blocks": timing.blocks,
            "peak_gb": peak_gb(context.device),
        }

    with float32_as(case["precision"]):
        measured = attempt(measure)
    project.feed(network, torch.empty(0))
    network.network.zero_grad(set_to_none=True)
    if measured.value is None:
        free_memory()
        return {**case, "status": measured.status}
    forward, training = project.macs(net)
    each = training if make is _training else forward
    tflops = 2 * each * measured.value["images_per_s"] / 1e12
    best = context.matrix_tflops.get(case["precision"])
    fraction = tflops / best if best else None
    return {**case, "status": "ok", **measured.value, "tflops": tflops, "of_matrix_rate": fraction}


def _tables(what: str, context: Context, result: Result) -> None:
    """The rates with a column for each batch size, and the fraction of the matrix rate."""
    batches = context.scale.batches
    columns = [Column("variant", "variant"), Column("precision", "precision")]
    rates = result.table(
        f"{what.capitalize()}, images per second, by images in a batch",
        *columns,
        *(Column(f"rate_{n}", f"{n:,}", ",.0f") for n in batches),
        Column("peak_gb", f"GB at {batches[-1]:,}", ",.1f"),
    )
    fractions = result.table(
        f"{what.capitalize()}, fraction of the measured rate of matrix products",
        *columns,
        *(Column(f"fraction_{n}", f"{n:,}", ".1%") for n in batches),
        Column("tflops", "best TFLOP/s", ",.2f"),
    )
    for variant in context.variants:
        for precision in context.scale.precisions:
            key = {"variant": variant, "precision": precision}
            own = [r for r in result.records if key.items() <= r.items()]
            if not own:
                continue
            row: dict[str, Any] = dict(key)
            for record in own:
                is_ok = record["status"] == "ok"
                short = "memory" if record["status"].startswith(OUT_OF_MEMORY) else "error"
                short = "skipped" if record["status"] == "skipped" else short
                row[f"rate_{record['batch']}"] = record["images_per_s"] if is_ok else short
                row[f"fraction_{record['batch']}"] = record.get("of_matrix_rate")
            row["peak_gb"] = own[-1].get("peak_gb")
            row["tflops"] = max((r["tflops"] for r in own if "tflops" in r), default=None)
            rates.rows.append(row)
            fractions.rows.append(row)
    rates.notes.append("memory: out of memory; skipped: no time left.")
    if what == "training":
        fractions.notes.append(
            "A step has two multiply-accumulates for each of the forward pass more, without those "
            "for the gradient of the image."
        )
