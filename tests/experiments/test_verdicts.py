"""Differences, intervals and verdicts against SciPy's paired test and manual calculations."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from scipy.stats import ttest_rel

from alexnet.experiments import (
    ArmResult,
    Comparison,
    Experiment,
    Finding,
    TrainingOutcome,
    describe_finding,
)
from alexnet.experiments.claims import Arm
from alexnet.experiments.verdicts import compare_arms, epochs_until
from alexnet.history import Epoch

IMAGES = 1000


def epoch(number: int, *, train: float = 0.5, val: float = 0.5, top5: float = 1.0) -> Epoch:
    return Epoch(number, 0.01, 1.0, train, 1.0, val, top5)


def outcome(
    seed: int, top1: float, *, train: float | None = None, top5: float = 1.0
) -> TrainingOutcome:
    return TrainingOutcome(seed=seed, curve=(epoch(1, val=top1, top5=top5),), train_top1=train)


def compare(
    comparison: Comparison, arms: dict[str, list[TrainingOutcome]], num_classes: int = 5
) -> Finding:
    experiment = Experiment(
        name="x", title="", changed="", section="", claim="", arms=(), comparisons=(comparison,)
    )
    results = [ArmResult(arm=Arm(name=name), outcomes=tuple(of)) for name, of in arms.items()]
    return compare_arms(experiment, results, num_classes, IMAGES)[0]


def compare_errors(arm: list[float], baseline: list[float], **changes: object) -> Finding:
    """Compare two arms with these top-1 errors, in percent."""
    arms = {
        name: [outcome(seed, 1 - error / 100) for seed, error in enumerate(errors)]
        for name, errors in (("LRN", arm), ("none", baseline))
    }
    return compare(Comparison(arm="LRN", baseline="none", **changes), arms)  # type: ignore[arg-type]


# Errors well below chance level, or the arms are not compared.
counts = st.integers(0, IMAGES // 2)
errors = st.lists(st.tuples(counts, counts), min_size=2, max_size=12)


@given(errors)
def test_mean_and_interval_match_the_paired_t_test(pairs: list[tuple[int, int]]) -> None:
    own, other = ([pair[i] * 100 / IMAGES for pair in pairs] for i in (0, 1))
    assume(np.std(np.array(other) - np.array(own)) > 0.5)
    finding = compare_errors(own, other)
    expected = ttest_rel(other, own).confidence_interval(0.95)
    assert finding.mean == pytest.approx(np.mean(other) - np.mean(own), abs=1e-9)
    assert finding.low == pytest.approx(expected.low, abs=1e-9)
    assert finding.high == pytest.approx(expected.high, abs=1e-9)
    p = ttest_rel(other, own).pvalue
    assert (finding.verdict == "inconclusive") == (p >= 0.05)


@given(errors)
def test_swapping_the_arms_reverses_the_verdict(pairs: list[tuple[int, int]]) -> None:
    own, other = ([pair[i] * 100 / IMAGES for pair in pairs] for i in (0, 1))
    finding, swapped = compare_errors(own, other), compare_errors(other, own)
    opposite = {"supported": "reversed", "reversed": "supported"}
    assert opposite.get(finding.verdict, finding.verdict) == swapped.verdict
    assert finding.mean is not None
    assert swapped.mean == pytest.approx(-finding.mean, abs=1e-9)


def test_manually_calculated_interval() -> None:
    # Differences 1, 2, 3: mean 2, deviation 1, t of 2 degrees 4.3027: 2 ± 4.3027 / sqrt(3).
    finding = compare_errors([20, 20, 20], [21, 22, 23], claimed=1.4)
    assert (finding.mean, finding.verdict) == (pytest.approx(2.0), "inconclusive")
    assert finding.low == pytest.approx(2 - 2.4841, abs=1e-3)
    assert describe_finding(finding) == (
        "Inconclusive: with LRN the top-1 error is 2.0 points lower than with none (95% CI -0.5 to "
        "4.5, 3 seeds); paper: 1.4 points lower."
    )


def test_equal_differences_still_have_an_interval() -> None:
    """Errors count whole images; without that uncertainty the interval would have width 0."""
    assert compare_errors([20.0, 30.0], [20.1, 30.1]).verdict == "inconclusive"
    assert compare_errors([20.0, 30.0], [25.0, 35.0]).verdict == "supported"


def test_one_seed_is_inconclusive() -> None:
    finding = compare_errors([20], [40])
    assert (finding.verdict, finding.low) == ("inconclusive", None)
    assert "one seed gives no confidence interval" in describe_finding(finding)


def test_trainings_at_chance_level_are_not_compared() -> None:
    finding = compare_errors([79, 80, 81], [80, 81, 82])
    assert describe_finding(finding) == (
        "Inconclusive (top-1 error, LRN vs. none): no training was clearly above chance; increase "
        "--epochs."
    )
    assert compare_errors([79, 80, 81], [80, 81, 60]).mean is not None


def test_increased_error_is_described_as_higher() -> None:
    text = describe_finding(compare_errors([30, 31, 32], [29, 30.1, 31.2], claimed=1.0))
    assert text.startswith("Reversed: with LRN the top-1 error is 0.9 points higher")
    assert "95% CI 0.7 to 1.1" in text
    assert text.endswith("paper: 1 point lower.")


def test_diverged_training_is_named() -> None:
    arms = {
        "LRN": [outcome(0, 0.8), outcome(1, 0.8)],
        "none": [outcome(0, 0.7), TrainingOutcome(seed=1, curve=(), diverged="the loss is nan")],
    }
    finding = compare(Comparison(arm="LRN", baseline="none"), arms)
    assert finding.verdict == "inconclusive"
    assert describe_finding(finding) == (
        "Inconclusive (top-1 error, LRN vs. none): the training of none with seed 1 diverged."
    )


def test_gap_is_validation_minus_training_error() -> None:
    arms = {
        "LRN": [outcome(s, 0.80, train=0.85 + s / 100) for s in range(3)],
        "none": [outcome(s, 0.70, train=0.99) for s in range(3)],
    }
    finding = compare(Comparison(arm="LRN", baseline="none", measure="gap"), arms)
    # Gaps of 5, 6, 7 compared with 29 each.
    assert finding.differences == pytest.approx((24, 23, 22))


@pytest.mark.parametrize(("num_classes", "measures"), [(5, ["error"]), (10, ["error", "top5"])])
def test_top5_error_is_compared_with_more_than_five_classes(
    num_classes: int, measures: list[str]
) -> None:
    comparison = Comparison(arm="LRN", baseline="none", claimed=1.4, claimed_top5=1.2)
    experiment = Experiment(
        name="x", title="", changed="", section="", claim="", arms=(), comparisons=(comparison,)
    )
    results = [
        ArmResult(arm=Arm(name=name), outcomes=(outcome(0, 0.5, top5=0.9), outcome(1, 0.5)))
        for name in ("LRN", "none")
    ]
    findings = compare_arms(experiment, results, num_classes, IMAGES)
    assert [finding.comparison.measure for finding in findings] == measures
    assert findings[-1].comparison.claimed == (1.2 if num_classes > 5 else 1.4)


def learning_curve(*train: float) -> tuple[Epoch, ...]:
    return tuple(epoch(number, train=top1) for number, top1 in enumerate(train, start=1))


def test_epochs_until_interpolates_linearly() -> None:
    # Errors 0.5 and 0.1 in the middle of the two epochs: 0.25 at 5/8 of the way.
    assert epochs_until(learning_curve(0.5, 0.9), 0.25) == pytest.approx(0.5 + 0.625)
    assert epochs_until(learning_curve(0.8, 0.9), 0.25) == 0.5
    assert epochs_until(learning_curve(0.5, 0.6), 0.25) is None
    assert epochs_until(learning_curve(0.5, 0.75, 0.7), 0.25) == 1.5


def compare_speeds(arm: list[tuple[Epoch, ...]], baseline: list[tuple[Epoch, ...]]) -> Finding:
    arms = {
        name: [TrainingOutcome(seed=seed, curve=curve) for seed, curve in enumerate(of)]
        for name, of in (("ReLU", arm), ("tanh", baseline))
    }
    return compare(Comparison(arm="ReLU", baseline="tanh", measure="epochs", claimed=6.0), arms)


def test_mean_factor_is_geometric() -> None:
    # ReLU after 0.5 epochs; tanh after 1.5 and 2.5: factors 3 and 5.
    finding = compare_speeds(
        [learning_curve(0.8)] * 2, [learning_curve(0.0, 0.75), learning_curve(0.0, 0.0, 0.75)]
    )
    assert finding.differences == pytest.approx((3, 5))
    assert finding.mean == pytest.approx(math.sqrt(15))
    assert finding.no_effect == 1


def test_baseline_that_never_reaches_the_target_gives_a_lower_bound() -> None:
    finding = compare_speeds(
        [learning_curve(0.8)] * 3,
        [learning_curve(0.1, 0.1, 0.1)] * 2 + [learning_curve(0.0, 0.75, 0.8)],
    )
    assert finding.differences == pytest.approx((6, 6, 3))
    assert finding.is_lower_bound
    assert "tanh needs at least 4.8 times as many epochs as ReLU" in describe_finding(finding)


def test_paper_arm_that_misses_the_target_is_inconclusive() -> None:
    finding = compare_speeds(
        [learning_curve(0.8), learning_curve(0.1)], [learning_curve(0.1), learning_curve(0.1)]
    )
    assert finding.verdict == "inconclusive"
    assert "ReLU did not reach a training error of 25% with 1 of 2 seeds" in describe_finding(
        finding
    )
