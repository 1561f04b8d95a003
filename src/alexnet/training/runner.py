"""Train on images, or resume a run: settle the plan, prepare the data, run the loop."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet import backends, data, loading
from alexnet.backends import TORCH, Compute
from alexnet.config.hyperparameters import Recipe, enough_epochs, recipe
from alexnet.diagnosis.diagnosing import keep_diagnosis
from alexnet.diagnosis.measurements import counted, measured
from alexnet.errors import DivergedError, UserError
from alexnet.io.atomic import remove_partial, write_bytes
from alexnet.pretrained import fine_tuning
from alexnet.pretrained.published import Pretrained, open_pretrained
from alexnet.progress import Progress, no_progress
from alexnet.run import MEAN_IMAGE, RUN_FILE, TRAINED_ON, DataRecord, Run
from alexnet.spec.architectures import Architecture
from alexnet.text import printable
from alexnet.training import checkpoint
from alexnet.training.checkpoint import TrainingState
from alexnet.training.data_statistics import Statistics, measure
from alexnet.training.dataset import (
    find_images,
    lasting,
    rows_of,
    samples_of,
    say_broken,
    split_images,
)
from alexnet.training.environment import describe_environment, moved_run, resumed_compute
from alexnet.training.estimates import forecast
from alexnet.training.loop import Task, TrainingInterrupted, run_loop
from alexnet.training.observers import Observer, Observers
from alexnet.training.results import (
    TrainingResult,
    conclude,
    draw_curves,
    draw_sample_batch,
    has_ended,
    require_whole,
)
from alexnet.training.setup import (
    chosen_architecture,
    new_folder,
    preprocessing_for,
    require_free,
    with_classes,
    with_recipe,
)
from alexnet.training.tensorboard import TensorBoard
from alexnet.weights import initial


def train(
    source: str | os.PathLike[str],
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe = recipe("fast"),  # noqa: B008
    compute: Compute = Compute(),  # noqa: B008
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
    plan = _plan(source, variant, changes or {}, recipe, compute, output_dir)
    dataset = data.find(source, progress=progress)
    plan, start = _with_dataset(plan, dataset, offline, observer, progress)
    run, store = _prepare(plan, dataset, start, tensorboard, observer, progress)
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


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What was asked for, checked before anything of the dataset is read."""

    source: str | os.PathLike[str]
    variant: str | Architecture | None
    changes: Mapping[str, Any]
    recipe: Recipe
    compute: Compute
    output_dir: Path | None
    architecture: Architecture | None
    """None where it comes with the pretrained weights."""


def _plan(
    source: str | os.PathLike[str],
    variant: str | Architecture | None,
    changes: Mapping[str, Any],
    recipe: Recipe,
    compute: Compute,
    output_dir: str | os.PathLike[str] | None,
) -> _Plan:
    recipe = fine_tuning.settled(recipe)
    is_from_scratch = recipe.pretrained is None
    architecture = (
        chosen_architecture(variant or "half", recipe, dict(changes)) if is_from_scratch else None
    )
    if output_dir is not None:
        require_free(Path(output_dir))
    compute = compute.with_backend()
    compute.check()
    return _Plan(
        source=source,
        variant=variant,
        changes=dict(changes),
        recipe=recipe,
        compute=compute,
        output_dir=None if output_dir is None else Path(output_dir),
        architecture=architecture,
    )


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Where training starts: pretrained weights, if any."""

    pretrained: Pretrained | None = None
    fine_tuned: fine_tuning.Start | None = None


def _with_dataset(
    plan: _Plan,
    dataset: data.Dataset,
    offline: bool,
    observer: Observer,
    progress: Progress,
) -> tuple[_Plan, _Start]:
    """Settle the architecture for the classes, and load the pretrained weights."""
    pretrained, architecture = None, plan.architecture
    if architecture is None:
        pretrained = open_pretrained(
            str(plan.recipe.pretrained),
            variant=plan.variant,
            changes=with_recipe(plan.variant, plan.recipe, dict(plan.changes)),
            offline=offline,
            notice=observer.notice,
            progress=progress,
        )
        if pretrained.preprocessing is None:
            observer.notice(
                f"{printable(str(plan.recipe.pretrained))} does not state how its training images "
                f"were normalized; using --normalization {plan.recipe.normalization}"
            )
        architecture = chosen_architecture(pretrained.architecture, plan.recipe, {})
    architecture = with_classes(architecture, dataset, "num_classes" in plan.changes)
    start = (
        fine_tuning.start(architecture, pretrained, dataset.classes, plan.recipe)
        if pretrained
        else None
    )
    plan = replace(plan, architecture=architecture)
    return plan, _Start(pretrained=pretrained, fine_tuned=start)


def _prepare(
    plan: _Plan,
    dataset: data.Dataset,
    start: _Start,
    tensorboard: bool,
    observer: Observer,
    progress: Progress,
) -> tuple[Run, data.Store]:
    """Split and decode the images, and write the run's folder: all but the first step."""
    architecture = plan.architecture
    assert architecture is not None
    dataset = split_images(dataset, plan.recipe, observer, progress)
    folder = new_folder(plan.output_dir, dataset, architecture)
    resize_px = fine_tuning.resize_px(architecture, start.pretrained)
    store = data.open_store(samples_of(dataset), resize_px, plan.compute.workers, progress)
    say_broken(store, observer)
    train_rows, val_rows = rows_of(store, "train"), rows_of(store, "val")
    chosen = enough_epochs(plan.recipe, len(train_rows))
    statistics = measure(store, train_rows, progress)
    known = start.pretrained.preprocessing if start.pretrained else None
    run = Run(
        folder=folder,
        architecture=architecture,
        recipe=chosen,
        preprocessing=preprocessing_for(architecture, chosen, statistics, resize_px, known),
        classes=dataset.classes,
        data=DataRecord(
            source=lasting(plan.source),
            root=str(dataset.root.resolve()),
            split_by=dataset.split_by,
            key=store.path.parent.name,
            train=len(train_rows),
            val=len(val_rows),
        ),
        compute=plan.compute,
        environment=describe_environment(plan.compute.backend or TORCH),
        colors=statistics.colors,
        pretrained=start.fine_tuned.record if start.fine_tuned else None,
        tensorboard=tensorboard,
    )
    _write_folder(run, store, train_rows, statistics, start)
    draw_sample_batch(run, store, train_rows)
    return run, store


def _write_folder(
    run: Run,
    store: data.Store,
    train_rows: NDArray[np.int64],
    statistics: Statistics,
    start: _Start,
) -> None:
    """Write all that a resume needs; the settings last: once they are there, it can resume."""
    run.make_folder()
    if run.preprocessing.mean_image is not None:
        mean_image = statistics.mean_image
        if start.pretrained is not None:
            own = fine_tuning.mean_image(start.pretrained, run.preprocessing.resize_px)
            mean_image = mean_image if own is None else own
        _save_array(run.folder / MEAN_IMAGE, mean_image)
    _save_array(run.folder / TRAINED_ON, np.unique(store.contents[train_rows]))
    if start.fine_tuned:
        checkpoint.save(run.folder, start.fine_tuned.weights, TrainingState())
    run.save()


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
        keep_diagnosis(run, replace(counted(*samples, len(run.classes)), diverged=when))
        raise
    finally:
        all_observers.finished()
    # Now, while the weights of the last epoch, which the curves describe, are still in memory.
    measurements = measured(
        trainer.model,
        *samples,
        seed=run.recipe.seed,
        classes=len(run.classes),
        activation=run.architecture.activation,
    )
    keep_diagnosis(run, measurements)
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


def _save_array(path: Path, values: NDArray[Any]) -> None:
    content = io.BytesIO()
    np.save(content, values)
    write_bytes(path, content.getvalue())
