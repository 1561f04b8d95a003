"""Plan the trainings that experiments need, each with its own folder."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from alexnet import data
from alexnet.config.hyperparameters import Recipe, with_min_steps
from alexnet.errors import UserError
from alexnet.experiments.claims import ALL, Arm, Experiment, select_experiments
from alexnet.spec.architectures import Architecture

RUNS = "runs"
BASELINE = "baseline"

_KEY_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training: an arm with a seed, possibly shared by several experiments."""

    label: str
    """Name of the arm for people."""
    seed: int
    architecture: Architecture
    recipe: Recipe
    folder: Path
    needs_ten_crops: bool
    """Whether to evaluate it with ten crops too."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Experiments on a dataset: the common network and recipe, and the seeds.

    The name of a training's folder contains a hash of everything that the training depends on, so
    that experiments share trainings, and a training with other settings is never reused.
    """

    experiments: tuple[Experiment, ...]
    network: Architecture
    recipe: Recipe
    dataset: data.Dataset
    digest: str
    """Digest of the contents, classes and splits of the images."""
    seeds: tuple[int, ...]
    backend: str
    precision: str
    folder: Path

    @property
    def trainings(self) -> list[Training]:
        """Return each training once, ordered by seed, so that pairs are complete early."""
        trainings: dict[Path, Training] = {}
        for seed in self.seeds:
            for experiment in self.experiments:
                for arm in experiment.arms:
                    training = self.training(arm, seed)
                    trainings.setdefault(training.folder, training)
        return list(trainings.values())

    def training(self, arm: Arm, seed: int) -> Training:
        """Return the training of an arm with a seed."""
        network, recipe = arm.settings(self.network, self.recipe)
        key = self._key(network, recipe)
        label = self._labels.get(key, arm.name)
        name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
        return Training(
            label=label,
            seed=seed,
            architecture=network,
            recipe=replace(recipe, seed=seed),
            folder=self.folder / RUNS / f"{name}-{key}-seed{seed}",
            needs_ten_crops=key == self._key(self.network, self.recipe),
        )

    def check(self) -> None:
        """Check that the arms of every experiment are valid and different.

        Raises:
            UserError: if a network is invalid or two arms of an experiment are identical.
        """
        for experiment in self.experiments:
            names: dict[tuple[Path, int], str] = {}
            for arm in experiment.arms:
                key = (self.training(arm, self.seeds[0]).folder, arm.crops)
                if key in names:
                    raise UserError(
                        f"experiment {experiment.name}: the arms {names[key]!r} and {arm.name!r} "
                        f"are identical with these settings; change {experiment.changed}"
                    )
                names[key] = arm.name

    @property
    def epochs(self) -> int:
        """Return the number of epochs of each training."""
        return with_min_steps(self.recipe, len(self.dataset.split("train"))).epochs

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Return the label of each training, independent of the selected experiments."""
        labels = {self._key(self.network, self.recipe): BASELINE}
        for experiment in select_experiments(ALL):
            for arm in experiment.arms:
                key = self._key(*arm.settings(self.network, self.recipe))
                labels.setdefault(key, f"{experiment.name}, {arm.name}")
        return labels

    def _key(self, network: Architecture, recipe: Recipe) -> str:
        settings = [
            *(_without(network, "variant"), _without(recipe, "name", "seed")),
            *(self.digest, self.backend, self.precision),
        ]
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def dataset_digest(dataset: data.Dataset, digests: Sequence[bytes | None]) -> str:
    """Return a digest of the images' contents, classes and splits, independent of their paths."""
    rows = sorted(
        (digest or b"", sample.label, sample.split)
        for digest, sample in zip(digests, dataset.samples, strict=True)
    )
    hasher = hashlib.sha256(json.dumps(dataset.classes).encode())
    for digest, label, split in rows:
        hasher.update(digest + f"{label} {split}\n".encode())
    return hasher.hexdigest()


def _without(settings: Architecture | Recipe, *names: str) -> dict[str, object]:
    return {name: value for name, value in settings.to_dict().items() if name not in names}


def trainings_by_arm(plan: Plan, experiment: Experiment) -> Iterator[tuple[Arm, list[Training]]]:
    """Yield each arm of an experiment with its trainings, in the order of the seeds."""
    for arm in experiment.arms:
        yield arm, [plan.training(arm, seed) for seed in plan.seeds]
