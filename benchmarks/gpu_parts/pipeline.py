"""Part `pipeline`: training end to end from JPEG files, against its own steps in memory.

The images are synthetic JPEG files that are written first (`jpegs`); they are decoded into the
project's store, read from there in each epoch, copied, augmented on the device and trained on.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpu_parts import project
from gpu_parts.budget import Deadline
from gpu_parts.context import Context
from gpu_parts.jpegs import make_jpegs
from gpu_parts.measure import attempt, time_work
from gpu_parts.tables import Column, Result


def run(context: Context, deadline: Deadline, result: Result) -> None:
    """Rates end to end, and what each stage of a batch would allow by itself."""
    scale = context.scale
    table = result.table(
        f"Training end to end, {scale.pipeline_image_size} pixels, "
        f"batches of {scale.pipeline_batch}, images per second",
        Column("variant", "variant"),
        Column("precision", "precision"),
        Column("end_to_end", "end to end", ",.0f"),
        Column("in_memory", "steps in memory", ",.0f"),
        Column("ratio", "ratio", ".2f"),
        Column("first_epoch", "first epoch", ",.0f"),
        Column("first_loss", "first loss", ".3f"),
        Column("last_loss", "last loss", ".3f"),
    )
    table.notes.append(
        "end to end: median over the epochs after the first, without validation. The images are "
        f"{scale.images:,} synthetic JPEG files of {scale.image_shape[1]}x{scale.image_shape[0]}."
    )
    with tempfile.TemporaryDirectory() as name:
        before = os.environ.get(project.CACHE_VARIABLE)
        os.environ[project.CACHE_VARIABLE] = str(Path(name) / "cache")
        try:
            _in_folder(Path(name), context, deadline, result)
        finally:
            if before is None:
                del os.environ[project.CACHE_VARIABLE]
            else:
                os.environ[project.CACHE_VARIABLE] = before


def _in_folder(folder: Path, context: Context, deadline: Deadline, result: Result) -> None:
    scale = context.scale
    seconds, data = _timed(lambda: make_jpegs(folder / "data", scale.images, scale.image_shape))
    decode_s, prepared = _timed(lambda: project.prepare(data, scale.pipeline_image_size))
    result.records.append(
        {
            "images": prepared.count,
            "write_s": seconds,
            "decode_images_per_s": prepared.count / decode_s,
        }
    )
    longest = 0.0
    for variant in scale.pipeline_variants:
        if not deadline.allows(longest):
            result.skipped.append(f"{variant} end to end: no time left")
            continue
        took, measured = _timed(lambda v=variant: attempt(lambda: _row(v, data, context, deadline)))
        longest = max(longest, took)
        if measured.value is not None:
            result.tables[0].rows.append({"variant": variant, **measured.value})
        elif measured.is_error:
            result.failures.append(f"{variant} end to end: {measured.status}")
        else:
            result.skipped.append(f"{variant} end to end: {measured.status}")
    if deadline.allows():
        measured = attempt(
            lambda: _stages(prepared, prepared.count / decode_s, context, deadline, result)
        )
        if measured.status != "ok":
            result.failures.append(f"stages of a batch: {measured.status}")
    else:
        result.skipped.append("stages of a batch: no time left")


def _timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def _row(variant: str, data: Path, context: Context, deadline: Deadline) -> dict[str, Any]:
    scale = context.scale
    tiny = {key: value for key, value in scale.changes.items() if key in ("widths", "hidden")}
    measured = project.train_folder(
        data,
        variant,
        context.device,
        tiny,
        epochs=scale.pipeline_epochs,
        batch_size=scale.pipeline_batch,
        image_size=scale.pipeline_image_size,
    )
    rate = statistics.median(measured.epoch_rates[1:])
    in_memory = _steps_in_memory(measured, context, deadline)
    return {
        "precision": measured.precision,
        "end_to_end": rate,
        "in_memory": in_memory,
        "ratio": rate / in_memory,
        "first_epoch": measured.epoch_rates[0],
        "epoch_rates": list(measured.epoch_rates),
        "first_loss": measured.losses[0],
        "last_loss": measured.losses[-1],
    }


def _steps_in_memory(measured: project.EndToEnd, context: Context, deadline: Deadline) -> float:
    """Images per second of the same network's steps on a batch that lies on the device."""
    images = context.scale.pipeline_batch
    network = project.open_inference_model(
        measured.net, project.initial_weights(measured.net), context.device
    )
    batch = torch.randn(images, *measured.net.input_shape, device=context.device)
    project.feed(network, batch.contiguous(memory_format=torch.channels_last))
    trainer = project.make_trainer(network, measured.precision)
    labels = np.arange(images, dtype=np.int64) % measured.net.num_classes
    step = time_work(
        lambda: project.training_step(trainer, labels), context.device, context.scale, deadline
    )
    return images / step.median


def _stages(
    prepared: project.Prepared,
    decode_rate: float,
    context: Context,
    deadline: Deadline,
    result: Result,
) -> None:
    """What each stage of making a batch would allow if it were alone."""
    table = result.table(
        "Making a batch: images per second of each stage by itself",
        Column("stage", "stage"),
        Column("images_per_s", "images/s", ",.0f"),
        Column("ms", "ms a batch", ",.2f"),
    )
    scale, device = context.scale, context.device
    images = min(scale.pipeline_batch, prepared.count)
    net = project.build("half", **{**scale.changes, "image_size": scale.pipeline_image_size})
    network = project.open_inference_model(net, project.initial_weights(net), device)
    plan, number = prepared.plan(images), iter(range(10**9))
    read = prepared.read(0, images)
    stacked = torch.from_numpy(np.stack(read))
    stages: dict[str, Any] = {
        "read from the store into one array": lambda: np.stack(prepared.read(next(number), images)),
    }
    if device.type == "cuda":
        moved = stacked.to(device)
        stages["copy to the device"] = lambda: stacked.to(device)
        stages["augment on the device"] = lambda: project.augment(network, plan, moved)
    stages["make a batch of images that were read"] = lambda: project.make_batch(
        network, read, plan
    )
    stages["read and make a batch"] = lambda: project.make_batch(
        network, prepared.read(next(number), images), plan
    )
    table.rows.append({"stage": "decode JPEG files, once", "images_per_s": decode_rate})
    for stage, work in stages.items():
        seconds = time_work(work, device, scale, deadline).median
        row = {"stage": stage, "images_per_s": images / seconds, "ms": 1e3 * seconds}
        table.rows.append(row)
