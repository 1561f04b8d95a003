"""Differences, intervals and verdicts, against SciPy's paired test and values worked by hand."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from scipy.stats import ttest_rel

from alexnet.experiments import ArmResult, Comparison, Experiment, Finding, Trained, sentence
from alexnet.experiments.claims import Arm
from alexnet.experiments.verdicts import epochs_until, findings
from alexnet.history import Epoch

IMAGES = 1000


def epoch(number: int, *, train: float = 0.5, val: float = 0.5, top5: float = 1.0) -> Epoch:
    return Epoch(number, 0.01, 1.0, train, 1.0, val, top5)


def trained(seed: int, top1: float, *, train: float | None = None, top5: float = 1.0) -> Trained:
    return Trained(seed=seed, curve=(epoch(1, val=top1, top5=top5),), train_top1=train)


def judged(comparison: Comparison, arms: dict[str, list[Trained]], classes: int = 5) -> Finding:
    experiment = Experiment(
        name="x", title="", changed="", section="", claim="", arms=(), comparisons=(comparison,)
    )
    results = [ArmResult(arm=Arm(name=name), trained=tuple(of)) for name, of in arms.items()]
    return findings(experiment, results, classes, IMAGES)[0]


def errors_of(with_it: list[float], without: list[float], **of: object) -> Finding:
    """Of two arms with these top-1 errors, in percent."""
    arms = {
        name: [trained(seed, 1 - error / 100) for seed, error in enumerate(errors)]
        for name, errors in (("LRN", with_it), ("none", without))
    }
    return judged(Comparison(of="LRN", against="none", **of), arms)  # type: ignore[arg-type]


# Errors well below chance, or nothing would be compared.
counts = st.integers(0, IMAGES // 2)
errors = st.lists(st.tuples(counts, counts), min_size=2, max_size=12)


@given(errors)
def test_mean_and_interval_are_those_of_the_paired_t_test(pairs: list[tuple[int, int]]) -> None:
    own, other = ([pair[i] * 100 / IMAGES for pair in pairs] for i in (0, 1))
    assume(np.std(np.array(other) - np.array(own)) > 0.5)
    found = errors_of(own, other)
    expected = ttest_rel(other, own).confidence_interval(0.95)
    assert found.mean == pytest.approx(np.mean(other) - np.mean(own), abs=1e-9)
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)
    p = ttest_rel(other, own).pvalue
    assert (found.verdict == "not shown") == (p >= 0.05)


@given(errors)
def test_the_other_way_round_is_the_other_way_round(pairs: list[tuple[int, int]]) -> None:
    own, other = ([pair[i] * 100 / IMAGES for pair in pairs] for i in (0, 1))
    there, back = errors_of(own, other), errors_of(other, own)
    turned = {"shown": "the other way round", "the other way round": "shown"}
    assert turned.get(there.verdict, there.verdict) == back.verdict
    assert there.mean is not None
    assert back.mean == pytest.approx(-there.mean, abs=1e-9)


def test_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, deviation 1, t of 2 degrees 4.3027: 2 ± 4.3027 / sqrt(3).
    found = errors_of([20, 20, 20], [21, 22, 23], claimed=1.4)
    assert (found.mean, found.verdict) == (pytest.approx(2.0), "not shown")
    assert found.low == pytest.approx(2 - 2.4841, abs=1e-3)
    assert sentence(found) == (
        "Not shown: with LRN the top-1 error is 2.0 points lower than with none (95% interval -0.5 "
        "to 4.5, 3 seeds); in the paper 1.4 lower."
    )


def test_equal_differences_of_two_seeds_are_no_certainty() -> None:
    """An image more or less in each is chance; without its width the interval would be 0."""
    assert errors_of([20.0, 30.0], [20.1, 30.1]).verdict == "not shown"
    assert errors_of([20.0, 30.0], [25.0, 35.0]).verdict == "shown"


def test_one_seed_shows_nothing() -> None:
    found = errors_of([20], [40])
    assert (found.verdict, found.low) == ("not shown", None)
    assert "one seed has no interval" in sentence(found)


def test_trainings_that_all_stayed_at_chance_are_not_compared() -> None:
    found = errors_of([79, 80, 81], [80, 81, 82])
    assert sentence(found) == (
        "Not shown (top-1 error, LRN against none): neither was surely better than guessing; give "
        "more --epochs."
    )
    assert errors_of([79, 80, 81], [80, 81, 60]).mean is not None


def test_an_error_that_rises_is_said_to_rise() -> None:
    said = sentence(errors_of([30, 31, 32], [29, 30.1, 31.2], claimed=1.0))
    assert said.startswith("The other way round: with LRN the top-1 error is 0.9 points higher")
    assert "95% interval 0.7 to 1.1" in said
    assert said.endswith("in the paper 1 lower.")


def test_a_training_that_diverged_is_named() -> None:
    arms = {
        "LRN": [trained(0, 0.8), trained(1, 0.8)],
        "none": [trained(0, 0.7), Trained(seed=1, curve=(), diverged="the loss is nan")],
    }
    found = judged(Comparison(of="LRN", against="none"), arms)
    assert found.verdict == "not shown"
    assert sentence(found) == (
        "Not shown (top-1 error, LRN against none): the training of none, seed 1, diverged."
    )


def test_the_gap_is_between_validation_and_training_error() -> None:
    arms = {
        "LRN": [trained(s, 0.80, train=0.85 + s / 100) for s in range(3)],
        "none": [trained(s, 0.70, train=0.99) for s in range(3)],
    }
    found = judged(Comparison(of="LRN", against="none", measure="gap"), arms)
    # Gaps of 5, 6, 7 against 29 each.
    assert found.differences == pytest.approx((24, 23, 22))


@pytest.mark.parametrize(("classes", "measures"), [(5, ["error"]), (10, ["error", "top5"])])
def test_the_top5_error_counts_where_there_are_more_classes(
    classes: int, measures: list[str]
) -> None:
    comparison = Comparison(of="LRN", against="none", claimed=1.4, claimed_top5=1.2)
    experiment = Experiment(
        name="x", title="", changed="", section="", claim="", arms=(), comparisons=(comparison,)
    )
    results = [
        ArmResult(arm=Arm(name=name), trained=(trained(0, 0.5, top5=0.9), trained(1, 0.5)))
        for name in ("LRN", "none")
    ]
    found = findings(experiment, results, classes, IMAGES)
    assert [one.comparison.measure for one in found] == measures
    assert found[-1].comparison.claimed == (1.2 if classes > 5 else 1.4)


def course(*train: float) -> tuple[Epoch, ...]:
    return tuple(epoch(number, train=top1) for number, top1 in enumerate(train, start=1))


def test_epochs_until_the_goal() -> None:
    # Errors 0.5 in the middle of the first epoch, 0.1 in that of the second: 0.25 at 5/8 between.
    assert epochs_until(course(0.5, 0.9), 0.25) == pytest.approx(0.5 + 0.625)
    assert epochs_until(course(0.8, 0.9), 0.25) == 0.5
    assert epochs_until(course(0.5, 0.6), 0.25) is None
    assert epochs_until(course(0.5, 0.75, 0.7), 0.25) == 1.5


def speeds(own: list[tuple[Epoch, ...]], other: list[tuple[Epoch, ...]]) -> Finding:
    arms = {
        name: [Trained(seed=seed, curve=curve) for seed, curve in enumerate(of)]
        for name, of in (("ReLU", own), ("tanh", other))
    }
    return judged(Comparison(of="ReLU", against="tanh", measure="epochs", claimed=6.0), arms)


def test_a_factor_is_the_geometric_mean_of_the_pairs() -> None:
    # ReLU after 0.5 epochs; tanh after 1.5 and 2.5: factors 3 and 5.
    found = speeds([course(0.8)] * 2, [course(0.0, 0.75), course(0.0, 0.0, 0.75)])
    assert found.differences == pytest.approx((3, 5))
    assert found.mean == pytest.approx(math.sqrt(15))
    assert found.nothing == 1


def test_what_never_gets_there_takes_at_least_as_long_as_it_was_given() -> None:
    found = speeds([course(0.8)] * 3, [course(0.1, 0.1, 0.1)] * 2 + [course(0.0, 0.75, 0.8)])
    assert found.differences == pytest.approx((6, 6, 3))
    assert found.at_least
    assert "tanh needs at least 4.8 times the epochs of ReLU" in sentence(found)


def test_when_the_way_of_the_paper_does_not_get_there_nothing_is_shown() -> None:
    found = speeds([course(0.8), course(0.1)], [course(0.1), course(0.1)])
    assert found.verdict == "not shown"
    assert "ReLU itself did not reach a training error of 25% with 1 of 2 seeds" in sentence(found)
