"""Run, resume and evaluate the trainings of experiments, and load the outcomes of earlier calls."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alexnet import data, loading
from alexnet.backends import Compute
from alexnet.diagnosis.measurements import read_measurements
from alexnet.errors import DivergedError, UserError
from alexnet.experiments.plan import Training
from alexnet.experiments.results import TrainingOutcome
from alexnet.history import read_epochs
from alexnet.io.atomic import write_json
from alexnet.prediction.crops import probabilities
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST, LAST, RUN_FILE, Run
from alexnet.training import Observer, resume, train
from alexnet.training.checkpoint import CHECKPOINT

OUTCOME = "outcome.json"


def load_outcome(training: Training) -> TrainingOutcome | None:
    """Load the outcome of a training; None if it has not finished."""
    path = training.folder / OUTCOME
    try:
        fields = json.loads(path.read_text("utf-8"))
        curve = () if fields["diverged"] else tuple(read_epochs(training.folder))
        outcome = TrainingOutcome(curve=curve, **fields)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} is corrupt ({error}); remove the folder {training.folder} to train again"
        ) from error
    has_ten_crops = outcome.diverged or outcome.ten_crop_top1 is not None
    return None if training.needs_ten_crops and not has_ten_crops else outcome


def run_training(
    training: Training,
    source: str,
    *,
    compute: Compute,
    keep_weights: bool,
    observer: Observer,
    progress: Progress = no_progress,
) -> TrainingOutcome:
    """Train, or resume an earlier call; then evaluate, and delete the weights unless kept.

    Raises:
        UserError, RunError, TrainingInterrupted: as `alexnet.training.train`; a loss that is not
            finite is an outcome and not an error.
    """
    reporting: dict[str, Any] = {"observer": observer, "progress": progress}
    try:
        is_unfinished = not (training.folder / OUTCOME).exists()
        if is_unfinished and (training.folder / RUN_FILE).is_file():
            run = resume(training.folder, **reporting).run
        else:
            # A run without settings, which are written last, or finished without ten crops.
            shutil.rmtree(training.folder, ignore_errors=True)
            run = train(
                source,
                variant=training.architecture,
                recipe=training.recipe,
                compute=compute,
                output_dir=training.folder,
                **reporting,
            ).run
        outcome = _evaluate(run, training, compute, progress)
    except DivergedError as error:
        reason = str(error).partition(":")[0]
        outcome = TrainingOutcome(seed=training.seed, curve=(), diverged=reason)
    fields = {name: value for name, value in asdict(outcome).items() if name != "curve"}
    write_json(training.folder / OUTCOME, fields)
    if not keep_weights:
        for name in (BEST, LAST, CHECKPOINT):
            (training.folder / name).unlink(missing_ok=True)
    return outcome


def _evaluate(
    run: Run, training: Training, compute: Compute, progress: Progress
) -> TrainingOutcome:
    measurements = read_measurements(run.folder)
    top1, top5 = _ten_crops(run, compute, progress) if training.needs_ten_crops else (None, None)
    return TrainingOutcome(
        seed=training.seed,
        curve=tuple(read_epochs(run.folder)),
        train_top1=measurements.sample_top1 if measurements else None,
        ten_crop_top1=top1,
        ten_crop_top5=top5,
    )


def _ten_crops(run: Run, compute: Compute, progress: Progress) -> tuple[float, float]:
    """Return top-1 and top-5 accuracy on the validation set with ten crops after the last epoch."""
    from alexnet.evaluation.metrics import measure
    from alexnet.training.dataset import find_images, rows_of, samples_of

    dataset = find_images(run.data.source, run.recipe, Observer(), no_progress)
    store = data.open_store(
        samples_of(dataset), run.preprocessing.resize_px, compute.workers, progress
    )
    rows = rows_of(store, "val")
    model = loading.open_inference_model(run, compute, file=LAST)
    with progress("evaluating ten crops", len(rows)) as steps:
        images = (store[int(row)] for row in rows)
        metrics = measure(
            probabilities(model, images, 10, steps=steps), store.labels[rows], run.classes
        )
    return metrics.top1, metrics.top5


def disk_bytes(trainings: Sequence[Training], keep_weights: bool) -> int:
    """Return an upper bound of the disk space of the trainings."""
    figures_and_tables = 600_000
    weights = [4 * training.architecture.num_parameters for training in trainings]
    # The running training has best, last and a checkpoint with the optimizer state.
    running = 4 * max(weights, default=0)
    return figures_and_tables * len(trainings) + running + 2 * sum(weights) * keep_weights


def make_writable_folder(path: Path) -> Path:
    """Create a folder and check that it is writable, before hours of training.

    Raises:
        UserError: if the folder cannot be created or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"cannot write results to {path}: {error.strerror}; choose another --output-dir"
        ) from error
    return path
