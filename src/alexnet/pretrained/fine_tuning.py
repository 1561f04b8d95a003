"""Fine-tuning: which weights a training starts from, and how fast each of them may change."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.config.hyperparameters import Recipe
from alexnet.config.preprocessing import resize_px_for
from alexnet.config.settings import check_names
from alexnet.errors import UserError
from alexnet.pretrained.published import PUBLISHED, Pretrained, check_name
from alexnet.run import PretrainedRecord, Run
from alexnet.spec.architectures import CONVS, Architecture
from alexnet.text import counted
from alexnet.weights import initial
from alexnet.weights.compatibility import HEAD

CONVOLUTIONS = "conv"
"""Stands in `freeze` for conv1 … conv5 and the norms behind them."""

_CONVS = tuple(f"conv{number}" for number in range(1, CONVS + 1))
_NORMS = tuple(f"norm{number}" for number in range(1, CONVS + 1))
_DENSE = tuple(f"fc{number}" for number in range(CONVS + 1, CONVS + 4))
_FREEZABLE = (*_CONVS, *_NORMS, *_DENSE, CONVOLUTIONS)


def settled(recipe: Recipe) -> Recipe:
    """The recipe with a source of weights that is found again from any folder.

    Raises:
        UserError: there are no weights of this name, or layers to freeze and nothing loaded.
    """
    if recipe.pretrained is None:
        if recipe.freeze:
            raise UserError("--freeze keeps loaded weights as they are: say --pretrained too")
        return recipe
    check_names(recipe.freeze, _FREEZABLE, "layer to freeze")
    check_name(recipe.pretrained)
    if recipe.pretrained in PUBLISHED:
        return recipe
    return replace(recipe, pretrained=str(Path(recipe.pretrained).absolute()))


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a fine-tuning starts from."""

    weights: dict[str, np.ndarray]
    """All of the network's, by canonical name."""
    record: PretrainedRecord
    """What the run keeps of where they came from."""


def start(
    network: Architecture, pretrained: Pretrained, classes: tuple[str, ...], recipe: Recipe
) -> Start:
    """The loaded weights, and new ones for the last layer as a training from scratch has them.

    The last layer is loaded only when its classes are those of the images, in the same order.

    Raises:
        UserError: a layer to freeze that there is not, or that is new; or nothing is left to
            train.
    """
    loaded = {n: a for n, a in pretrained.weights.items() if n in network.weight_shapes}
    keeps_head = pretrained.classes == classes and f"{HEAD}.weight" in loaded
    if not keeps_head:
        loaded = {name: a for name, a in loaded.items() if _layer(name) != HEAD}
    frozen, of_layers = frozen_layers(network, recipe), {_layer(name) for name in loaded}
    new = [layer for layer in frozen if layer not in of_layers]
    if new:
        raise UserError(
            f"{new[0]} is new: its random weights have to be trained; leave it out of --freeze"
        )
    if keeps_head and (of_layers == set(frozen) or not recipe.pretrained_lr_factor):
        raise UserError("every layer is frozen, so there is nothing to train")
    record = PretrainedRecord(
        source=str(pretrained), loaded=tuple(n for n in network.weight_shapes if n in loaded)
    )
    return Start(weights={**initial(network, recipe.seed), **loaded}, record=record)


def frozen_layers(network: Architecture, recipe: Recipe) -> tuple[str, ...]:
    """The layers that are not trained, in the order of the network.

    Raises:
        UserError: one that has no weights or does not exist; names the nearest.
    """
    layers = list(dict.fromkeys(_layer(name) for name in network.weight_shapes))
    check_names(recipe.freeze, [*layers, CONVOLUTIONS], "layer to freeze")
    chosen = set(recipe.freeze)
    if CONVOLUTIONS in chosen:
        chosen |= {*_CONVS, *_NORMS}
    return tuple(layer for layer in layers if layer in chosen)


def lr_factors(run: Run) -> dict[str, float]:
    """The factor on the learning rate of each loaded array, by canonical name.

    0.0 stands for frozen; an array that is not named has 1.0. Empty for a run that started from
    random weights.
    """
    frozen = frozen_layers(run.architecture, run.recipe)
    return {
        name: 0.0 if _layer(name) in frozen else run.recipe.pretrained_lr_factor
        for name in (run.pretrained.loaded if run.pretrained else ())
    }


def trained_parameters(run: Run) -> int:
    """Number of values that the training changes; the frozen ones are not among them."""
    factors = lr_factors(run)
    steps = run.architecture.trace()
    return sum(s.num_parameters for s in steps if factors.get(f"{s.layer.name}.weight") != 0)


def described(run: Run) -> list[str]:
    """What a person should know of where a run started, in lines; none if from scratch."""
    if not run.pretrained:
        return []
    factors = lr_factors(run)
    layers = list(dict.fromkeys(_layer(name) for name in run.architecture.weight_shapes))
    loaded = [layer for layer in layers if f"{layer}.weight" in factors]
    head = (
        f"{HEAD} too, for its classes are the same"
        if HEAD in loaded
        else f"{HEAD} new for {counted(run.architecture.num_classes, 'class', 'classes')}"
    )
    body = [layer for layer in loaded if layer != HEAD]
    rest = [layer for layer in loaded if factors[f"{layer}.weight"] == 0]
    frozen = f"; frozen: {', '.join(rest)}" if rest else ""
    factor = run.recipe.pretrained_lr_factor
    slower = f", those that were loaded at {factor:g} of the learning rate"
    millions = trained_parameters(run) / 1e6
    return [
        f"fine-tuning from {run.pretrained.source}: {body[0]} … {body[-1]} loaded, {head}{frozen}",
        f"{millions:.1f} million parameters are trained{slower * (len(rest) < len(loaded))}",
    ]


def resize_px(network: Architecture, pretrained: Pretrained | None) -> int:
    """Side of the kept square: as the weights were trained, or that of another image size."""
    known = None if pretrained is None else pretrained.preprocessing
    if known is not None and known.crop_px == network.image_size:
        return known.resize_px
    return resize_px_for(network.image_size)


def mean_image(pretrained: Pretrained, side: int) -> NDArray[np.float32] | None:
    """The mean of each pixel that the weights were trained with, (side, side, 3).

    Scaled where the images are kept in another size: the mean of scaled images is the scaled
    mean.
    """
    mean = pretrained.mean_image
    if mean is None or mean.shape[0] == side:
        return mean
    import cv2

    scaled = cv2.resize(mean, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.float32)


def _layer(array: str) -> str:
    return array.rpartition(".")[0]
