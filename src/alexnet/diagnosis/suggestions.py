"""What to try next, in this program's own options: only those that would change something."""

from collections.abc import Iterator
from typing import NamedTuple

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.config.settings import as_text
from alexnet.spec.architectures import VARIANTS, Architecture

USUAL_LR = {"sgd": 0.02, "sgd-2012": 0.01, "adam": 2e-4, "adamw": 5e-4}
"""The rates of the recipes, and of their comparison in `alexnet.config.recipes.fast`."""

_MOST_VARIED, _USUAL_COLOR, _USUAL_DROPOUT = 0.2, 0.3, 0.5
_PER_CLASS = 200
"""With fewer training images of a class, more of them are worth more than any setting."""


class Advice(NamedTuple):
    """A thing to try: an option as it is typed (or an act, where there is no option), and why."""

    option: str
    why: str


class Setup(NamedTuple):
    """What the advice depends on."""

    recipe: Recipe
    architecture: Architecture
    train_per_class: float
    """Training images a class; infinite where it is not known."""


def advise(verdict: str, setup: Setup) -> tuple[Advice, ...]:
    """What to try for a verdict of `alexnet.training.diagnosis`, most useful first."""
    found = {
        "overfitting": _against_overfitting,
        "too few images": _against_overfitting,
        "underfitting": _against_underfitting,
        "learning rate too high": _slower,
        "learning rate too low": _faster,
        "standing still": _away_from_chance,
        "dead ReLUs": _against_dead_units,
        "not finished": _longer,
    }.get(verdict)
    return tuple(found(setup)) if found else ()


def _against_overfitting(setup: Setup) -> Iterator[Advice]:
    chosen, network = setup.recipe, setup.architecture
    if setup.train_per_class < _PER_CLASS:
        yield Advice("more images", f"there are {setup.train_per_class:.0f} a class to train on")
    if chosen.pretrained is None and network.in_channels == 3:
        yield Advice("--pretrained owt", "start from filters learned from 1.2 million images")
    if chosen.crop != "resized":
        yield Advice("--crop resized", f"now {chosen.crop}: vary place and size of the crops")
    elif chosen.crop_area > _MOST_VARIED:
        now = as_text(chosen.crop_area)
        yield Advice(f"--crop-area {_MOST_VARIED}", f"now {now}: vary the size of the crops more")
    if network.dropout < _USUAL_DROPOUT:
        now = as_text(network.dropout)
        yield Advice(f"--set dropout={_USUAL_DROPOUT}", f"now {now}: as in the paper")
    if not chosen.horizontal_flip:
        yield Advice(
            "--horizontal-flip", "left and right can be told apart by few subjects but writing"
        )
    if max(chosen.brightness, chosen.contrast) == 0 and chosen.pca_color == 0:
        colors = f"--brightness {_USUAL_COLOR} --contrast {_USUAL_COLOR}"
        yield Advice(colors, "now 0: vary the light")
    if chosen.label_smoothing == 0:
        yield Advice("--label-smoothing 0.1", "now 0: do not reward certainty")
    decay = 0.05 if chosen.optimizer == "adamw" else 5e-4
    if chosen.weight_decay < decay:
        yield Advice(f"--weight-decay {decay:g}", f"now {chosen.weight_decay:g}: smaller weights")


def _against_underfitting(setup: Setup) -> Iterator[Advice]:
    chosen, network = setup.recipe, setup.architecture
    yield from _larger(network)
    usual = recipe("fast")
    if network.dropout > _USUAL_DROPOUT:
        now = as_text(network.dropout)
        yield Advice(f"--set dropout={_USUAL_DROPOUT}", f"now {now}: too little is left to learn")
    if chosen.crop == "resized" and chosen.crop_area < usual.crop_area:
        now = as_text(chosen.crop_area)
        yield Advice(f"--crop-area {usual.crop_area:g}", f"now {now}: show more of each image")
    for name in ("brightness", "contrast"):
        value = getattr(chosen, name)
        if value > _USUAL_COLOR:
            yield Advice(f"--{name} {_USUAL_COLOR}", f"now {value:g}: vary the light less")
    if chosen.weight_decay > 5e-4 and chosen.optimizer != "adamw":
        yield Advice("--weight-decay 5e-4", f"now {chosen.weight_decay:g}: let the weights grow")
    if network.image_size < 128:
        size = network.image_size
        yield Advice("--image-size 128", f"now {size}: show details, if the images have them")
    yield from _longer(setup)


def _larger(network: Architecture) -> Iterator[Advice]:
    """Back to the variant's own widths, or on to the next wider variant."""
    own = VARIANTS.get(network.variant)
    if own is None:
        return
    for name in ("widths", "hidden"):
        now, usual = getattr(network, name), getattr(own, name)
        if sum(now) < sum(usual):
            yield Advice(
                f"--set {name}={as_text(usual)}", f"now {as_text(now)}: more to learn with"
            )
    if network.variant == "half" and network.widths == own.widths:
        yield Advice("--variant full", "now half: twice the channels")


def _slower(setup: Setup) -> Iterator[Advice]:
    lr, usual = setup.recipe.lr, USUAL_LR[setup.recipe.optimizer]
    lower = usual if lr > 2 * usual else lr / 10
    yield Advice(f"--lr {lower:.2g}", f"now {lr:g}")
    if setup.recipe.warmup_epochs < 1:
        yield Advice("--warmup-epochs 1", f"now {setup.recipe.warmup_epochs:g}: begin gently")
    if setup.architecture.norm == "none":
        yield Advice("--set norm=batch", "now none: batch norm bears higher rates")


def _faster(setup: Setup) -> Iterator[Advice]:
    lr, usual = setup.recipe.lr, USUAL_LR[setup.recipe.optimizer]
    higher = usual if lr < usual / 2 else lr * 5
    yield Advice(f"--lr {higher:.2g}", f"now {lr:g}")
    yield from _better_start(setup)


def _away_from_chance(setup: Setup) -> Iterator[Advice]:
    network = setup.architecture
    if network.activation != "relu":
        yield Advice("--set activation=relu", f"now {network.activation}, which saturates")
    yield from _better_start(setup)
    if network.norm != "batch":
        yield Advice("--set norm=batch", f"now {network.norm}: keeps the signal at one size")
    lr, usual = setup.recipe.lr, USUAL_LR[setup.recipe.optimizer]
    if not usual / 2 <= lr <= 2 * usual:
        yield Advice(f"--lr {usual:g}", f"now {lr:g}")
    yield from _longer(setup)


def _better_start(setup: Setup) -> Iterator[Advice]:
    if setup.recipe.pretrained is None and setup.architecture.init != "damped":
        init = setup.architecture.init
        yield Advice("--init damped", f"now {init}: initial weights that pass the signal on")


def _against_dead_units(setup: Setup) -> Iterator[Advice]:
    yield Advice(f"--lr {setup.recipe.lr / 10:.2g}", f"now {setup.recipe.lr:g}: smaller steps")
    if setup.recipe.warmup_epochs < 1:
        yield Advice("--warmup-epochs 1", f"now {setup.recipe.warmup_epochs:g}: begin gently")
    yield from _better_start(setup)
    if setup.architecture.norm != "batch":
        yield Advice("--set norm=batch", f"now {setup.architecture.norm}: wakes silent channels")


def _longer(setup: Setup) -> Iterator[Advice]:
    epochs = setup.recipe.epochs
    yield Advice(f"--epochs {max(2 * epochs, 10)}", f"now {epochs}")
