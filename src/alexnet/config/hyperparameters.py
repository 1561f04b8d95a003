"""`Recipe`: the hyperparameters of a training, apart from the architecture."""

import importlib
import math
from dataclasses import dataclass, replace
from typing import Any

from alexnet.settings import Settings, check_names, fields, setting
from alexnet.spec.initializers import INITS

RECIPES = ("fast", "tutorial", "paper")
"""Each is a module of `alexnet.config.recipes` that states its source and its results."""


@dataclass(frozen=True, kw_only=True)
class Augmentation(Settings):
    """Settings of the data augmentation."""

    crop: str = setting(
        "resized",
        "training crop: resized (random resized crop), random (random crop of the input size, as "
        "in the paper) or center",
        choices=("resized", "random", "center"),
    )
    crop_area: float = setting(
        0.35, "random resized crop: minimum fraction of the area", low=0.01, high=1
    )
    crop_ratio: float = setting(
        1.33, "random resized crop: maximum aspect ratio; the minimum is its inverse", low=1
    )
    horizontal_flip: bool = setting(True, "flip images horizontally with probability 0.5")
    pca_color: float = setting(
        0.0, "PCA color jitter of the paper: standard deviation of alpha; 0: off", low=0
    )
    brightness: float = setting(
        0.0, "brightness jitter: maximum relative change; 0: off", low=0, high=0.9
    )
    contrast: float = setting(
        0.0, "contrast jitter: maximum relative change; 0: off", low=0, high=0.9
    )


@dataclass(frozen=True, kw_only=True)
class FineTuning(Settings):
    """Settings of fine-tuning from pretrained weights."""

    pretrained: str | None = setting(
        None,
        "pretrained weights to fine-tune: owt, bvlc or caffenet (downloaded), a run folder or a "
        "weights file; they set the architecture, image size and preprocessing",
    )
    freeze: tuple[str, ...] = setting(
        (), "pretrained layers to freeze, such as conv1,conv2; conv: all convolutions"
    )
    # A tenth of the rate of the new layer, as in Caffe's models/finetune_flickr_style.
    pretrained_lr_factor: float = setting(
        0.1, "learning rate multiplier of the pretrained layers", low=0
    )


@dataclass(frozen=True, kw_only=True)
class Recipe(FineTuning, Augmentation):
    """The hyperparameters of a training; `recipe(name, **changes)` returns a named recipe.

    Raises:
        UserError: a value is out of range.
    """

    name: str = setting("custom", "name of the recipe this one is based on")
    epochs: int = setting(40, "number of training epochs", low=1)
    min_steps: int = setting(
        0, "minimum number of training steps; small datasets are trained for more epochs", low=0
    )
    batch_size: int = setting(64, "training batch size", low=1)
    image_size: int | None = setting(
        None, "input height and width, pixels; none: as in the variant", low=1
    )
    optimizer: str = setting(
        "sgd",
        "optimizer: sgd (Nesterov), sgd-2012 (the paper's update rule), adam or adamw",
        choices=("sgd", "sgd-2012", "adam", "adamw"),
    )
    lr: float = setting(0.02, "peak learning rate", low=0)
    momentum: float = setting(0.9, "momentum of SGD, beta1 of Adam", low=0, high=0.9999)
    weight_decay: float = setting(5e-4, "weight decay", low=0)
    schedule: str = setting(
        "cosine",
        "learning rate schedule: cosine (decay to 0), plateau (drop when validation stops "
        "improving) or constant",
        choices=("cosine", "plateau", "constant"),
    )
    warmup_epochs: float = setting(1.0, "epochs of linear learning rate warmup", low=0)
    lr_drop_factor: float = setting(
        0.1, "plateau: learning rate factor of a drop", low=0.001, high=0.999
    )
    lr_drop_patience: int = setting(5, "plateau: epochs without improvement before a drop", low=1)
    lr_drops: int = setting(3, "plateau: maximum number of drops", low=0)
    label_smoothing: float = setting(0.0, "label smoothing", low=0, high=0.9)
    init: str | None = setting(
        None, "weight initialization; none: as in the variant", choices=tuple(INITS)
    )
    normalization: str = setting(
        "per_channel",
        "input normalization: per_channel (subtract each channel's mean, divide by its standard "
        "deviation), per_pixel (subtract each pixel's mean, as in the paper) or minus_one_to_one "
        "(scale 0 to 255 to the range -1 to 1)",
        choices=("per_channel", "per_pixel", "minus_one_to_one"),
    )
    val_fraction: float = setting(
        0.2,
        "fraction of the data held out for validation when it is not split",
        low=0.01,
        high=0.9,
    )
    seed: int = setting(
        0, "random seed of the initialization, sample order and augmentation", low=0
    )


def with_min_steps(recipe: Recipe, num_images: int) -> Recipe:
    """Return the recipe with enough epochs to reach `min_steps` with this many training images.

    Example:
        >>> short = Recipe(epochs=30, min_steps=1600, batch_size=64)
        >>> with_min_steps(short, 3433).epochs, with_min_steps(short, 200).epochs
        (30, 400)
    """
    steps = math.ceil(num_images / recipe.batch_size)
    return replace(recipe, epochs=max(recipe.epochs, math.ceil(recipe.min_steps / steps)))


def recipe(name: str = "fast", **changes: Any) -> Recipe:
    """Return a named recipe with some settings replaced.

    Setting `epochs` turns `min_steps` off. Setting `pretrained` discards the image size and the
    weight initialization of the recipe.

    Raises:
        UserError: an unknown recipe or setting, or a value out of range.

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
    base: Recipe = importlib.import_module(f"alexnet.config.recipes.{name}").RECIPE
    return replace(base, **changes)
