"""Estimate the cost of experiments before they start, from one timed training step."""

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alexnet import loading, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import with_min_steps
from alexnet.config.preprocessing import ColorStatistics, Preprocessing, resize_px_for
from alexnet.data.augmentation import training_plan
from alexnet.experiments.plan import Plan, Training
from alexnet.experiments.trainings import disk_bytes, load_outcome
from alexnet.progress import Progress, no_progress
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.text import format_bytes, format_duration, pluralize

_WARM_STEPS = 2
_TIMED_S = 1.0
_FORWARD_FRACTION = 1 / 3
"""Cost of a forward pass relative to a training step, which also computes two gradients."""
_OVERHEAD_S = 4.0
"""Time that each training spends on figures and its diagnosis."""
_TEN_CROPS = 10


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The estimated cost of the trainings that are still to run."""

    trainings: int
    finished: int
    """Trainings that an earlier call finished."""
    epochs: int
    images: int
    """Training images per epoch."""
    seconds: float
    disk_bytes: int

    def __str__(self) -> str:
        finished = f" ({self.finished} more already finished)" if self.finished else ""
        size = f"{pluralize(self.epochs, 'epoch')} of {pluralize(self.images, 'image')}"
        return (
            f"{pluralize(self.trainings, 'training')}{finished} of {size} each: about "
            f"{format_duration(self.seconds)} at this machine's current speed, "
            f"{format_bytes(self.disk_bytes)} of disk space"
        )


def estimate_cost(
    plan: Plan, compute: Compute, keep_weights: bool, progress: Progress = no_progress
) -> Cost:
    """Time a step of the common network and scale it by the operations of each training."""
    todo = [training for training in plan.trainings if load_outcome(training) is None]
    train, val = (len(plan.dataset.split(name)) for name in ("train", "val"))
    per_operation = 0.0
    if todo:
        with progress("timing a step", 0):
            per_operation = _seconds_per_operation(plan, compute)
    return Cost(
        trainings=len(todo),
        finished=len(plan.trainings) - len(todo),
        epochs=plan.epochs,
        images=train,
        seconds=sum(per_operation * _operations(one, train, val) + _OVERHEAD_S for one in todo),
        disk_bytes=disk_bytes(todo, keep_weights),
    )


def _operations(training: Training, train: int, val: int) -> float:
    epochs = with_min_steps(training.recipe, train).epochs
    evaluated = epochs * val + (_TEN_CROPS * val if training.needs_ten_crops else 0)
    return _macs(training.architecture) * (epochs * train + evaluated * _FORWARD_FRACTION)


def _macs(network: Architecture) -> float:
    return float(sum(step.macs for step in network.trace()))


def _seconds_per_operation(plan: Plan, compute: Compute) -> float:
    """Return the time of a training step divided by the forward MACs of its batch."""
    network, recipe = plan.network, plan.recipe
    size = resize_px_for(network.image_size)
    batch = min(recipe.batch_size, len(plan.dataset.split("train")))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            folder=Path(folder),
            architecture=network,
            recipe=replace(recipe, normalization="per_channel"),
            preprocessing=Preprocessing(
                resize_px=size,
                crop_px=network.image_size,
                channels="rgb" if network.in_channels == 3 else "gray",
                mean=(127.0,) * network.in_channels,
                std=(60.0,) * network.in_channels,
            ),
            classes=plan.dataset.classes,
            compute=compute,
        )
        trainer = loading.open_trainer(run, weights.initial(network, 0), compute)
    noise = np.random.default_rng(0)
    images = list(noise.integers(0, 256, (batch, size, size, 3), np.uint8))
    labels = np.arange(batch) % len(plan.dataset.classes)
    colors = ColorStatistics(mean=(127.0,) * 3, std=(60.0,) * 3, axes=((1.0, 0.0, 0.0),) * 3)
    crops = training_plan(
        recipe, run.preprocessing, colors, seed=0, epoch=0, samples=np.arange(batch)
    )
    for _ in range(_WARM_STEPS):
        trainer.step(images, labels, crops, lr=0.0, seed=0)
    # The fastest step is the machine's speed; other processes may slow the rest.
    fastest, first_start = math.inf, time.perf_counter()
    while time.perf_counter() - first_start < _TIMED_S:
        start = time.perf_counter()
        trainer.step(images, labels, crops, lr=0.0, seed=0)
        fastest = min(fastest, time.perf_counter() - start)
    return fastest / (batch * _macs(network))
