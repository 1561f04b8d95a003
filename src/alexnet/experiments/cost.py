"""What experiments will cost, said before they start: one step is timed, the rest is counted."""

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alexnet import loading, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import enough_epochs
from alexnet.config.preprocessing import ColorStatistics, Preprocessing, resize_px_for
from alexnet.data.augmentation import training_plan
from alexnet.experiments.outcomes import kept_bytes, known
from alexnet.experiments.plan import Plan, Training
from alexnet.progress import Progress, no_progress
from alexnet.run import Run
from alexnet.spec.architectures import Architecture
from alexnet.text import byte_text, counted, duration

_WARM_STEPS = 2
_TIMED_S = 1.0
_FORWARD_SHARE = 1 / 3
"""Of a step, which computes the gradients of values and of weights too."""
_AROUND_S = 4.0
"""Each training draws its images and judges itself."""
_TEN_CROPS = 10


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of what is still to be trained."""

    trainings: int
    already: int
    """Trainings that an earlier call carried out."""
    epochs: int
    images: int
    """For training, in each epoch."""
    seconds: float
    disk_bytes: int

    def __str__(self) -> str:
        done = f" ({self.already} more are there already)" if self.already else ""
        size = f"{counted(self.epochs, 'epoch')} of {counted(self.images, 'image')}"
        return (
            f"{counted(self.trainings, 'training')}{done} of {size} each: about "
            f"{duration(self.seconds)} at the speed that this machine has now, "
            f"{byte_text(self.disk_bytes)} of disk"
        )


def cost_of(
    plan: Plan, compute: Compute, keep_weights: bool, progress: Progress = no_progress
) -> Cost:
    """Time a step of the common network here, and count the operations of the others by it."""
    todo = [training for training in plan.trainings if known(training) is None]
    train, val = (len(plan.images.split(name)) for name in ("train", "val"))
    per_operation = 0.0
    if todo:
        with progress("timing a step", 0):
            per_operation = _seconds_per_operation(plan, compute)
    return Cost(
        trainings=len(todo),
        already=len(plan.trainings) - len(todo),
        epochs=plan.epochs,
        images=train,
        seconds=sum(per_operation * _operations(one, train, val) + _AROUND_S for one in todo),
        disk_bytes=kept_bytes(todo, keep_weights),
    )


def _operations(training: Training, train: int, val: int) -> float:
    epochs = enough_epochs(training.recipe, train).epochs
    looks = epochs * val + (_TEN_CROPS * val if training.needs_ten_crops else 0)
    return _per_image(training.architecture) * (epochs * train + looks * _FORWARD_SHARE)


def _per_image(network: Architecture) -> float:
    return float(sum(step.macs for step in network.trace()))


def _seconds_per_operation(plan: Plan, compute: Compute) -> float:
    """Of a step, by the MACs of its images on their way through the network."""
    network, recipe = plan.network, plan.recipe
    size = resize_px_for(network.image_size)
    batch = min(recipe.batch_size, len(plan.images.split("train")))
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
            classes=plan.images.classes,
            compute=compute,
        )
        trainer = loading.open_trainer(run, weights.initial(network, 0), compute)
    noise = np.random.default_rng(0)
    squares = list(noise.integers(0, 256, (batch, size, size, 3), np.uint8))
    labels = np.arange(batch) % len(plan.images.classes)
    colors = ColorStatistics(mean=(127.0,) * 3, std=(60.0,) * 3, axes=((1.0, 0.0, 0.0),) * 3)
    crops = training_plan(
        recipe, run.preprocessing, colors, seed=0, epoch=0, samples=np.arange(batch)
    )
    for _ in range(_WARM_STEPS):
        trainer.step(squares, labels, crops, lr=0.0, seed=0)
    # The fastest says what the machine can do; what else it does now may be over soon.
    fastest, begin = math.inf, time.perf_counter()
    while time.perf_counter() - begin < _TIMED_S:
        start = time.perf_counter()
        trainer.step(squares, labels, crops, lr=0.0, seed=0)
        fastest = min(fastest, time.perf_counter() - start)
    return fastest / (batch * _per_image(network))
