"""Train on images, or resume a run: settle the plan, prepare the data, run the loop."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alexnet import backends, data, loading
from alexnet.backends import Compute
from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.diagnosis.diagnosing import save_diagnosis
from alexnet.diagnosis.measurements import count_samples, measure_network
from alexnet.errors import DivergedError, UserError
from alexnet.io.atomic import remove_partial
from alexnet.pretrained import fine_tuning
from alexnet.progress import Progress, no_progress
from alexnet.run import RUN_FILE, Run
from alexnet.spec.architectures import Architecture
from alexnet.training import checkpoint
from alexnet.training.checkpoint import TrainingState
from alexnet.training.dataset import (
    find_images,
    rows_of,
    samples_of,
)
from alexnet.training.environment import moved_run, resumed_compute
from alexnet.training.estimates import forecast
from alexnet.training.loop import Task, TrainingInterrupted, run_loop
from alexnet.training.observers import Observer, Observers
from alexnet.training.preparation import add_dataset, make_plan, prepare
from alexnet.training.results import (
    TrainingResult,
    conclude,
    draw_curves,
    has_ended,
    require_whole,
)
from alexnet.training.tensorboard import TensorBoard
from alexnet.weights import initial


def train(
    source: str | os.PathLike[str],
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe = recipe("fast"),
    compute: Compute = Compute(),
    output_dir: str | os.PathLike[str] | None = None,
    tensorboard: bool = False,
    offline: bool = False,
    observer: Observer | None = None,
    progress: Progress = no_progress,
) -> TrainingResult:
    """Train an AlexNet on images and write everything about it into a run's folder.

    Args:
        source: a dataset, as `alexnet.data.find` reads it: a folder with a folder per class, a
            CSV table, an archive, or `digits`.
        variant: the network; by default `half`, or that of the pretrained weights. The number of
            classes is that of the dataset.
        changes: fields of `Architecture` with their new values.
        recipe: the hyperparameters; see `alexnet.recipe`.
        compute: the backend, device, precision and workers.
        output_dir: the run's folder; by default a new one under `runs/`.
        tensorboard: also write TensorBoard events.
        offline: do not download pretrained weights; use those in the cache.
        observer: called at every step and epoch.
        progress: reports the work before the first step and after the last.

    Returns:
        The run, the metrics of its best epoch on the validation set, and a diagnosis.

    Raises:
        UserError: the dataset, a setting or the output folder cannot be used.
        RunError: the loss is not finite, or the disk is full; the run can be resumed.
        TrainingInterrupted: by Ctrl-C or SIGTERM; the run can be resumed.

    Example:
        `train("flowers", recipe=alexnet.recipe(epochs=10)).metrics.top1`
    """
    observer = observer or Observer()
    plan = make_plan(source, variant, changes or {}, recipe, compute, output_dir)
    dataset = data.find(source, progress=progress)
    plan, start = add_dataset(plan, dataset, offline, observer, progress)
    run, store = prepare(plan, dataset, start, tensorboard, observer, progress)
    return _run(run, store, observer, progress)


def resume(
    folder: str | os.PathLike[str],
    *,
    compute: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    progress: Progress = no_progress,
) -> TrainingResult:
    """Resume a run that was interrupted, as if it had never been.

    On the CPU of the same machine it ends with the same weights and metrics, bit for bit.

    Args:
        folder: the run's folder.
        compute: fields of `Compute` to change, such as `{"device": "cuda"}`; a run can continue
            in another backend, with the same batches in the same order.

    Raises:
        UserError: not a run, a damaged checkpoint, or a dataset that changed since.
        RunError, TrainingInterrupted: as `train`.
    """
    observer = observer or Observer()
    run = Run.open(folder)
    chosen = resumed_compute(run, compute or {})
    chosen.check()
    dataset = find_images(run.data.source, run.recipe, observer, progress)
    store = data.open_store(
        samples_of(dataset), run.preprocessing.resize_px, chosen.workers, progress
    )
    if dataset.classes != run.classes or store.path.parent.name != run.data.key:
        raise UserError(
            f"cannot resume {run.folder}: the dataset {run.data.source} has changed since this "
            "run started; restore it or start a new run"
        )
    remove_partial(run.folder)
    if chosen != run.compute:
        run = moved_run(run, chosen)
    return _run(run, store, observer, progress)


def _run(run: Run, store: data.Store, observer: Observer, progress: Progress) -> TrainingResult:
    """Train from the run's checkpoint, or from the start where there is none."""
    assert run.colors is not None
    task = Task(
        folder=run.folder,
        recipe=run.recipe,
        images=store,
        train_rows=rows_of(store, "train"),
        val_rows=rows_of(store, "val"),
        colors=run.colors,
    )
    if has_ended(run):
        require_whole(run)
        observer.notice(
            f"{run.folder} has already finished; start a new run to train longer: "
            f"alexnet train --config {run.folder / RUN_FILE} --epochs {2 * run.recipe.epochs}"
        )
    else:
        _train(run, task, observer)
    return conclude(run, store, task.val_rows, progress)


def _train(run: Run, task: Task, observer: Observer) -> None:
    trainer, state = _opened(run)
    for line in forecast(run, len(task.train_rows), len(task.val_rows)):
        observer.notice(line)
    if (state.epoch or state.step) and state.epoch < task.recipe.epochs:
        after = f", after {state.step} of {task.steps} steps" if state.step else ""
        observer.notice(f"resuming in epoch {state.epoch + 1}{after}")
    all_observers = Observers([observer, *([TensorBoard(run.folder)] if run.tensorboard else [])])
    samples = (task.images, task.train_rows, task.val_rows)
    try:
        run_loop(task, trainer, state, all_observers)
    except TrainingInterrupted:
        if state.epochs:
            draw_curves(run)
        raise
    except DivergedError as error:
        when = f"in epoch {state.epoch + 1}: {str(error).partition(':')[0]}"
        save_diagnosis(run, replace(count_samples(*samples, len(run.classes)), diverged=when))
        raise
    finally:
        all_observers.finished()
    # Now, while the weights of the last epoch, which the curves describe, are still in memory.
    measurements = measure_network(
        trainer.model,
        *samples,
        seed=run.recipe.seed,
        num_classes=len(run.classes),
        activation=run.architecture.activation,
    )
    save_diagnosis(run, measurements)
    checkpoint.remove(run.folder)


def _opened(run: Run) -> tuple[backends.Trainer, TrainingState]:
    """Build the trainer from the run's checkpoint, or from the initial weights.

    A function of its own, so that the arrays are freed before the first step.
    """
    saved = checkpoint.load(run.folder)
    if saved is None and run.pretrained:
        raise UserError(
            f"cannot resume {run.folder}: the checkpoint with its pretrained weights is missing; "
            f"start a new run: alexnet train --config {run.folder / RUN_FILE}"
        )
    arrays, state = saved or (initial(run.architecture, run.recipe.seed), TrainingState())
    names = run.architecture.weight_shapes
    trainer = loading.open_trainer(
        run,
        {name: arrays[name] for name in arrays if name in names},
        run.compute,
        lr_factors=fine_tuning.lr_factors(run),
        threads=run.environment.threads,
    )
    trainer.load_state({name: arrays[name] for name in arrays if name not in names})
    return trainer, state
