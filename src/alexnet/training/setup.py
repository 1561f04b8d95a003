"""What has to be settled before the first step: the network, the preprocessing, the folder."""

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
from alexnet.data.augmentation import LUMA
from alexnet.errors import UserError
from alexnet.run import MEAN_IMAGE, RUN_FILE
from alexnet.spec.architectures import Architecture, architecture
from alexnet.training.data_statistics import Statistics

RUNS = Path("runs")
"""Where runs go that are given no place."""


def chosen_architecture(
    variant: str | Architecture, recipe: Recipe, changes: dict[str, Any]
) -> Architecture:
    """The variant with what the recipe sets, then what the person sets.

    An `Architecture` is taken as it is: whoever made it has chosen its size and initial weights.
    """
    network = architecture(variant, **with_recipe(variant, recipe, changes))
    if network.in_channels not in (1, 3):
        raise UserError(f"in_channels={network.in_channels}: images have 3 channels, or 1 (gray)")
    return network


def with_recipe(
    variant: str | Architecture | None, recipe: Recipe, changes: dict[str, Any]
) -> dict[str, Any]:
    """The changes of the person, and what the recipe sets beside them."""
    from_recipe = {"image_size": recipe.image_size, "init": recipe.init}
    is_made = isinstance(variant, Architecture)
    given = {n: value for n, value in from_recipe.items() if not is_made and value is not None}
    return {**given, **changes}


def with_classes(network: Architecture, found: data.Dataset, is_given: bool) -> Architecture:
    """The network with as many outputs as the images have classes."""
    classes = len(found.classes)
    if is_given and network.num_classes != classes:
        raise UserError(
            f"num_classes={network.num_classes}, but {found.source} has {classes} classes"
        )
    return architecture(network, num_classes=classes)


def preprocessing_for(
    network: Architecture,
    recipe: Recipe,
    statistics: Statistics,
    resize_px: int,
    known: Preprocessing | None = None,
) -> Preprocessing:
    """As the recipe says; where pretrained weights are known to want another, that one."""
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
    """Raise UserError when something is there already: nothing is ever written over."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        is_run = (folder / RUN_FILE).is_file()
        other = f", or go on with that run by `alexnet train --resume {folder}`"
        raise UserError(
            f"{folder} exists already; give another name (--output-dir){other if is_run else ''}"
        )


def new_folder(
    output_dir: str | os.PathLike[str] | None, found: data.Dataset, network: Architecture
) -> Path:
    """Where the run goes: as the person says, else after the time, the data and the network."""
    if output_dir is not None:
        return Path(output_dir)
    now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    name = f"{now}-{Path(found.source).stem or found.root.name}-{network.variant}"
    numbered = (RUNS / (name if n == 1 else f"{name}-{n}") for n in itertools.count(1))
    return next(folder for folder in numbered if not folder.exists())
