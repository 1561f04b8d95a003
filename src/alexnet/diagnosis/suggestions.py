"""Suggest options of `alexnet train` for each verdict: only those that change something."""

from collections.abc import Iterator
from typing import NamedTuple

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.settings import as_text
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS

USUAL_LR = {"sgd": 0.02, "sgd-2012": 0.01, "adam": 2e-4, "adamw": 5e-4}
"""The learning rates of the recipes, and those compared in `alexnet.config.recipes.fast`."""

_SMALL_CROP_AREA, _USUAL_COLOR_JITTER, _USUAL_DROPOUT = 0.2, 0.3, 0.5
_MANY_PER_CLASS = 200
"""With fewer training images per class, more images help more than any option."""


class Advice(NamedTuple):
    """A suggestion: an option as typed (or an action, where no option exists), and the reason."""

    option: str
    reason: str


class Setup(NamedTuple):
    """The settings that the advice depends on."""

    recipe: Recipe
    architecture: Architecture
    train_per_class: float
    """Training images per class; infinite if unknown."""


def advise(verdict: str, setup: Setup) -> tuple[Advice, ...]:
    """Suggest what to try for a verdict of `alexnet.diagnosis.rules`, most useful first."""
    suggest = {
        "overfitting": _for_overfitting,
        "too few images": _for_overfitting,
        "underfitting": _for_underfitting,
        "learning rate too high": _for_high_lr,
        "learning rate too low": _for_low_lr,
        "not learning": _for_not_learning,
        "dead ReLUs": _for_dead_relus,
        "not converged yet": _more_epochs,
    }.get(verdict)
    return tuple(suggest(setup)) if suggest else ()


def _for_overfitting(setup: Setup) -> Iterator[Advice]:
    chosen, network = setup.recipe, setup.architecture
    if setup.train_per_class < _MANY_PER_CLASS:
        yield Advice("more images", f"now {setup.train_per_class:.0f} training images per class")
    if chosen.pretrained is None and network.in_channels == 3:
        yield Advice("--pretrained owt", "fine-tune weights pretrained on 1.2 million images")
    if chosen.crop != "resized":
        yield Advice(
            "--crop resized", f"now {chosen.crop}: randomize the position and size of the crops"
        )
    elif chosen.crop_area > _SMALL_CROP_AREA:
        now = as_text(chosen.crop_area)
        yield Advice(
            f"--crop-area {_SMALL_CROP_AREA}", f"now {now}: randomize the size of the crops more"
        )
    if network.dropout < _USUAL_DROPOUT:
        now = as_text(network.dropout)
        yield Advice(f"--set dropout={_USUAL_DROPOUT}", f"now {now}: as in the paper")
    if not chosen.horizontal_flip:
        yield Advice(
            "--horizontal-flip", "most subjects look the same when mirrored, except for text"
        )
    if max(chosen.brightness, chosen.contrast) == 0 and chosen.pca_color == 0:
        jitter = f"--brightness {_USUAL_COLOR_JITTER} --contrast {_USUAL_COLOR_JITTER}"
        yield Advice(jitter, "now 0: random brightness and contrast")
    if chosen.label_smoothing == 0:
        yield Advice("--label-smoothing 0.1", "now 0: penalize overconfident predictions")
    decay = 0.05 if chosen.optimizer == "adamw" else 5e-4
    if chosen.weight_decay < decay:
        yield Advice(
            f"--weight-decay {decay:g}", f"now {chosen.weight_decay:g}: penalize large weights"
        )


def _for_underfitting(setup: Setup) -> Iterator[Advice]:
    chosen, network = setup.recipe, setup.architecture
    yield from _larger_network(network)
    usual = recipe("fast")
    if network.dropout > _USUAL_DROPOUT:
        now = as_text(network.dropout)
        yield Advice(
            f"--set dropout={_USUAL_DROPOUT}", f"now {now}: too few units are left to learn with"
        )
    if chosen.crop == "resized" and chosen.crop_area < usual.crop_area:
        now = as_text(chosen.crop_area)
        yield Advice(f"--crop-area {usual.crop_area:g}", f"now {now}: show more of each image")
    for name in ("brightness", "contrast"):
        value = getattr(chosen, name)
        if value > _USUAL_COLOR_JITTER:
            yield Advice(f"--{name} {_USUAL_COLOR_JITTER}", f"now {value:g}: weaker color jitter")
    if chosen.weight_decay > 5e-4 and chosen.optimizer != "adamw":
        yield Advice(
            "--weight-decay 5e-4", f"now {chosen.weight_decay:g}: a weaker penalty on the weights"
        )
    if network.image_size < 128:
        size = network.image_size
        yield Advice("--image-size 128", f"now {size}: larger inputs show more detail")
    yield from _more_epochs(setup)


def _larger_network(network: Architecture) -> Iterator[Advice]:
    """Suggest the variant's own widths, or the next wider variant."""
    original = VARIANTS.get(network.variant)
    if original is None:
        return
    for name in ("widths", "hidden"):
        now, usual = getattr(network, name), getattr(original, name)
        if sum(now) < sum(usual):
            yield Advice(f"--set {name}={as_text(usual)}", f"now {as_text(now)}: more capacity")
    if network.variant == "half" and network.widths == original.widths:
        yield Advice("--variant full", "now half: twice as many channels")


def _for_high_lr(setup: Setup) -> Iterator[Advice]:
    lr, usual = setup.recipe.lr, USUAL_LR[setup.recipe.optimizer]
    lower = usual if lr > 2 * usual else lr / 10
    yield Advice(f"--lr {lower:.2g}", f"now {lr:g}")
    if setup.recipe.warmup_epochs < 1:
        yield Advice(
            "--warmup-epochs 1",
            f"now {setup.recipe.warmup_epochs:g}: increase the learning rate gradually",
        )
    if setup.architecture.norm == "none":
        yield Advice("--set norm=batch", "now none: batch norm tolerates higher learning rates")


def _for_low_lr(setup: Setup) -> Iterator[Advice]:
    lr, usual = setup.recipe.lr, USUAL_LR[setup.recipe.optimizer]
    higher = usual if lr < usual / 2 else lr * 5
    yield Advice(f"--lr {higher:.2g}", f"now {lr:g}")
    yield from _better_init(setup)


def _for_not_learning(setup: Setup) -> Iterator[Advice]:
    network = setup.architecture
    if network.activation != "relu":
        yield Advice("--set activation=relu", f"now {network.activation}, which saturates")
    yield from _better_init(setup)
    if network.norm != "batch":
        yield Advice(
            "--set norm=batch", f"now {network.norm}: normalizes the scale of the activations"
        )
    lr, usual = setup.recipe.lr, USUAL_LR[setup.recipe.optimizer]
    if not usual / 2 <= lr <= 2 * usual:
        yield Advice(f"--lr {usual:g}", f"now {lr:g}")
    yield from _more_epochs(setup)


def _better_init(setup: Setup) -> Iterator[Advice]:
    if setup.recipe.pretrained is None and setup.architecture.init != "damped":
        init = setup.architecture.init
        yield Advice(
            "--init damped", f"now {init}: an initialization that preserves the scale of the signal"
        )


def _for_dead_relus(setup: Setup) -> Iterator[Advice]:
    yield Advice(f"--lr {setup.recipe.lr / 10:.2g}", f"now {setup.recipe.lr:g}: smaller steps")
    if setup.recipe.warmup_epochs < 1:
        yield Advice(
            "--warmup-epochs 1",
            f"now {setup.recipe.warmup_epochs:g}: increase the learning rate gradually",
        )
    yield from _better_init(setup)
    if setup.architecture.norm != "batch":
        yield Advice("--set norm=batch", f"now {setup.architecture.norm}: revives dead channels")


def _more_epochs(setup: Setup) -> Iterator[Advice]:
    epochs = setup.recipe.epochs
    yield Advice(f"--epochs {max(2 * epochs, 10)}", f"now {epochs}")
