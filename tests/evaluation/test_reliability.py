"""The calibration error agrees with one computed image by image, and with values by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet.errors import UserError
from alexnet.evaluation import calibration


def by_hand(confidence: list[float], right: list[bool], bins: int) -> float:
    """Section 2.1 of arXiv 1706.04599, written as it is printed there."""
    total, n = 0.0, len(confidence)
    for m in range(1, bins + 1):
        low, high = (m - 1) / bins, m / bins
        inside = [
            i for i in range(n) if low < confidence[i] <= high or (m == 1 and confidence[i] == 0)
        ]
        if inside:
            accuracy = np.mean([right[i] for i in inside])
            mean = np.mean([confidence[i] for i in inside])
            total += len(inside) / n * abs(accuracy - mean)
    return total


SURE_AND_RIGHT = st.tuples(st.floats(0, 1), st.booleans())


@given(st.lists(SURE_AND_RIGHT, min_size=1, max_size=200), st.integers(1, 20))
def test_it_agrees_with_the_definition(pairs, bins):
    confidence, right = map(list, zip(*pairs, strict=True))
    calibration_ = calibration(confidence, right, bins)
    assert calibration_.error == pytest.approx(by_hand(confidence, right, bins), abs=1e-9)
    assert sum(one.count for one in calibration_.bins) == len(pairs)
    assert calibration_.lean == pytest.approx(np.mean(confidence) - np.mean(right), abs=1e-9)
    assert abs(calibration_.lean) <= calibration_.error + 1e-9


def test_a_value_on_an_edge_belongs_to_the_bin_below():
    calibration_ = calibration([0.2, 0.4, 1.0, 0.0], [True] * 4, bins=5)
    assert [one.count for one in calibration_.bins] == [2, 1, 0, 0, 1]


def test_the_default_is_the_papers_number_of_bins():
    calibration_ = calibration([1.0], [True])
    assert len(calibration_.bins) == 15
    assert calibration_.error == 0
    assert calibration_.bins[0].accuracy is None


def test_a_network_that_is_always_sure_is_as_wrong_as_it_is_uncalibrated():
    calibration_ = calibration([1.0] * 10, [True] * 7 + [False] * 3)
    assert calibration_.error == pytest.approx(0.3)
    assert calibration_.lean == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("confidence", "right", "message"),
    [
        ([], [], "expected N confidences"),
        ([0.5], [True, False], "expected N confidences"),
        ([1.5], [True], "between 0 and 1"),
        ([float("nan")], [True], "between 0 and 1"),
    ],
)
def test_what_is_no_confidence_is_refused(confidence, right, message):
    with pytest.raises(UserError, match=message):
        calibration(confidence, right)


def test_no_bins_are_refused():
    with pytest.raises(UserError, match="at least 1"):
        calibration([0.5], [True], bins=0)
