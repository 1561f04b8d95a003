"""A recipe: every setting of a training but the network, the pictures and the machine."""

import importlib
import math
from dataclasses import dataclass, replace
from typing import Any

from alexnet.config.settings import Settings, check_names, fields, setting
from alexnet.spec.initializers import INITS

RECIPES = ("fast", "tutorial", "paper")
"""Each is a file in `alexnet.recipes` that says where it comes from and what it reached."""


@dataclass(frozen=True, kw_only=True)
class Augmentation(Settings):
    """The settings of how training pictures are varied."""

    crop: str = setting(
        "resized",
        "training crops: resized (random place, area and aspect ratio, as scaled to the picture "
        "size), random (of the picture size at a random place, as in the paper) or centre",
        choices=("resized", "random", "centre"),
    )
    crop_area: float = setting(0.35, "resized: least share of the area", low=0.01, high=1)
    crop_ratio: float = setting(1.33, "resized: largest width to height, and inverse", low=1)
    mirror: bool = setting(True, "mirror half of the pictures from left to right")
    pca_colour: float = setting(
        0.0, "paper's colour change: standard deviation of alpha; 0: none", low=0
    )
    brightness: float = setting(0.0, "factor on the values varies by up to this", low=0, high=0.9)
    contrast: float = setting(
        0.0, "factor on the distance from the mean varies by up to this", low=0, high=0.9
    )


@dataclass(frozen=True, kw_only=True)
class FineTuning(Settings):
    """The settings of a training that starts from weights that are there already."""

    pretrained: str | None = setting(
        None,
        "weights to start from: owt, bvlc or caffenet (published ones, downloaded), a run's folder "
        "or a weights file; network, picture size and preprocessing come with them",
    )
    freeze: tuple[str, ...] = setting(
        (), "layers whose loaded weights stay as they are, conv1,conv2; conv: all convolutions"
    )
    # Ten times slower than the new layer, as in Caffe's models/finetune_flickr_style.
    pretrained_lr_factor: float = setting(
        0.1, "factor on the learning rate of what was loaded", low=0
    )


@dataclass(frozen=True, kw_only=True)
class Recipe(FineTuning, Augmentation):
    """The settings of a training; `recipe(name, **changes)` gives the named ones.

    Raises:
        UserError: a value out of its range.
    """

    name: str = setting("custom", "name of the recipe that this one started from")
    epochs: int = setting(40, "times that every training picture is seen", low=1)
    least_steps: int = setting(
        0, "with few pictures, more epochs are made until there are this many steps", low=0
    )
    batch_size: int = setting(64, "pictures in a step", low=1)
    image_size: int | None = setting(
        None, "width and height of the picture that goes in, pixels; none: the variant's", low=1
    )
    optimizer: str = setting(
        "sgd",
        "sgd (Nesterov), sgd-2012 (the paper's rule), adam or adamw",
        choices=("sgd", "sgd-2012", "adam", "adamw"),
    )
    lr: float = setting(0.02, "learning rate at its highest", low=0)
    momentum: float = setting(0.9, "momentum of sgd; beta1 of adam", low=0, high=0.9999)
    weight_decay: float = setting(5e-4, "weight decay", low=0)
    schedule: str = setting(
        "cosine",
        "learning rate over time: cosine (to 0), plateau (drops when validation stops "
        "improving) or constant",
        choices=("cosine", "plateau", "constant"),
    )
    warmup_epochs: float = setting(1.0, "epochs in which the learning rate rises from 0", low=0)
    lr_drop_factor: float = setting(0.1, "plateau: factor of a drop", low=0.001, high=0.999)
    lr_drop_patience: int = setting(5, "plateau: epochs without improvement before a drop", low=1)
    lr_drops: int = setting(3, "plateau: number of drops", low=0)
    label_smoothing: float = setting(
        0.0, "share of the target that goes to all classes alike", low=0, high=0.9
    )
    init: str | None = setting(
        None, "initial weights; none: as the architecture says", choices=tuple(INITS)
    )
    mean: str = setting(
        "channel",
        "subtracted from the values: mean of each channel (which are then divided by their "
        "standard deviation), of each pixel (as in the paper), or half (127.5, also the divisor)",
        choices=("channel", "pixel", "half"),
    )
    precision: str = setting(
        "auto",
        "arithmetic: auto (bf16 or fp16 where the device is faster with it), fp32, bf16, fp16",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    val_share: float = setting(
        0.2, "share for validation where the data is not split", low=0.01, high=0.9
    )
    seed: int = setting(0, "of the initial weights, the order and the augmentation", low=0)


def enough_epochs(chosen: Recipe, pictures: int) -> Recipe:
    """The recipe with as many epochs as `least_steps` asks for with so many training pictures.

    Example:
        >>> chosen = Recipe(epochs=30, least_steps=1600, batch_size=64)
        >>> enough_epochs(chosen, 3433).epochs, enough_epochs(chosen, 200).epochs
        (30, 400)
    """
    steps = math.ceil(pictures / chosen.batch_size)
    return replace(chosen, epochs=max(chosen.epochs, math.ceil(chosen.least_steps / steps)))


def recipe(name: str = "fast", **changes: Any) -> Recipe:
    """The recipe of this name with some settings changed.

    A number of epochs that is given is taken as it is, however few the pictures are. Where
    pretrained weights are given, the recipe's own picture size and initial weights do not count.

    Raises:
        UserError: a recipe or a setting that does not exist, or a value out of range.

    Example:
        >>> recipe("paper", epochs=3).optimizer
        'sgd-2012'
    """
    check_names([name], RECIPES, "recipe")
    check_names(changes, [field.name for field in fields(Recipe)], "setting")
    if "epochs" in changes:
        changes = {"least_steps": 0, **changes}
    if changes.get("pretrained") is not None:
        changes = {"image_size": None, "init": None, **changes}
    found: Recipe = importlib.import_module(f"alexnet.config.recipes.{name}").RECIPE
    return replace(found, **changes)
