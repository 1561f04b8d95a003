"""Run experiments: plan, estimate the cost, train what is missing, evaluate and write results."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from alexnet import data
from alexnet.backends import TORCH, Compute
from alexnet.config.hyperparameters import Recipe
from alexnet.data.sources import DIGITS
from alexnet.errors import UserError
from alexnet.experiments.claims import NETWORK, RECIPE, Experiment, select_experiments
from alexnet.experiments.cost import Cost, estimate_cost
from alexnet.experiments.files import write_results
from alexnet.experiments.plan import Plan, Training, dataset_digest, trainings_by_arm
from alexnet.experiments.results import (
    ArmResult,
    ExperimentResult,
    ExperimentResults,
    TrainingOutcome,
)
from alexnet.experiments.trainings import load_outcome, make_writable_folder, run_training
from alexnet.experiments.verdicts import compare_arms
from alexnet.io.atomic import write_json
from alexnet.progress import Progress, no_progress
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture
from alexnet.training import Observer
from alexnet.training.dataset import find_images
from alexnet.training.observers import Observers
from alexnet.training.setup import chosen_architecture

RESULTS = Path("experiments")
"""Default folder of results."""
SETTINGS = "experiments.json"

MAX_SEEDS = 100

_LOCK = ".lock"


class ExperimentObserver:
    """Base class for progress reports of experiments; its methods do nothing."""

    def notice(self, text: str) -> None:
        """Receive one line for the user."""

    def cost(self, cost: Cost) -> None:
        """Receive the estimated cost before the first training."""

    def started(self, number: int, count: int, training: Training) -> Observer:
        """Return an observer of the steps and epochs of a training that starts or resumes.

        Its notices go to `notice`.
        """
        return Observer()

    def finished(self, training: Training, outcome: TrainingOutcome, seconds: float) -> None:
        """Receive the outcome of a training."""


class _NoticeForwarder(Observer):
    """Forwards notices to the observer of the experiment."""

    def __init__(self, observer: ExperimentObserver) -> None:
        self._observer = observer

    def notice(self, text: str) -> None:
        self._observer.notice(text)


def run_experiment(
    name: str,
    source: str | os.PathLike[str],
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe = RECIPE,
    seeds: int = 5,
    compute: Compute = Compute(),
    output_dir: str | os.PathLike[str] | None = None,
    keep_weights: bool = False,
    dry_run: bool = False,
    observer: ExperimentObserver | None = None,
    progress: Progress = no_progress,
) -> ExperimentResults | None:
    """Test a claim of the paper on a dataset.

    Trains the arms of the claim's experiment with several seeds. The trainings of a pair share
    the seed: the same initial weights where shapes agree, the same images in the same order, the
    same augmentation. Trainings that an earlier call finished are not repeated.

    Args:
        name: a key of `EXPERIMENTS`, or `all`.
        source: a dataset that `alexnet.data.find` supports.
        variant: the common network; by default the paper's with half of its kernels at 64 pixels.
        changes: fields of `Architecture` to override in all arms.
        recipe: the common recipe; its seed is the first one.
        seeds: number of trainings per arm; a confidence interval requires two, better five.
        compute: the backend, device, precision and workers.
        output_dir: folder of the results; by default `experiments/` and the name of the source.
        keep_weights: keep the weights of every training instead of deleting them after evaluation.
        dry_run: report the estimated cost and return.
        observer: receives notices, the estimated cost and the progress of trainings.
        progress: reports the progress of other long operations.

    Returns:
        The results; None after a dry run.

    Raises:
        UserError: if the experiment, a setting or the dataset is invalid.
        RunError, TrainingInterrupted: as `alexnet.training.train`; the same call resumes.

    Example:
        `run_experiment("lrn", "digits", seeds=3).results[0].findings[0].verdict`
    """
    observer = observer or ExperimentObserver()
    compute = compute.with_backend()
    compute.check()
    plan = _plan(
        name, source, variant, changes or {}, recipe, seeds, compute, output_dir, observer, progress
    )
    _require_own_folder(plan.folder)
    observer.cost(estimate_cost(plan, compute, keep_weights, progress))
    if dry_run:
        return None
    _create_folder(plan, source)
    with _locked(plan.folder):
        trainings = plan.trainings
        for number, training in enumerate(trainings, start=1):
            if load_outcome(training) is not None:
                continue
            start = time.monotonic()
            outcome = run_training(
                training,
                os.fspath(source),
                compute=compute,
                keep_weights=keep_weights,
                observer=Observers(
                    [
                        _NoticeForwarder(observer),
                        observer.started(number, len(trainings), training),
                    ]
                ),
                progress=progress,
            )
            observer.finished(training, outcome, time.monotonic() - start)
        results = tuple(_result(plan, one) for one in plan.experiments)
        page = write_results(plan, results)
        return ExperimentResults(plan=plan, results=results, page=page)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder, so that no other process writes to the same runs.

    Raises:
        UserError: if another process holds the lock.
    """
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another experiment is running in {folder}; wait until it finishes or choose another "
            "--output-dir"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _plan(
    name: str,
    source: str | os.PathLike[str],
    variant: str | Architecture | None,
    changes: Mapping[str, Any],
    recipe: Recipe,
    seeds: int,
    compute: Compute,
    output_dir: str | os.PathLike[str] | None,
    observer: ExperimentObserver,
    progress: Progress,
) -> Plan:
    experiments = select_experiments(name)
    if not 1 <= seeds <= MAX_SEEDS:
        raise UserError(f"invalid value for seeds: expected 1 to {MAX_SEEDS}, got {seeds}")
    if recipe.pretrained is not None:
        raise UserError("experiments train from scratch; remove --pretrained")
    if variant is None:
        image_size = {"image_size": recipe.image_size} if recipe.image_size else {}
        network = architecture(NETWORK, **{**image_size, **changes})
    else:
        network = chosen_architecture(variant, recipe, dict(changes))
    dataset = find_images(source, recipe, _NoticeForwarder(observer), progress)
    digests = data.fingerprints([sample.path for sample in dataset.samples], progress)
    folder = Path(output_dir) if output_dir is not None else RESULTS / _stem(dataset)
    plan = Plan(
        experiments=experiments,
        network=architecture(network, num_classes=len(dataset.classes)),
        recipe=recipe,
        dataset=dataset,
        digest=dataset_digest(dataset, digests),
        seeds=tuple(range(recipe.seed, recipe.seed + seeds)),
        backend=compute.backend or TORCH,
        precision=compute.precision,
        folder=folder,
    )
    plan.check()
    return plan


def _stem(dataset: data.Dataset) -> str:
    return Path(dataset.source).stem or dataset.root.resolve().name


def _require_own_folder(folder: Path) -> None:
    """Raise `UserError` for a folder with other files, which results could overwrite."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SETTINGS).is_file():
        raise UserError(
            f"{folder} contains other files; choose a new or empty folder as --output-dir"
        )


def _create_folder(plan: Plan, source: str | os.PathLike[str]) -> None:
    """Create the folder of the results with the settings, which mark it as an experiment's."""
    folder = make_writable_folder(plan.folder)
    settings = {
        "data": DIGITS if source == DIGITS else os.path.abspath(source),  # noqa: PTH100
        "experiments": [one.name for one in plan.experiments],
        "seeds": list(plan.seeds),
        "backend": plan.backend,
        "precision": plan.precision,
        "architecture": plan.network.to_dict(),
        "recipe": plan.recipe.to_dict(),
    }
    write_json(folder / SETTINGS, settings)


def _result(plan: Plan, experiment: Experiment) -> ExperimentResult:
    arms = []
    for arm, trainings in trainings_by_arm(plan, experiment):
        outcomes = [load_outcome(training) for training in trainings]
        arms.append(ArmResult(arm=arm, outcomes=tuple(one for one in outcomes if one is not None)))
    val_count = len(plan.dataset.split("val"))
    num_classes = len(plan.dataset.classes)
    findings = compare_arms(experiment, arms, num_classes, val_count)
    return ExperimentResult(
        experiment=experiment,
        arms=tuple(arms),
        findings=tuple(findings),
        num_classes=num_classes,
    )
