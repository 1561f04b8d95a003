"""Plan a training and prepare its run: everything before the first step."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alexnet import data
from alexnet.backends import TORCH, Compute
from alexnet.config.hyperparameters import Recipe, with_min_steps
from alexnet.io.atomic import write_bytes
from alexnet.pretrained import fine_tuning
from alexnet.pretrained.published import Pretrained, load_pretrained
from alexnet.progress import Progress
from alexnet.run import MEAN_IMAGE, TRAINED_ON, DataRecord, Run
from alexnet.spec.architectures import Architecture
from alexnet.text import printable
from alexnet.training import checkpoint
from alexnet.training.checkpoint import TrainingState
from alexnet.training.data_statistics import Statistics, measure
from alexnet.training.dataset import (
    lasting,
    report_unreadable,
    rows_of,
    samples_of,
    split_images,
)
from alexnet.training.environment import describe_environment
from alexnet.training.observers import Observer
from alexnet.training.results import (
    draw_sample_batch,
)
from alexnet.training.setup import (
    chosen_architecture,
    new_folder,
    preprocessing_for,
    require_free,
    with_classes,
    with_recipe,
)


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """The arguments of `train`, checked before anything of the dataset is read."""

    source: str | os.PathLike[str]
    variant: str | Architecture | None
    changes: Mapping[str, Any]
    recipe: Recipe
    compute: Compute
    output_dir: Path | None
    architecture: Architecture | None
    """None where it comes with the pretrained weights."""


def make_plan(
    source: str | os.PathLike[str],
    variant: str | Architecture | None,
    changes: Mapping[str, Any],
    recipe: Recipe,
    compute: Compute,
    output_dir: str | os.PathLike[str] | None,
) -> TrainingPlan:
    """Check a call of `train` before anything of the dataset is read."""
    recipe = fine_tuning.resolve_source(recipe)
    is_from_scratch = recipe.pretrained is None
    architecture = (
        chosen_architecture(variant or "half", recipe, dict(changes)) if is_from_scratch else None
    )
    if output_dir is not None:
        require_free(Path(output_dir))
    compute = compute.with_backend()
    compute.check()
    return TrainingPlan(
        source=source,
        variant=variant,
        changes=dict(changes),
        recipe=recipe,
        compute=compute,
        output_dir=None if output_dir is None else Path(output_dir),
        architecture=architecture,
    )


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where training starts: pretrained weights, if any."""

    pretrained: Pretrained | None = None
    fine_tuned: fine_tuning.InitialWeights | None = None


def add_dataset(
    plan: TrainingPlan,
    dataset: data.Dataset,
    offline: bool,
    observer: Observer,
    progress: Progress,
) -> tuple[TrainingPlan, Start]:
    """Settle the architecture for the classes, and load the pretrained weights."""
    pretrained, architecture = None, plan.architecture
    if architecture is None:
        pretrained = load_pretrained(
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
        fine_tuning.initial_weights(architecture, pretrained, dataset.classes, plan.recipe)
        if pretrained
        else None
    )
    plan = replace(plan, architecture=architecture)
    return plan, Start(pretrained=pretrained, fine_tuned=start)


def prepare(
    plan: TrainingPlan,
    dataset: data.Dataset,
    start: Start,
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
    report_unreadable(store, observer)
    train_rows, val_rows = rows_of(store, "train"), rows_of(store, "val")
    chosen = with_min_steps(plan.recipe, len(train_rows))
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
    start: Start,
) -> None:
    """Write all that a resume needs; the settings last: once they are there, it can resume."""
    run.make_folder()
    if run.preprocessing.mean_image is not None:
        mean_image = statistics.mean_image
        if start.pretrained is not None:
            own = fine_tuning.mean_image(start.pretrained, run.preprocessing.resize_px)
            mean_image = mean_image if own is None else own
        _save_array(run.folder / MEAN_IMAGE, mean_image)
    _save_array(run.folder / TRAINED_ON, np.unique(store.content_ids[train_rows]))
    if start.fine_tuned:
        checkpoint.save(run.folder, start.fine_tuned.weights, TrainingState())
    run.save()


def _save_array(path: Path, values: NDArray[Any]) -> None:
    content = io.BytesIO()
    np.save(content, values)
    write_bytes(path, content.getvalue())
