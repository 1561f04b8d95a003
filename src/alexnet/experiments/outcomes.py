"""What a training of an experiment gives, and the training itself: made, gone on with, or known."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alexnet import data, loading
from alexnet.backends import Compute
from alexnet.diagnosis.measurements import read_measured
from alexnet.errors import DivergedError, UserError
from alexnet.experiments.plan import Training
from alexnet.history import Epoch, read_epochs
from alexnet.io.atomic import write_json
from alexnet.prediction.crops import probabilities
from alexnet.progress import Progress, no_progress
from alexnet.run import BEST, LAST, RUN_FILE, Run
from alexnet.training import Observer, resume, train
from alexnet.training.checkpoint import CHECKPOINT

RESULT = "result.json"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Figures of a training after its last epoch. Shares are of 1.

    They are of the last epoch and not of the best, which would be chosen by the validation
    images that it is judged on.
    """

    seed: int
    curve: tuple[Epoch, ...]
    train_top1: float | None = None
    """Of training images, as validation sees images."""
    ten_top1: float | None = None
    """Of validation images with ten crops, where they were wanted."""
    ten_top5: float | None = None
    diverged: str = ""
    """Why it came to no end, in words."""

    @property
    def top1(self) -> float:
        """Of validation images, with the center crop."""
        return self.curve[-1].val_top1

    @property
    def top5(self) -> float:
        """As `top1`, for the five most probable classes."""
        return self.curve[-1].val_top5


def known(training: Training) -> Trained | None:
    """What an earlier call found; None where the training has not come to its end."""
    path = training.folder / RESULT
    try:
        kept = json.loads(path.read_text("utf-8"))
        curve = () if kept["diverged"] else tuple(read_epochs(training.folder))
        trained = Trained(curve=curve, **kept)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} is damaged ({error}): remove the folder {training.folder}, and it is trained "
            "again"
        ) from error
    lacks_ten = training.needs_ten_crops and not trained.diverged and trained.ten_top1 is None
    return None if lacks_ten else trained


def carry_out(
    training: Training,
    source: str,
    *,
    compute: Compute,
    keep_weights: bool,
    observer: Observer,
    progress: Progress = no_progress,
) -> Trained:
    """Train, or go on where an earlier call stopped; then measure, and let the weights go.

    Raises:
        UserError, RunError, TrainingInterrupted: as `alexnet.training.train`; a loss that is not finite is
            a result too, and not an error.
    """
    watch: dict[str, Any] = {"observer": observer, "progress": progress}
    try:
        is_under_way = not (training.folder / RESULT).exists()
        if is_under_way and (training.folder / RUN_FILE).is_file():
            run = resume(training.folder, **watch).run
        else:
            # A run without its settings, which are written last, or measured for another plan.
            shutil.rmtree(training.folder, ignore_errors=True)
            run = train(
                source,
                variant=training.architecture,
                recipe=training.recipe,
                compute=compute,
                output_dir=training.folder,
                **watch,
            ).run
        trained = _measured(run, training, compute, progress)
    except DivergedError as error:
        trained = Trained(seed=training.seed, curve=(), diverged=str(error).partition(":")[0])
    kept = {name: value for name, value in asdict(trained).items() if name != "curve"}
    write_json(training.folder / RESULT, kept)
    if not keep_weights:
        for name in (BEST, LAST, CHECKPOINT):
            (training.folder / name).unlink(missing_ok=True)
    return trained


def _measured(run: Run, training: Training, compute: Compute, progress: Progress) -> Trained:
    at_end = read_measured(run.folder)
    ten = _ten_crops(run, compute, progress) if training.needs_ten_crops else (None, None)
    return Trained(
        seed=training.seed,
        curve=tuple(read_epochs(run.folder)),
        train_top1=at_end.sample_top1 if at_end else None,
        ten_top1=ten[0],
        ten_top5=ten[1],
    )


def _ten_crops(run: Run, compute: Compute, progress: Progress) -> tuple[float, float]:
    """Top-1 and top-5 of the validation images, mean over ten crops, after the last epoch."""
    from alexnet.evaluation.metrics import measure
    from alexnet.training.dataset import find_images, rows_of, samples_of

    found = find_images(run.data.source, run.recipe, Observer(), no_progress)
    store = data.open_store(
        samples_of(found), run.preprocessing.resize_px, compute.workers, progress
    )
    rows = rows_of(store, "val")
    model = loading.open_inference_model(run, compute, file=LAST)
    with progress("looking at ten crops", len(rows)) as steps:
        images = (store[int(row)] for row in rows)
        metrics = measure(
            probabilities(model, images, 10, steps=steps), store.labels[rows], run.classes
        )
    return metrics.top1, metrics.top5


def kept_bytes(trainings: Sequence[Training], keep_weights: bool) -> int:
    """Of disk that the trainings fill at most."""
    images_and_tables = 600_000
    weights = [4 * training.architecture.num_parameters for training in trainings]
    # Best, last and the checkpoint with the optimizer's values, while one is under way.
    under_way = 4 * max(weights, default=0)
    return images_and_tables * len(trainings) + under_way + 2 * sum(weights) * keep_weights


def folder_of(path: Path) -> Path:
    """The folder, made; the place is tried before hours of work go by.

    Raises:
        UserError: it is a file, or cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{path} cannot be used for results: {error.strerror}; choose another --output-dir"
        ) from error
    return path
