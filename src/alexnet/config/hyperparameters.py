"""A recipe: every setting of a training but the network, the images and the machine."""

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
    """The settings of how training images are varied."""

    crop: str = setting(
        "resized",
        "training crops: resized (random place, area and aspect ratio, as scaled to the image "
        "size), random (of the image size at a random place, as in the paper) or center",
        choices=("resized", "random", "center"),
    )
    crop_area: float = setting(0.35, "resized: least share of the area", low=0.01, high=1)
    crop_ratio: float = setting(1.33, "resized: largest width to height, and inverse", low=1)
    horizontal_flip: bool = setting(True, "mirror half of the images from left to right")
    pca_color: float = setting(
        0.0, "paper's color change: standard deviation of alpha; 0: none", low=0
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
        "or a weights file; network, image size and preprocessing come with them",
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
    epochs: int = setting(40, "times that every training image is seen", low=1)
    min_steps: int = setting(
        0, "with few images, more epochs are made until there are this many steps", low=0
    )
    batch_size: int = setting(64, "images in a step", low=1)
    image_size: int | None = setting(
        None, "width and height of the image that goes in, pixels; none: the variant's", low=1
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
    normalization: str = setting(
        "per_channel",
        "input normalization: per_channel (subtract each channel's mean, divide by its standard "
        "deviation), per_pixel (subtract each pixel's mean, as in the paper) or minus_one_to_one "
        "(scale 0 to 255 to the range -1 to 1)",
        choices=("per_channel", "per_pixel", "minus_one_to_one"),
    )
    val_fraction: float = setting(
        0.2, "share for validation where the data is not split", low=0.01, high=0.9
    )
    seed: int = setting(0, "of the initial weights, the order and the augmentation", low=0)


def enough_epochs(chosen: Recipe, images: int) -> Recipe:
    """The recipe with as many epochs as `min_steps` asks for with so many training images.

    Example:
        >>> chosen = Recipe(epochs=30, min_steps=1600, batch_size=64)
        >>> enough_epochs(chosen, 3433).epochs, enough_epochs(chosen, 200).epochs
        (30, 400)
    """
    steps = math.ceil(images / chosen.batch_size)
    return replace(chosen, epochs=max(chosen.epochs, math.ceil(chosen.min_steps / steps)))


def recipe(name: str = "fast", **changes: Any) -> Recipe:
    """The recipe of this name with some settings changed.

    A number of epochs that is given is taken as it is, however few the images are. Where
    pretrained weights are given, the recipe's own image size and initial weights do not count.

    Raises:
        UserError: a recipe or a setting that does not exist, or a value out of range.

    Example:
        >>> recipe("paper", epochs=3).optimizer
        'sgd-2012'
    """
    check_names([name], RECIPES, "recipe")
    check_names(changes, [field.name for field in fields(Recipe)], "setting")
    if "epochs" in changes:
        changes = {"min_steps": 0, **changes}
    if changes.get("pretrained") is not None:
        changes = {"image_size": None, "init": None, **changes}
    found: Recipe = importlib.import_module(f"alexnet.config.recipes.{name}").RECIPE
    return replace(found, **changes)
