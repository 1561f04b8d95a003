"""Fine-tuning: the initial weights of a run and the learning rate factor of each."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alexnet.config.hyperparameters import Recipe
from alexnet.config.preprocessing import resize_px_for
from alexnet.errors import UserError
from alexnet.pretrained.published import PUBLISHED, Pretrained, check_name
from alexnet.run import PretrainedRecord, Run
from alexnet.settings import check_names
from alexnet.spec.architectures import CONVS, Architecture
from alexnet.text import pluralize
from alexnet.weights import initial
from alexnet.weights.compatibility import HEAD

CONVOLUTIONS = "conv"
"""Name that stands in `freeze` for conv1 … conv5 and their normalization layers."""

_CONVS = tuple(f"conv{number}" for number in range(1, CONVS + 1))
_NORMS = tuple(f"norm{number}" for number in range(1, CONVS + 1))
_DENSE = tuple(f"fc{number}" for number in range(CONVS + 1, CONVS + 4))
_FREEZABLE = (*_CONVS, *_NORMS, *_DENSE, CONVOLUTIONS)


def resolve_source(recipe: Recipe) -> Recipe:
    """Return the recipe with the path of its pretrained weights made absolute.

    Raises:
        UserError: if the pretrained weights do not exist, or layers are to be frozen without
            pretrained weights.
    """
    if recipe.pretrained is None:
        if recipe.freeze:
            raise UserError("--freeze requires pretrained weights; set --pretrained")
        return recipe
    check_names(recipe.freeze, _FREEZABLE, "layer to freeze")
    check_name(recipe.pretrained)
    if recipe.pretrained in PUBLISHED:
        return recipe
    return replace(recipe, pretrained=str(Path(recipe.pretrained).absolute()))


@dataclass(frozen=True, kw_only=True)
class InitialWeights:
    """The weights that fine-tuning starts from."""

    weights: dict[str, np.ndarray]
    """All weights of the network, by canonical name."""
    record: PretrainedRecord
    """Their source and the loaded arrays, as stored in the run."""


def initial_weights(
    network: Architecture, pretrained: Pretrained, classes: tuple[str, ...], recipe: Recipe
) -> InitialWeights:
    """Return the pretrained weights, with a randomly initialized last layer unless classes match.

    The last layer is loaded only if its classes equal those of the dataset, in the same order.

    Raises:
        UserError: if a layer to freeze does not exist or is not loaded, or no layer is left to
            train.
    """
    loaded = {n: a for n, a in pretrained.weights.items() if n in network.weight_shapes}
    loads_head = pretrained.classes == classes and f"{HEAD}.weight" in loaded
    if not loads_head:
        loaded = {name: a for name, a in loaded.items() if _layer(name) != HEAD}
    frozen, loaded_layers = frozen_layers(network, recipe), {_layer(name) for name in loaded}
    not_loaded = [layer for layer in frozen if layer not in loaded_layers]
    if not_loaded:
        raise UserError(
            f"cannot freeze {not_loaded[0]}: its weights are randomly initialized and must be "
            "trained; remove it from --freeze"
        )
    if loads_head and (loaded_layers == set(frozen) or not recipe.pretrained_lr_factor):
        raise UserError("all layers are frozen: there is nothing to train")
    record = PretrainedRecord(
        source=str(pretrained), loaded=tuple(n for n in network.weight_shapes if n in loaded)
    )
    return InitialWeights(weights={**initial(network, recipe.seed), **loaded}, record=record)


def frozen_layers(network: Architecture, recipe: Recipe) -> tuple[str, ...]:
    """Return the names of the frozen layers, in the order of the network.

    Raises:
        UserError: if a layer does not exist or has no weights; suggests the nearest name.
    """
    layers = list(dict.fromkeys(_layer(name) for name in network.weight_shapes))
    check_names(recipe.freeze, [*layers, CONVOLUTIONS], "layer to freeze")
    frozen = set(recipe.freeze)
    if CONVOLUTIONS in frozen:
        frozen |= {*_CONVS, *_NORMS}
    return tuple(layer for layer in layers if layer in frozen)


def lr_factors(run: Run) -> dict[str, float]:
    """Return the learning rate factor of each loaded array, by canonical name.

    Frozen arrays have 0.0; arrays that are absent have 1.0. Empty for a run trained from scratch.
    """
    frozen = frozen_layers(run.architecture, run.recipe)
    return {
        name: 0.0 if _layer(name) in frozen else run.recipe.pretrained_lr_factor
        for name in (run.pretrained.loaded if run.pretrained else ())
    }


def num_trainable_parameters(run: Run) -> int:
    """Return the number of parameters that are not frozen."""
    factors = lr_factors(run)
    steps = run.architecture.trace()
    return sum(s.num_parameters for s in steps if factors.get(f"{s.layer.name}.weight") != 0)


def describe_fine_tuning(run: Run) -> list[str]:
    """Describe the initial weights of a run in lines of text; no lines if trained from scratch."""
    if not run.pretrained:
        return []
    factors = lr_factors(run)
    layers = list(dict.fromkeys(_layer(name) for name in run.architecture.weight_shapes))
    loaded = [layer for layer in layers if f"{layer}.weight" in factors]
    classes = pluralize(run.architecture.num_classes, "class", "classes")
    head = (
        f"{HEAD} loaded (same classes)"
        if HEAD in loaded
        else f"{HEAD} randomly initialized for {classes}"
    )
    body = [layer for layer in loaded if layer != HEAD]
    frozen = [layer for layer in loaded if factors[f"{layer}.weight"] == 0]
    frozen_text = f"; frozen: {', '.join(frozen)}" if frozen else ""
    trainable = f"{num_trainable_parameters(run) / 1e6:.1f} million trainable parameters"
    if len(frozen) < len(loaded):
        factor = run.recipe.pretrained_lr_factor
        trainable += f"; loaded layers train at {factor:g} times the learning rate"
    return [
        f"fine-tuning from {run.pretrained.source}: {body[0]} … {body[-1]} loaded, "
        f"{head}{frozen_text}",
        trainable,
    ]


def resize_px(network: Architecture, pretrained: Pretrained | None) -> int:
    """Return the side of the stored images: that of the pretrained run if image sizes match."""
    preprocessing = None if pretrained is None else pretrained.preprocessing
    if preprocessing is not None and preprocessing.crop_px == network.image_size:
        return preprocessing.resize_px
    return resize_px_for(network.image_size)


def mean_image(pretrained: Pretrained, resize_px: int) -> NDArray[np.float32] | None:
    """Return the per-pixel mean of the pretraining dataset, (resize_px, resize_px, 3), if any.

    It is resized if the stored images have another size: the mean of resized images is the
    resized mean.
    """
    mean = pretrained.mean_image
    if mean is None or mean.shape[0] == resize_px:
        return mean
    import cv2

    resized = cv2.resize(mean, (resize_px, resize_px), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.float32)


def _layer(array: str) -> str:
    return array.rpartition(".")[0]
