"""Train on images, or go on with a run that was stopped."""

import dataclasses
import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet import backends, data, loading
from alexnet.config.hyperparameters import Recipe, enough_epochs, recipe
from alexnet.data.augmentation import ColorStatistics
from alexnet.diagnosis.diagnosing import keep_diagnosis
from alexnet.diagnosis.measurements import counted, measured
from alexnet.errors import DivergedError, UserError
from alexnet.io.atomic import remove_partial, write_bytes
from alexnet.pretrained import fine_tuning
from alexnet.pretrained.published import open_pretrained
from alexnet.progress import Progress, no_progress
from alexnet.run import MEAN_IMAGE, RUN_FILE, TRAINED_ON, Run
from alexnet.spec.architectures import Architecture
from alexnet.text import printable
from alexnet.training import checkpoint
from alexnet.training.checkpoint import TrainingState
from alexnet.training.data_statistics import measure
from alexnet.training.dataset import (
    find_images,
    lasting,
    rows_of,
    samples_of,
    say_broken,
    split_images,
)
from alexnet.training.environment import Machine, described, machine_of
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
    machine: Machine = Machine(),  # noqa: B008
    output_dir: str | os.PathLike[str] | None = None,
    tensorboard: bool = False,
    offline: bool = False,
    observer: Observer | None = None,
    progress: Progress = no_progress,
) -> TrainingResult:
    """Train an AlexNet on images; the run's folder then holds everything.

    Args:
        source: what `alexnet.data.find` reads: a folder of classes, a CSV, an archive, `digits`.
        variant: the network, `half` or that of the pretrained weights if not given; the number
            of classes is that of the images.
        changes: fields of `Architecture` with their new values.
        output_dir: the run's folder; when not given, one named after the time under `runs/`.
        tensorboard: write the curves as TensorBoard events too.
        offline: download no pretrained weights; take them from the cache.
        observer: told of every step and epoch.
        progress: told of the work before the first step and after the last.

    Returns:
        The run, and how good its best epoch is on the validation images.

    Raises:
        UserError: the images, a setting or the output folder cannot be used.
        RunError: the loss is not finite, or the disk is full; the run can be resumed.
        TrainingInterrupted: by Ctrl-C; the run can be resumed.
    """
    observer = observer or Observer()
    changes, pretrained = dict(changes or {}), None
    recipe = fine_tuning.settled(recipe)
    # What can be wrong with the call is said before anything of the images is.
    if recipe.pretrained is None:
        network = chosen_architecture(variant or "half", recipe, changes)
    if output_dir is not None:
        require_free(Path(output_dir))
    backends.check_device(machine.device, machine.backend)
    found = data.find(source, progress=progress)
    if recipe.pretrained is not None:
        pretrained = open_pretrained(
            recipe.pretrained,
            variant=variant,
            changes=with_recipe(variant, recipe, changes),
            offline=offline,
            notice=observer.notice,
            progress=progress,
        )
        if pretrained.preprocessing is None:
            observer.notice(
                f"{printable(recipe.pretrained)} does not say how its images were normalized; "
                f"--normalization (now {recipe.normalization}) is used"
            )
        network = chosen_architecture(pretrained.architecture, recipe, {})
    network = with_classes(network, found, "num_classes" in changes)
    start = fine_tuning.start(network, pretrained, found.classes, recipe) if pretrained else None
    found = split_images(found, recipe, observer, progress)
    folder = new_folder(output_dir, found, network)
    resize_px = fine_tuning.resize_px(network, pretrained)
    store = data.open_store(samples_of(found), resize_px, machine.workers, progress)
    say_broken(store, observer)
    train_rows, val_rows = rows_of(store, "train"), rows_of(store, "val")
    recipe = enough_epochs(recipe, len(train_rows))
    statistics = measure(store, train_rows, progress)
    run = Run(
        folder=folder,
        architecture=network,
        recipe=recipe,
        preprocessing=preprocessing_for(
            network,
            recipe,
            statistics,
            resize_px,
            pretrained.preprocessing if pretrained else None,
        ),
        classes=found.classes,
        data={
            "source": lasting(source),
            "root": str(found.root.resolve()),
            "split_by": found.split_by,
            "key": store.path.parent.name,
            "train": len(train_rows),
            "val": len(val_rows),
        },
        machine={
            **dataclasses.asdict(machine),
            "tensorboard": tensorboard,
            **described(machine.backend),
        },
        colors=dataclasses.asdict(statistics.colors),
        pretrained=start.record if start else {},
    )
    # The settings come last: once they are there, the run can go on, without any other file.
    run.make_folder()
    if run.preprocessing.mean_image is not None:
        known = fine_tuning.mean_image(pretrained, resize_px) if pretrained else None
        _save_array(run.folder / MEAN_IMAGE, statistics.mean_image if known is None else known)
    _save_array(run.folder / TRAINED_ON, np.unique(store.contents[train_rows]))
    if start:
        checkpoint.save(folder, start.weights, TrainingState())
    run.save()
    del start, pretrained  # the weights are in the checkpoint
    draw_sample_batch(run, store, train_rows)
    return _run(run, store, machine, observer, progress)


def resume(
    folder: str | os.PathLike[str],
    *,
    backend: str | None = None,
    observer: Observer | None = None,
    progress: Progress = no_progress,
) -> TrainingResult:
    """Go on with a run that was stopped, as if it had never been.

    On the CPU of the same machine it ends with the same weights and metrics, bit for bit.

    Args:
        backend: when it is to go on in another one, with the same batches in the same order.

    Raises:
        UserError: not a run, a damaged checkpoint, or images that changed since.
        RunError: as `train`.
        TrainingInterrupted: as `train`.
    """
    observer = observer or Observer()
    if backend is not None:
        backends.check_backend(backend)
    run = Run.open(folder)
    machine = machine_of(run, backend)
    backends.check_device(machine.device, machine.backend)
    found = find_images(run.data["source"], run.recipe, observer, progress)
    store = data.open_store(
        samples_of(found), run.preprocessing.resize_px, machine.workers, progress
    )
    if found.classes != run.classes or store.path.parent.name != run.data["key"]:
        raise UserError(
            f"{run.data['source']} has changed since {run.folder} was started, so it cannot go on "
            f"as it began; put the images back, or train anew"
        )
    remove_partial(run.folder)
    if machine.backend != run.backend:
        run = _moved(run, machine)
    return _run(run, store, machine, observer, progress)


def _run(
    run: Run, store: data.Store, machine: Machine, observer: Observer, progress: Progress
) -> TrainingResult:
    """Train from the run's checkpoint, or from the start where there is none."""
    task = Task(
        folder=run.folder,
        recipe=run.recipe,
        images=store,
        train_rows=rows_of(store, "train"),
        val_rows=rows_of(store, "val"),
        colors=ColorStatistics(**run.colors),
    )
    if has_ended(run):
        require_whole(run)
        observer.notice(
            f"{run.folder} had ended already; to train anew for longer: "
            f"alexnet train --config {run.folder / RUN_FILE} --epochs {2 * run.recipe.epochs}"
        )
    else:
        _train(run, task, machine, observer)
    return conclude(
        run,
        store,
        task.val_rows,
        backend=machine.backend,
        device=machine.device,
        workers=machine.workers,
        progress=progress,
    )


def _train(run: Run, task: Task, machine: Machine, observer: Observer) -> None:
    trainer, state = _opened(run, machine)
    for line in forecast(run, len(task.train_rows), len(task.val_rows)):
        observer.notice(line)
    if (state.epoch or state.step) and state.epoch < task.recipe.epochs:
        after = f", after {state.step} of {task.steps} steps" if state.step else ""
        observer.notice(f"going on in epoch {state.epoch + 1}{after}")
    watchers = [observer, *([TensorBoard(run.folder)] if run.machine["tensorboard"] else [])]
    watcher = Observers(watchers)
    try:
        run_loop(task, trainer, state, watcher)
    except TrainingInterrupted:
        if state.epochs:
            draw_curves(run)
        raise
    except DivergedError as error:
        when = f"in epoch {state.epoch + 1}: {str(error).partition(':')[0]}"
        keep_diagnosis(
            run,
            replace(
                counted(task.images, task.train_rows, task.val_rows, len(run.classes)),
                diverged=when,
            ),
        )
        raise
    finally:
        watcher.finished()
    # Now, while the weights of the last epoch, of which the curves speak, are still there.
    measurements = measured(
        trainer.model,
        task.images,
        task.train_rows,
        task.val_rows,
        seed=run.recipe.seed,
        classes=len(run.classes),
        activation=run.architecture.activation,
    )
    keep_diagnosis(run, measurements)
    checkpoint.remove(run.folder)


def _opened(run: Run, machine: Machine) -> tuple[backends.Trainer, TrainingState]:
    """The trainer with the weights of the run's checkpoint, or those it starts with.

    A function of its own, so that the arrays are let go before the first step.
    """
    saved = checkpoint.load(run.folder)
    if saved is None and run.pretrained:
        raise UserError(
            f"{run.folder} has lost the checkpoint that holds the weights it started from; train "
            f"anew: alexnet train --config {run.folder / RUN_FILE}"
        )
    arrays, state = saved or (initial(run.architecture, run.recipe.seed), TrainingState())
    names = run.architecture.weight_shapes
    trainer = loading.open_trainer(
        run,
        {name: arrays[name] for name in arrays if name in names},
        backend=machine.backend,
        lr_factors=fine_tuning.lr_factors(run),
        device=machine.device,
        workers=machine.workers,
        threads=run.machine["threads"],
        compiled=machine.compile,
    )
    trainer.load_state({name: arrays[name] for name in arrays if name not in names})
    return trainer, state


def _moved(run: Run, machine: Machine) -> Run:
    """The run, which says from now on that it goes on elsewhere; and where it was until now."""
    earlier = [*run.machine.get("earlier_backends", []), run.backend]
    now = {**dataclasses.asdict(machine), **described(machine.backend)}
    moved = dataclasses.replace(run, machine={**run.machine, **now, "earlier_backends": earlier})
    moved.save()
    return moved


def _save_array(path: Path, values: NDArray[Any]) -> None:
    content = io.BytesIO()
    np.save(content, values)
    write_bytes(path, content.getvalue())
