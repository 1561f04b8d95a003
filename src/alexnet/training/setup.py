"""Set up a training: its architecture, its preprocessing and its folder."""

import itertools
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from alexnet import data
from alexnet.config.hyperparameters import Recipe
from alexnet.config.preprocessing import Preprocessing
from alexnet.data.gray import LUMA
from alexnet.errors import UserError
from alexnet.run import MEAN_IMAGE, RUN_FILE
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture
from alexnet.training.data_statistics import Statistics

RUNS = Path("runs")
"""The folder of runs without an output_dir."""


def chosen_architecture(
    variant: str | Architecture, recipe: Recipe, changes: dict[str, Any]
) -> Architecture:
    """Return the variant with the recipe's fields, then the user's changes.

    An `Architecture` keeps its own image size and initializer.
    """
    network = architecture(variant, **with_recipe(variant, recipe, changes))
    if network.in_channels not in (1, 3):
        raise UserError(
            "invalid value for in_channels: expected 3 (RGB) or 1 (gray), "
            f"got {network.in_channels}"
        )
    return network


def with_recipe(
    variant: str | Architecture | None, recipe: Recipe, changes: dict[str, Any]
) -> dict[str, Any]:
    """Return the fields that the recipe sets, overridden by the user's changes."""
    from_recipe = {"image_size": recipe.image_size, "init": recipe.init}
    is_made = isinstance(variant, Architecture)
    changed = {n: value for n, value in from_recipe.items() if not is_made and value is not None}
    return {**changed, **changes}


def with_classes(network: Architecture, dataset: data.Dataset, is_given: bool) -> Architecture:
    """Return the architecture with one output per class of the dataset."""
    classes = len(dataset.classes)
    if is_given and network.num_classes != classes:
        raise UserError(
            f"num_classes is {network.num_classes}, but {dataset.source} has {classes} classes"
        )
    return architecture(network, num_classes=classes)


def preprocessing_for(
    network: Architecture,
    recipe: Recipe,
    statistics: Statistics,
    resize_px: int,
    known: Preprocessing | None = None,
) -> Preprocessing:
    """Return the preprocessing of the pretrained weights if it is known, else the recipe's."""
    if known is not None:
        has_mean = known.mean_image is not None
        return replace(
            known,
            resize_px=resize_px,
            crop_px=network.image_size,
            mean_image=MEAN_IMAGE if has_mean else None,
        )
    colors = statistics.colors
    mean, std = np.array(colors.mean), np.array(colors.std)
    if recipe.normalization == "minus_one_to_one":
        mean, std = np.full(3, 127.5), np.full(3, 127.5)
    elif recipe.normalization == "per_pixel":
        # As in the paper: values stay on the scale from 0 to 255.
        std = np.ones(3)
    elif network.in_channels == 1:
        mean = np.array([LUMA @ mean])
        std = np.array([np.linalg.norm(np.array(colors.axes) @ LUMA)])
    return Preprocessing(
        resize_px=resize_px,
        crop_px=network.image_size,
        channels="rgb" if network.in_channels == 3 else "gray",
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        mean_image=MEAN_IMAGE if recipe.normalization == "per_pixel" else None,
    )


def require_free(folder: Path) -> None:
    """Raise UserError unless the folder is new or empty: no run is ever overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        is_run = (folder / RUN_FILE).is_file()
        other = f", or resume that run with `alexnet train --resume {folder}`"
        raise UserError(
            f"{folder} already exists; give another name (--output-dir){other if is_run else ''}"
        )


def new_folder(
    output_dir: str | os.PathLike[str] | None, dataset: data.Dataset, network: Architecture
) -> Path:
    """Return output_dir, or a new folder named after the time, the dataset and the variant."""
    if output_dir is not None:
        return Path(output_dir)
    now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    name = f"{now}-{Path(dataset.source).stem or dataset.root.name}-{network.variant}"
    numbered = (RUNS / (name if n == 1 else f"{name}-{n}") for n in itertools.count(1))
    return next(folder for folder in numbered if not folder.exists())
