"""The paper's claims as experiments: what is compared, and what the paper says of it.

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks,
NIPS 2012. Each experiment trains the same network on the same images in the same order, with
one field changed; the first arm is the way of the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.config.settings import check_names
from alexnet.spec.architectures import Architecture, architecture

ALL = "all"

NETWORK = architecture(
    "paper",
    # At 64 pixels the maps of the pools are 15, 7 and 3 wide, odd as 55, 27 and 13 are at 224:
    # windows of 3 and of 2 then give maps of the same size, as section 3.4 needs it.
    image_size=64,
    widths=(48, 128, 192, 192, 128),
    hidden=(1024, 1024),
    init="damped",
)
"""The paper's network in a size of which two cores can train dozens: half of its kernels."""

RECIPE = recipe("fast", image_size=None, brightness=0.0, contrast=0.0)
"""As `fast`, but with crops and mirror images alone, as in the paper's first scheme, and at the
network's own size."""

Measure = Literal["error", "top5", "gap", "epochs"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train: what is changed in the common network and recipe.

    Args:
        views: crops of a validation image whose probabilities are averaged, 1 or 10.
        halved: only half of the kernels in conv1 to conv4. As the paper's second footnote says,
            its net on one GPU kept those of conv5, on which the size of fc6 hangs.
    """

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    views: int = 1
    halved: bool = False

    def settings(self, network: Architecture, recipe: Recipe) -> tuple[Architecture, Recipe]:
        """The common network and recipe, with what this arm changes."""
        changes = dict(self.network)
        if self.halved:
            changes["widths"] = (*(width // 2 for width in network.widths[:4]), network.widths[4])
        return architecture(network, **changes), replace(recipe, **self.recipe)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The way of the paper against another, and what the paper says is gained.

    Args:
        of: the arm that the paper holds to be better.
        against: the other.
        measure: `error` and `top5`, the top-1 and top-5 errors on validation images after the
            last epoch, points; `gap`, how much larger the top-1 error is than that on training
            images seen in the same way, points; `epochs`, how many times the epochs until a
            training error of 25%.
        claimed: what the paper gives for it; None where it gives no number.
        claimed_top5: the same for the top-5 error.
    """

    of: str
    against: str
    measure: Measure = "error"
    claimed: float | None = None
    claimed_top5: float | None = None


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One claim of the paper.

    Args:
        changed: what differs between the arms, in words.
        section: of the paper.
        claim: what it says there, in our words.
        arms: the first is the way of the paper.
        notes: what one should know of how this differs from what the paper did.
    """

    name: str
    title: str
    changed: str
    section: str
    claim: str
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()


_UNREGULARIZED = {
    "crop": "center",
    "horizontal_flip": False,
    "pca_color": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "schedule": "constant",
}
_NO_COLOR = {"pca_color": 0.0, "brightness": 0.0, "contrast": 0.0}


def _without_regularization(name: str, activation: str) -> Arm:
    """As the nets of figure 1."""
    changes = {"activation": activation, "dropout": 0.0}
    return Arm(name=name, network=changes, recipe=_UNREGULARIZED)


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType(
    {
        experiment.name: experiment
        for experiment in (
            Experiment(
                name="relu",
                title="ReLU against tanh and sigmoid",
                changed="the activation",
                section="3.1, figure 1",
                claim="A net of four convolutional layers reaches a training error of 25% on "
                "CIFAR-10 six times faster with ReLU than with tanh.",
                arms=(
                    _without_regularization("ReLU", "relu"),
                    _without_regularization("tanh", "tanh"),
                    _without_regularization("sigmoid", "sigmoid"),
                ),
                comparisons=(
                    Comparison(of="ReLU", against="tanh", measure="epochs", claimed=6.0),
                    Comparison(of="ReLU", against="sigmoid", measure="epochs"),
                ),
                notes=(
                    "As in figure 1 nothing is regularized: no dropout, no weight decay, the "
                    "center of each image alone.",
                    "The learning rate is one for all; the paper chose one for each net, as fast "
                    "as it would go. Repeat with other values of --lr.",
                    "The initial weights have the same rule, with the gain of each activation.",
                ),
            ),
            Experiment(
                name="lrn",
                title="Local response normalization",
                changed="the normalization",
                section="3.3",
                claim="LRN lowers the top-1 and top-5 errors by 1.4 and 1.2 points; on CIFAR-10 "
                "13% become 11%.",
                arms=(
                    Arm(name="LRN", network={"norm": "lrn"}),
                    Arm(name="no LRN", network={"norm": "none"}),
                ),
                comparisons=(
                    Comparison(of="LRN", against="no LRN", claimed=1.4, claimed_top5=1.2),
                ),
                notes=(
                    "Initial weights that go by the size of a layer are larger after LRN by what "
                    "it divides small values by, so that both nets start with the same signal.",
                ),
            ),
            Experiment(
                name="overlap",
                title="Overlapping pooling",
                changed="the window of the pools",
                section="3.4",
                claim="Windows of 3 at a stride of 2 lower the top-1 and top-5 errors by 0.4 and "
                "0.3 points against windows of 2, and such nets overfit slightly less.",
                arms=(
                    Arm(name="windows of 3", network={"pool_window": 3, "pool_stride": 2}),
                    Arm(name="windows of 2", network={"pool_window": 2, "pool_stride": 2}),
                ),
                comparisons=(
                    Comparison(
                        of="windows of 3",
                        against="windows of 2",
                        claimed=0.4,
                        claimed_top5=0.3,
                    ),
                    Comparison(of="windows of 3", against="windows of 2", measure="gap"),
                ),
            ),
            Experiment(
                name="dropout",
                title="Dropout",
                changed="the dropout of fc6 and fc7",
                section="4.2",
                claim="Without dropout the network overfits substantially; with it, about twice as "
                "many iterations are needed.",
                arms=(
                    Arm(name="dropout", network={"dropout": 0.5}),
                    Arm(name="no dropout", network={"dropout": 0.0}),
                ),
                comparisons=(
                    Comparison(of="dropout", against="no dropout"),
                    Comparison(of="dropout", against="no dropout", measure="gap"),
                ),
            ),
            Experiment(
                name="augment",
                title="Crops, mirror images, colors",
                changed="how training images are varied",
                section="4.1",
                claim="Without crops and mirror images the network overfits substantially; the "
                "change of colors along the principal components lowers the top-1 error by over "
                "1 point more.",
                arms=(
                    Arm(name="crops and colors", recipe={**_NO_COLOR, "pca_color": 0.1}),
                    Arm(name="crops", recipe=_NO_COLOR),
                    Arm(
                        name="neither",
                        recipe={**_NO_COLOR, "crop": "center", "horizontal_flip": False},
                    ),
                ),
                comparisons=(
                    Comparison(of="crops and colors", against="crops", claimed=1.0),
                    Comparison(of="crops", against="neither"),
                    Comparison(of="crops", against="neither", measure="gap"),
                ),
                notes=("Crops are flipped too, unless the recipe says --no-horizontal-flip.",),
            ),
            Experiment(
                name="crops",
                title="Ten crops against one",
                changed="the views of a validation image",
                section="4.1, 6",
                claim="The mean over ten crops (center, corners, flipped) has 37.5% and 17.0% "
                "top-1 and top-5 errors, the center alone 39.0% and 18.3%.",
                arms=(Arm(name="ten crops", views=10), Arm(name="one crop")),
                comparisons=(
                    Comparison(of="ten crops", against="one crop", claimed=1.5, claimed_top5=1.3),
                ),
                notes=("Both look through the same trained network.",),
            ),
            Experiment(
                name="width",
                title="Two columns, one, or half of the kernels",
                changed="the number of kernels, and whether they are split into columns",
                section="3.2",
                claim="The net on two GPUs has top-1 and top-5 errors that are 1.7 and 1.2 points "
                "lower than those of a net with half of the kernels in conv1 to conv4 on one.",
                arms=(
                    Arm(name="two columns", network={"groups": (1, 2, 1, 2, 2)}),
                    Arm(name="half the kernels", network={"groups": 1}, halved=True),
                    Arm(name="one column", network={"groups": 1}),
                ),
                comparisons=(
                    Comparison(
                        of="two columns",
                        against="half the kernels",
                        claimed=1.7,
                        claimed_top5=1.2,
                    ),
                    Comparison(of="two columns", against="one column"),
                ),
                notes=(
                    "The paper does not compare with one column of all kernels; it is here because "
                    "many nets that are called AlexNet are built so.",
                ),
            ),
        )
    }
)
"""By name, in the order of the paper's claims."""


def chosen(name: str) -> tuple[Experiment, ...]:
    """The experiment of this name, or all.

    Raises:
        UserError: there is none of this name.

    Example:
        >>> [experiment.title for experiment in chosen("lrn")]
        ['Local response normalization']
    """
    check_names([name], (*EXPERIMENTS, ALL), "experiment")
    return tuple(EXPERIMENTS.values()) if name == ALL else (EXPERIMENTS[name],)
