"""The training loop over epochs and steps, the same for every backend.

The order of the samples, their augmentation and the dropout of a step are functions of
(seed, epoch, step), so training can resume at any step as if it had never been interrupted.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet import weights
from alexnet.backends import Trainer
from alexnet.config.hyperparameters import Recipe
from alexnet.config.preprocessing import ColorStatistics
from alexnet.data.augmentation import training_plan
from alexnet.data.rng import permutation, step_seed
from alexnet.evaluation.validation import ImageSource, validate
from alexnet.history import Epoch, Times, write_tables
from alexnet.run import BEST, LAST
from alexnet.text import pluralize
from alexnet.training import checkpoint
from alexnet.training.checkpoint import TrainingState
from alexnet.training.interrupt import StopRequest
from alexnet.training.observers import Observer
from alexnet.training.schedule import learning_rate

_MAX_SAVE_FRACTION = 0.05
"""At most this fraction of the time is spent on checkpoints, however short the epochs are."""
_SAVE_WITHIN_EPOCH_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """The recipe and the samples of a training; constant while it runs."""

    folder: Path
    recipe: Recipe
    images: ImageSource
    train_rows: NDArray[np.int64]
    val_rows: NDArray[np.int64]
    colors: ColorStatistics

    @property
    def steps(self) -> int:
        """Steps per epoch; the last one may have a smaller batch."""
        return math.ceil(len(self.train_rows) / self.recipe.batch_size)


class TrainingInterrupted(Exception):
    """Training was interrupted; it can be resumed from its checkpoint."""

    def __init__(self, folder: Path, state: TrainingState, signal_number: int) -> None:
        within = f"in epoch {state.epoch + 1}, after {pluralize(state.step, 'step')} of it"
        super().__init__(f"stopped {within if state.step else f'after epoch {state.epoch}'}")
        self.folder, self.signal_number = folder, signal_number


def run_loop(task: Task, trainer: Trainer, state: TrainingState, observer: Observer) -> None:
    """Train from `state` to the end of the recipe.

    The last weights are written at the end; until then they are in the checkpoint.

    Raises:
        TrainingInterrupted: by Ctrl-C or SIGTERM; the checkpoint is saved.
        RunError: the loss is not finite, or the disk is full.
    """
    saver = _Saver(task.folder, trainer)
    observer.started(
        epoch=state.epoch, step=state.step, epochs=task.recipe.epochs, steps=task.steps
    )
    with StopRequest() as stop:
        while state.epoch < task.recipe.epochs:
            for _ in _train_epoch(task, trainer, state, observer):
                _stop_if_requested(stop, saver, task, state)
                saver.save_if_due(state, _SAVE_WITHIN_EPOCH_SECONDS)
            _end_epoch(task, trainer, state, observer)
            # After the last epoch too: a script that trains many runs should stop as well.
            _stop_if_requested(stop, saver, task, state)
            saver.save_if_due(state, 0.0)
    weights.write(trainer.weights(), task.folder / LAST)


def _stop_if_requested(
    stop: StopRequest, saver: "_Saver", task: Task, state: TrainingState
) -> None:
    if stop.signal_number is not None:
        saver.save(state)
        raise TrainingInterrupted(task.folder, state, stop.signal_number)


class _Saver:
    """Saves checkpoints, no more often than their cost allows."""

    def __init__(self, folder: Path, trainer: Trainer) -> None:
        self._folder, self._trainer = folder, trainer
        self._cost_seconds, self._saved_at = 0.0, time.monotonic()

    def save_if_due(self, state: TrainingState, min_seconds: float) -> None:
        elapsed = time.monotonic() - self._saved_at
        if elapsed >= max(min_seconds, self._cost_seconds / _MAX_SAVE_FRACTION):
            self.save(state)

    def save(self, state: TrainingState) -> None:
        start = time.monotonic()
        arrays = {**self._trainer.weights(), **self._trainer.state()}
        checkpoint.save(self._folder, arrays, state)
        self._saved_at = time.monotonic()
        self._cost_seconds = self._saved_at - start


def _train_epoch(
    task: Task, trainer: Trainer, state: TrainingState, observer: Observer
) -> Iterator[None]:
    """Run the remaining steps of the current epoch, yielding after each."""
    recipe, epoch = task.recipe, state.epoch
    order = task.train_rows[permutation(recipe.seed, epoch, len(task.train_rows))]
    for step in range(state.step, task.steps):
        start = time.perf_counter()
        rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        plan = training_plan(
            recipe,
            trainer.model.preprocessing,
            task.colors,
            seed=recipe.seed,
            epoch=epoch,
            samples=rows,
        )
        loss, hits = trainer.step(
            task.images.read(rows),
            task.images.labels[rows],
            plan,
            lr=learning_rate(recipe, epoch + (step + 1) / task.steps, state.plateau),
            seed=step_seed(recipe.seed, epoch, step),
        )
        state.step = step + 1
        state.loss_sum += loss * len(rows)
        state.hits += hits
        state.seen += len(rows)
        state.seconds += time.perf_counter() - start
        observer.step(
            epoch=epoch,
            step=state.step,
            loss=state.loss_sum / state.seen,
            top1=state.hits / state.seen,
            images=len(rows),
        )
        yield


def _end_epoch(task: Task, trainer: Trainer, state: TrainingState, observer: Observer) -> None:
    """Validate, record the metrics, and save the weights if they are the best so far."""
    start = time.perf_counter()
    val_loss, top1, top5 = validate(trainer.model, task.images, task.val_rows)
    epoch = Epoch(
        epoch=state.epoch + 1,
        lr=learning_rate(task.recipe, state.epoch + 1, state.plateau),
        train_loss=state.loss_sum / state.seen,
        train_top1=state.hits / state.seen,
        val_loss=val_loss,
        val_top1=top1,
        val_top5=top5,
    )
    times = Times(
        epoch=epoch.epoch,
        train_seconds=state.seconds,
        val_seconds=time.perf_counter() - start,
        images_per_second=state.seen / max(state.seconds, 1e-9),
    )
    is_best = (top1, -val_loss) > (state.best_top1, -state.best_loss)
    if is_best:
        state.best_epoch, state.best_top1, state.best_loss = epoch.epoch, top1, val_loss
        weights.write(trainer.weights(), task.folder / BEST)
    state.epochs.append(epoch)
    state.times.append(times)
    state.plateau.update(1 - top1, task.recipe)
    state.end_epoch()
    write_tables(task.folder, state.epochs, state.times)
    observer.epoch(epoch, times, is_best=is_best)
