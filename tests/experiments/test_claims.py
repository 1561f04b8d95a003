"""Claims match the paper, and each experiment changes the setting that it names and no other."""

import pytest

from alexnet.config.hyperparameters import recipe
from alexnet.experiments import EXPERIMENTS
from alexnet.experiments.claims import NETWORK, RECIPE, select_experiments
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import VARIANTS

# Sections 3.1 to 4.2 and 6 of the paper: experiment, arm, baseline, measure, improvement.
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


def test_claimed_numbers_match_the_paper() -> None:
    claimed = {
        (e.name, c.arm, c.baseline, c.measure): c.claimed
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
def test_arms_differ_only_in_the_fields_of_their_experiment(
    name: str, variant: Architecture
) -> None:
    experiment = EXPERIMENTS[name]
    settings = [
        {**network.to_dict(), **training.to_dict()}
        for network, training in (arm.settings(variant, RECIPE) for arm in experiment.arms)
    ]
    differing = {field for field in settings[0] if len({str(one[field]) for one in settings}) > 1}
    assert differing <= CHANGED[name]
    assert differing or {arm.crops for arm in experiment.arms} == {1, 10}


def test_half_width_follows_the_papers_footnote() -> None:
    (half_width,) = (arm for arm in EXPERIMENTS["width"].arms if arm.is_half_width)
    network, _ = half_width.settings(VARIANTS["paper"], recipe("paper"))
    assert network.widths == (48, 128, 192, 192, 256)
    assert network.groups == (1, 1, 1, 1, 1)


def test_both_pooling_windows_have_the_same_output_shapes() -> None:
    shapes = []
    for arm in EXPERIMENTS["overlap"].arms:
        network, _ = arm.settings(NETWORK, RECIPE)
        shapes.append([step.output_shape for step in network.trace()])
    assert shapes[0] == shapes[1]


def test_every_comparison_refers_to_existing_arms() -> None:
    for experiment in select_experiments("all"):
        names = [arm.name for arm in experiment.arms]
        assert len(set(names)) == len(names)
        assert {c.arm for c in experiment.comparisons} <= set(names)
        assert {c.baseline for c in experiment.comparisons} <= set(names)
