"""Carry experiments out: plan, say what it costs, train what is missing, judge, write it down."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from alexnet import data
from alexnet.backends import TORCH, Compute
from alexnet.config.hyperparameters import Recipe
from alexnet.data.sources import DIGITS
from alexnet.errors import UserError
from alexnet.experiments.claims import NETWORK, RECIPE, Experiment, chosen
from alexnet.experiments.cost import Cost, cost_of
from alexnet.experiments.files import write
from alexnet.experiments.outcomes import Trained, carry_out, folder_of, known
from alexnet.experiments.plan import Plan, Training, digest_of, pairs
from alexnet.experiments.verdicts import ArmResult, Finding, findings
from alexnet.io.atomic import write_json
from alexnet.progress import Progress, no_progress
from alexnet.spec.architectures import Architecture, architecture
from alexnet.training import Observer
from alexnet.training.dataset import find_images
from alexnet.training.observers import Observers
from alexnet.training.setup import chosen_architecture

RESULTS = Path("experiments")
"""Where results go that are given no place."""
SETTINGS = "experiments.json"

MOST_SEEDS = 100

_LOCK = ".lock"


class Watcher:
    """Does nothing at each event; a subclass shows what it wants."""

    def notice(self, text: str) -> None:
        """Something that a person should know, one line."""

    def cost(self, cost: Cost) -> None:
        """What is still to be trained, before the first of it."""

    def started(self, number: int, count: int, training: Training) -> Observer:
        """A training starts or goes on; what is returned is told of its steps and epochs.

        What a person should know of it comes to `notice`.
        """
        return Observer()

    def ended(self, training: Training, trained: Trained, seconds: float) -> None:
        """A training came to its end."""


class _Notices(Observer):
    """Hands on what is said of the images."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def notice(self, text: str) -> None:
        self._watcher.notice(text)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the trainings gave for one claim."""

    experiment: Experiment
    arms: tuple[ArmResult, ...]
    findings: tuple[Finding, ...]
    classes: int


@dataclass(frozen=True, kw_only=True)
class Results:
    """The results of a call, and the files that hold them."""

    plan: Plan
    results: tuple[Result, ...]
    page: Path
    """The page to open first."""


def experiment(
    name: str,
    source: str | os.PathLike[str],
    *,
    variant: str | Architecture | None = None,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe = RECIPE,
    seeds: int = 5,
    compute: Compute = Compute(),  # noqa: B008
    output_dir: str | os.PathLike[str] | None = None,
    keep_weights: bool = False,
    dry_run: bool = False,
    watcher: Watcher | None = None,
    progress: Progress = no_progress,
) -> Results | None:
    """Put a claim of the paper to the test on images.

    The same network is trained with and without what the claim is about, several times, each
    pair from the same seed: the same initial weights where shapes agree, the same images in
    the same order, varied in the same way. What an earlier call trained is not trained again.

    Args:
        name: a key of `EXPERIMENTS`, or `all`.
        source: what `alexnet.data.find` reads.
        variant: the common network; the paper's with half of its kernels at 64 pixels if not
            given.
        changes: fields of `Architecture` with their new values, for all arms.
        recipe: of all arms; its seed is the first one.
        seeds: trainings of each arm; an interval needs two, a useful one five.
        output_dir: where results go; `experiments/` and the name of the source if not given.
        keep_weights: of every training; else they go once it is measured.
        dry_run: say what it would cost, and stop.

    Returns:
        The results; None after a dry run.

    Raises:
        UserError: an experiment, a setting or images that cannot be used.
        RunError, TrainingInterrupted: as `alexnet.training.train`; the same call goes on from there.

    Example:
        `experiment("lrn", "digits", seeds=3).results[0].findings[0].verdict`
    """
    watcher = watcher or Watcher()
    compute = compute.with_backend()
    compute.check()
    plan = _plan(
        name, source, variant, changes or {}, recipe, seeds, compute, output_dir, watcher, progress
    )
    _require_ours(plan.folder)
    watcher.cost(cost_of(plan, compute, keep_weights, progress))
    if dry_run:
        return None
    _claim(plan, source)
    with _alone(plan.folder):
        trainings = plan.trainings
        for number, training in enumerate(trainings, start=1):
            if known(training) is not None:
                continue
            start = time.monotonic()
            trained = carry_out(
                training,
                os.fspath(source),
                compute=compute,
                keep_weights=keep_weights,
                observer=Observers(
                    [_Notices(watcher), watcher.started(number, len(trainings), training)]
                ),
                progress=progress,
            )
            watcher.ended(training, trained, time.monotonic() - start)
        results = tuple(_result(plan, one) for one in plan.experiments)
        return Results(plan=plan, results=results, page=write(plan, results))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else trains in the folder meanwhile: two would write into the same runs.

    Raises:
        UserError: somebody does already.
    """
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another experiment is under way in {folder}: wait until it ends, or choose another "
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
    watcher: Watcher,
    progress: Progress,
) -> Plan:
    experiments = chosen(name)
    if not 1 <= seeds <= MOST_SEEDS:
        raise UserError(f"seeds has to be from 1 to {MOST_SEEDS}, got {seeds}")
    if recipe.pretrained is not None:
        raise UserError("an experiment compares trainings from the start: give no --pretrained")
    if variant is None:
        sized = {"image_size": recipe.image_size} if recipe.image_size else {}
        network = architecture(NETWORK, **{**sized, **changes})
    else:
        network = chosen_architecture(variant, recipe, dict(changes))
    images = find_images(source, recipe, _Notices(watcher), progress)
    digests = data.fingerprints([sample.path for sample in images.samples], progress)
    folder = Path(output_dir) if output_dir is not None else RESULTS / _stem(images)
    plan = Plan(
        experiments=experiments,
        network=architecture(network, num_classes=len(images.classes)),
        recipe=recipe,
        images=images,
        digest=digest_of(images, digests),
        seeds=tuple(range(recipe.seed, recipe.seed + seeds)),
        backend=compute.backend or TORCH,
        precision=compute.precision,
        folder=folder,
    )
    plan.check()  # now, and not after hours
    return plan


def _stem(images: data.Dataset) -> str:
    return Path(images.source).stem or images.root.resolve().name


def _require_ours(folder: Path) -> None:
    """Raise `UserError` for a folder with files of somebody else, which results could replace."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SETTINGS).is_file():
        raise UserError(
            f"{folder} holds other files; choose another --output-dir, which may be new"
        )


def _claim(plan: Plan, source: str | os.PathLike[str]) -> None:
    """Make the folder of the results, and leave the settings in it; it is ours from then on."""
    folder = folder_of(plan.folder)
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


def _result(plan: Plan, one: Experiment) -> Result:
    arms = []
    for arm, trainings in pairs(plan, one):
        trained = [known(training) for training in trainings]
        arms.append(ArmResult(arm=arm, trained=tuple(one for one in trained if one is not None)))
    val = len(plan.images.split("val"))
    classes = len(plan.images.classes)
    found = findings(one, arms, classes, val)
    return Result(experiment=one, arms=tuple(arms), findings=tuple(found), classes=classes)
