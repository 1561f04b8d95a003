"""Which trainings the experiments need, and where each of them lies."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from alexnet import data
from alexnet.config.hyperparameters import Recipe, enough_epochs
from alexnet.errors import UserError
from alexnet.experiments.claims import ALL, Arm, Experiment, chosen
from alexnet.spec.architectures import Architecture

RUNS = "runs"
BASE = "base"

_KEY_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of the plan: an arm with a seed, perhaps of several experiments."""

    label: str
    """Which arm it is, in words."""
    seed: int
    architecture: Architecture
    recipe: Recipe
    folder: Path
    needs_ten_crops: bool
    """Whether its errors with ten crops are wanted too."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Experiments on images: the common network and recipe, and the seeds.

    A training's folder goes by everything that it depends on, so that what two experiments share
    is trained once, and what was trained under other settings is never taken for it.
    """

    experiments: tuple[Experiment, ...]
    network: Architecture
    recipe: Recipe
    images: data.Dataset
    digest: str
    """Of the contents, classes and splits of the images."""
    seeds: tuple[int, ...]
    backend: str
    precision: str
    folder: Path

    @property
    def trainings(self) -> list[Training]:
        """Each training once; all of a seed before those of the next, so that pairs come early."""
        found: dict[Path, Training] = {}
        for seed in self.seeds:
            for experiment in self.experiments:
                for arm in experiment.arms:
                    training = self.training(arm, seed)
                    found.setdefault(training.folder, training)
        return list(found.values())

    def training(self, arm: Arm, seed: int) -> Training:
        """The training of an arm with a seed."""
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
        """Look whether the arms of every experiment can be built, and differ.

        Raises:
            UserError: a network that cannot be, or an experiment that would compare equals.
        """
        for experiment in self.experiments:
            of: dict[tuple[Path, int], str] = {}
            for arm in experiment.arms:
                what = (self.training(arm, self.seeds[0]).folder, arm.views)
                if what in of:
                    raise UserError(
                        f"{experiment.name} would compare {of[what]!r} with {arm.name!r}, which "
                        f"are the same with these settings: change {experiment.changed}"
                    )
                of[what] = arm.name

    @property
    def epochs(self) -> int:
        """Of each training."""
        return enough_epochs(self.recipe, len(self.images.split("train"))).epochs

    @cached_property
    def _labels(self) -> dict[str, str]:
        """What each training is called, whichever experiments were asked for."""
        labels = {self._key(self.network, self.recipe): BASE}
        for experiment in chosen(ALL):
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


def digest_of(images: data.Dataset, digests: Sequence[bytes | None]) -> str:
    """A name for the images by their contents, classes and splits, wherever they lie."""
    rows = sorted(
        (digest or b"", sample.label, sample.split)
        for digest, sample in zip(digests, images.samples, strict=True)
    )
    whole = hashlib.sha256(json.dumps(images.classes).encode())
    for digest, label, split in rows:
        whole.update(digest + f"{label} {split}\n".encode())
    return whole.hexdigest()


def _without(settings: Architecture | Recipe, *names: str) -> dict[str, object]:
    return {name: value for name, value in settings.to_dict().items() if name not in names}


def pairs(plan: Plan, experiment: Experiment) -> Iterator[tuple[Arm, list[Training]]]:
    """Each arm of an experiment with its trainings, in the order of the seeds."""
    for arm in experiment.arms:
        yield arm, [plan.training(arm, seed) for seed in plan.seeds]
