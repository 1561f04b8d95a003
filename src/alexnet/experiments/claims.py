"""The paper's claims as experiments: the arms to compare and the numbers that the paper reports.

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks,
NIPS 2012. Each experiment trains the same network on the same images in the same order with one
setting changed; the first arm is the paper's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.settings import check_names
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture

ALL = "all"

NETWORK = architecture(
    "paper",
    # At 64 pixels the inputs of the pooling layers are 15, 7 and 3 wide, odd like 55, 27 and 13 at
    # 224: windows of 3 and of 2 then give outputs of the same size, as section 3.4 requires.
    image_size=64,
    widths=(48, 128, 192, 192, 128),
    hidden=(1024, 1024),
    init="damped",
)
"""The paper's network with half of its kernels: small enough to train dozens on two cores."""

RECIPE = recipe("fast", image_size=None, brightness=0.0, contrast=0.0)
"""The recipe `fast` with crops and flips only, as in the paper's first augmentation scheme, at the
network's image size."""

Measure = Literal["error", "top5", "gap", "epochs"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm of an experiment: its changes to the common network and recipe.

    Args:
        name: name of the arm in tables and figures.
        network: fields of `Architecture` to override.
        recipe: fields of `Recipe` to override.
        crops: crops of a validation image whose probabilities are averaged, 1 or 10.
        is_half_width: use half of the kernels in conv1 to conv4. Per the paper's second footnote,
            its net on one GPU has all kernels in conv5, which determines the size of fc6.
    """

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    crops: int = 1
    is_half_width: bool = False

    def settings(self, network: Architecture, recipe: Recipe) -> tuple[Architecture, Recipe]:
        """Return the network and recipe of this arm."""
        changes = dict(self.network)
        if self.is_half_width:
            changes["widths"] = (*(width // 2 for width in network.widths[:4]), network.widths[4])
        return architecture(network, **changes), replace(recipe, **self.recipe)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison of the paper's arm with a baseline, and the improvement that the paper reports.

    Args:
        arm: name of the arm that the paper reports to be better.
        baseline: name of the arm to compare with.
        measure: `error` or `top5`, the difference in top-1 or top-5 error on the validation set
            after the last epoch, in points; `gap`, the difference in the gap between validation
            and training error, in points; `epochs`, the ratio of the epochs to a training error
            of 25%.
        claimed: improvement reported in the paper; None if it reports no number.
        claimed_top5: improvement of the top-5 error reported in the paper.
    """

    arm: str
    baseline: str
    measure: Measure = "error"
    claimed: float | None = None
    claimed_top5: float | None = None


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One claim of the paper.

    Args:
        name: name on the command line.
        title: heading in reports.
        changed: the setting that differs between the arms.
        section: sections of the paper that make the claim.
        claim: the claim, paraphrased.
        arms: all arms; the first is the paper's.
        comparisons: pairs of arms to compare.
        notes: differences from the paper's own experiment.
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
    """Return an arm without regularization, as the nets of figure 1."""
    changes = {"activation": activation, "dropout": 0.0}
    return Arm(name=name, network=changes, recipe=_UNREGULARIZED)


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType(
    {
        experiment.name: experiment
        for experiment in (
            Experiment(
                name="relu",
                title="ReLU vs. tanh and sigmoid",
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
                    Comparison(arm="ReLU", baseline="tanh", measure="epochs", claimed=6.0),
                    Comparison(arm="ReLU", baseline="sigmoid", measure="epochs"),
                ),
                notes=(
                    "As in figure 1, there is no regularization: no dropout, no weight decay, "
                    "center crops only.",
                    "All arms have the same learning rate; the paper chose the fastest one for "
                    "each net. Repeat with other values of --lr.",
                    "All arms have the same weight initialization, with the gain of each "
                    "activation.",
                ),
            ),
            Experiment(
                name="lrn",
                title="Local response normalization",
                changed="the normalization",
                section="3.3",
                claim="LRN lowers the top-1 and top-5 errors by 1.4 and 1.2 points, and the error "
                "on CIFAR-10 from 13% to 11%.",
                arms=(
                    Arm(name="LRN", network={"norm": "lrn"}),
                    Arm(name="no LRN", network={"norm": "none"}),
                ),
                comparisons=(
                    Comparison(arm="LRN", baseline="no LRN", claimed=1.4, claimed_top5=1.2),
                ),
                notes=(
                    "Initial weights that scale with the layer size are larger after LRN by the "
                    "factor by which LRN shrinks small values, so that both nets start with the "
                    "same signal.",
                ),
            ),
            Experiment(
                name="overlap",
                title="Overlapping pooling",
                changed="the pooling window",
                section="3.4",
                claim="Windows of 3 at stride 2 lower the top-1 and top-5 errors by 0.4 and 0.3 "
                "points compared with windows of 2, and such nets overfit slightly less.",
                arms=(
                    Arm(name="windows of 3", network={"pool_window": 3, "pool_stride": 2}),
                    Arm(name="windows of 2", network={"pool_window": 2, "pool_stride": 2}),
                ),
                comparisons=(
                    Comparison(
                        arm="windows of 3",
                        baseline="windows of 2",
                        claimed=0.4,
                        claimed_top5=0.3,
                    ),
                    Comparison(arm="windows of 3", baseline="windows of 2", measure="gap"),
                ),
            ),
            Experiment(
                name="dropout",
                title="Dropout",
                changed="dropout in fc6 and fc7",
                section="4.2",
                claim="Without dropout the network overfits substantially; dropout roughly doubles "
                "the number of iterations to convergence.",
                arms=(
                    Arm(name="dropout", network={"dropout": 0.5}),
                    Arm(name="no dropout", network={"dropout": 0.0}),
                ),
                comparisons=(
                    Comparison(arm="dropout", baseline="no dropout"),
                    Comparison(arm="dropout", baseline="no dropout", measure="gap"),
                ),
            ),
            Experiment(
                name="augment",
                title="Data augmentation: crops, flips, colors",
                changed="the data augmentation",
                section="4.1",
                claim="Without random crops and flips the network overfits substantially; color "
                "augmentation along the principal components lowers the top-1 error by another "
                "point or more.",
                arms=(
                    Arm(name="crops and colors", recipe={**_NO_COLOR, "pca_color": 0.1}),
                    Arm(name="crops", recipe=_NO_COLOR),
                    Arm(
                        name="neither",
                        recipe={**_NO_COLOR, "crop": "center", "horizontal_flip": False},
                    ),
                ),
                comparisons=(
                    Comparison(arm="crops and colors", baseline="crops", claimed=1.0),
                    Comparison(arm="crops", baseline="neither"),
                    Comparison(arm="crops", baseline="neither", measure="gap"),
                ),
                notes=("Crops are also flipped, unless --no-horizontal-flip is set.",),
            ),
            Experiment(
                name="crops",
                title="Ten crops vs. one",
                changed="the number of crops of a validation image",
                section="4.1, 6",
                claim="Averaging predictions over ten crops (center, corners, flips) gives top-1 "
                "and top-5 errors of 37.5% and 17.0%, the center crop alone 39.0% and 18.3%.",
                arms=(Arm(name="ten crops", crops=10), Arm(name="one crop")),
                comparisons=(
                    Comparison(arm="ten crops", baseline="one crop", claimed=1.5, claimed_top5=1.3),
                ),
                notes=("Both arms evaluate the same trained network.",),
            ),
            Experiment(
                name="width",
                title="Two columns, one column, or half of the kernels",
                changed="the number of kernels or their split into columns",
                section="3.2",
                claim="The net on two GPUs has top-1 and top-5 errors that are 1.7 and 1.2 points "
                "lower than those of a net with half of the kernels in conv1 to conv4 on one.",
                arms=(
                    Arm(name="two columns", network={"groups": (1, 2, 1, 2, 2)}),
                    Arm(name="half the kernels", network={"groups": 1}, is_half_width=True),
                    Arm(name="one column", network={"groups": 1}),
                ),
                comparisons=(
                    Comparison(
                        arm="two columns",
                        baseline="half the kernels",
                        claimed=1.7,
                        claimed_top5=1.2,
                    ),
                    Comparison(arm="two columns", baseline="one column"),
                ),
                notes=(
                    "The paper does not compare with one column of all kernels; it is included "
                    "because many networks called AlexNet have this form.",
                ),
            ),
        )
    }
)
"""All experiments by name."""


def select_experiments(name: str) -> tuple[Experiment, ...]:
    """Return the experiment of this name, or all experiments for `all`.

    Raises:
        UserError: if the name does not exist.

    Example:
        >>> [experiment.title for experiment in select_experiments("lrn")]
        ['Local response normalization']
    """
    check_names([name], (*EXPERIMENTS, ALL), "experiment")
    return tuple(EXPERIMENTS.values()) if name == ALL else (EXPERIMENTS[name],)
