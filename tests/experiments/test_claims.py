"""The claims are the paper's, and each experiment changes what it says and nothing else."""

import pytest

from alexnet.config.hyperparameters import recipe
from alexnet.experiments import EXPERIMENTS
from alexnet.experiments.claims import NETWORK, RECIPE, chosen
from alexnet.spec.architectures import VARIANTS, Architecture

# Sections 3.1 to 4.2 and 6 of the paper: experiment, arms, measure, number.
PAPER = {
    ("relu", "ReLU", "tanh", "epochs"): 6.0,
    ("lrn", "LRN", "no LRN", "error"): 1.4,
    ("overlap", "windows of 3", "windows of 2", "error"): 0.4,
    ("augment", "crops and colors", "crops", "error"): 1.0,
    ("crops", "ten crops", "one crop", "error"): 39.0 - 37.5,
    ("width", "two columns", "half the kernels", "error"): 1.7,
}
PAPER_TOP5 = {"lrn": 1.2, "overlap": 0.3, "crops": 18.3 - 17.0, "width": 1.2}

CHANGED = {
    "relu": {"activation"},
    "lrn": {"norm"},
    "overlap": {"pool_window"},
    "dropout": {"dropout"},
    "augment": {"pca_color", "crop", "horizontal_flip"},
    "crops": set(),
    "width": {"groups", "widths"},
}


def test_the_numbers_are_the_papers() -> None:
    claimed = {
        (e.name, c.of, c.against, c.measure): c.claimed
        for e in EXPERIMENTS.values()
        for c in e.comparisons
        if c.claimed is not None
    }
    assert claimed == pytest.approx(PAPER)
    top5 = {
        e.name: c.claimed_top5
        for e in EXPERIMENTS.values()
        for c in e.comparisons
        if c.claimed_top5 is not None
    }
    assert top5 == pytest.approx(PAPER_TOP5)


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("variant", [NETWORK, VARIANTS["half"], VARIANTS["owt"]], ids=str)
def test_the_arms_of_an_experiment_differ_in_its_field_alone(
    name: str, variant: Architecture
) -> None:
    experiment = EXPERIMENTS[name]
    all_of = [
        {**network.to_dict(), **training.to_dict()}
        for network, training in (arm.settings(variant, RECIPE) for arm in experiment.arms)
    ]
    differ = {field for field in all_of[0] if len({str(one[field]) for one in all_of}) > 1}
    assert differ <= CHANGED[name]
    assert differ or {arm.views for arm in experiment.arms} == {1, 10}


def test_half_the_kernels_are_those_of_the_papers_footnote() -> None:
    (halved,) = (arm for arm in EXPERIMENTS["width"].arms if arm.halved)
    network, _ = halved.settings(VARIANTS["paper"], recipe("paper"))
    assert network.widths == (48, 128, 192, 192, 256)
    assert network.groups == (1, 1, 1, 1, 1)


def test_both_poolings_give_the_common_network_maps_of_one_size() -> None:
    sizes = []
    for arm in EXPERIMENTS["overlap"].arms:
        network, _ = arm.settings(NETWORK, RECIPE)
        sizes.append([step.output_shape for step in network.trace()])
    assert sizes[0] == sizes[1]


def test_every_comparison_is_of_arms_that_there_are() -> None:
    for experiment in chosen("all"):
        names = [arm.name for arm in experiment.arms]
        assert len(set(names)) == len(names)
        assert {c.of for c in experiment.comparisons} <= set(names)
        assert {c.against for c in experiment.comparisons} <= set(names)
