"""The result of a training: final metrics, plots and the state of the run's folder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alexnet import loading, plots
from alexnet.data import Store
from alexnet.data.augmentation import apply, training_plan
from alexnet.data.rng import permutation
from alexnet.diagnosis.diagnosing import Diagnosis, diagnose
from alexnet.errors import UserError
from alexnet.evaluation.metrics import Metrics, measure
from alexnet.history import best, read_epochs, rows
from alexnet.prediction.crops import probabilities
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST, LAST, RUN_FILE, Run
from alexnet.training.checkpoint import CHECKPOINT

CURVES = "curves.png"
CONFUSION = "confusion.png"
SAMPLE_BATCH = "batch.png"

_SHOWN = 32


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """The metrics of a run's best epoch on the validation set, and the diagnosis."""

    run: Run
    best_epoch: int
    metrics: Metrics
    diagnosis: Diagnosis
    """What the learning curves show (overfitting, a learning rate too high, …) and what to try."""


def require_whole(run: Run) -> None:
    """Check that the weights of a finished run are complete.

    Raises:
        UserError: the last or the best weights are missing or damaged.
    """
    try:
        for file in (LAST, BEST):
            run.weights(file)
    except UserError as error:
        raise UserError(
            f"{error}; the run has already finished and cannot be resumed; to train again: "
            f"alexnet train --config {run.folder / RUN_FILE}"
        ) from error


def has_ended(run: Run) -> bool:
    """Return whether a run has finished, even if some of its files were removed since."""
    return not (run.folder / CHECKPOINT).exists() and any(
        (run.folder / name).exists() for name in (LAST, CONFUSION)
    )


def draw_sample_batch(run: Run, store: Store, train_rows: NDArray[np.int64]) -> None:
    """Plot the first training images as the network will see them, batch.png."""
    order = train_rows[permutation(run.recipe.seed, 0, len(train_rows))][:_SHOWN]
    assert run.colors is not None
    plan = training_plan(
        run.recipe,
        run.preprocessing,
        run.colors,
        seed=run.recipe.seed,
        epoch=0,
        samples=order,
    )
    size, channels = run.preprocessing.crop_px, run.architecture.in_channels
    values = apply(
        plan,
        store.read(order),
        run.preprocessing,
        out=np.empty((len(order), size, size, channels), np.float32),
        mean_image=run.mean_image(),
    )
    drawn = plots.plot_sample_batch(values, run.preprocessing, store.labels[order], run.classes)
    plots.save_figure(drawn, run.folder / SAMPLE_BATCH)


def draw_curves(run: Run) -> None:
    """Plot the learning curves, curves.png."""
    epochs = read_epochs(run.folder)
    plots.save_figure(
        plots.plot_learning_curves(rows(epochs), run.folder.name), run.folder / CURVES
    )


def conclude(
    run: Run,
    store: Store,
    val_rows: NDArray[np.int64],
    progress: Progress = no_progress,
) -> TrainingResult:
    """Evaluate the best weights on the validation set; plot curves.png and confusion.png."""
    draw_curves(run)
    model = loading.open_inference_model(run, run.compute)
    with progress("evaluating the best epoch", len(val_rows)) as steps:
        images = (store[int(row)] for row in val_rows)
        predicted = probabilities(model, images, steps=steps)
    metrics = measure(predicted, store.labels[val_rows], run.classes)
    title = f"{run.folder.name}: {metrics.top1:.1%} of {metrics.count:,} correct"
    matrix = plots.plot_confusion_matrix(metrics.confusion, run.classes, title)
    plots.save_figure(matrix, run.folder / CONFUSION)
    return TrainingResult(
        run=run,
        best_epoch=best(read_epochs(run.folder)).epoch,
        metrics=metrics,
        diagnosis=diagnose(run),
    )
