"""The figures against values worked by hand, scikit-learn and SciPy."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from alexnet.errors import UserError
from alexnet.evaluation import measure, wilson

NAMES = list("abcdefgh")


def by_hand():
    """Five images of three classes; c is never predicted."""
    p = [[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]
    return measure(p, [0, 0, 1, 1, 2], ["a", "b", "c"])


def test_figures_worked_by_hand():
    metrics = by_hand()
    assert metrics.count == 5
    assert metrics.top1 == 2 / 5
    assert (metrics.top5, metrics.top5_k) == (1, 3)
    assert metrics.confusion.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 0]]
    a, b, c = metrics.per_class
    assert (a.precision, a.recall, a.f1, a.support) == (1 / 2, 1 / 2, 1 / 2, 2)
    assert (b.precision, b.recall, b.f1, b.support) == (1 / 3, 1 / 2, 2 / 5, 2)
    assert (c.precision, c.recall, c.f1, c.support) == (None, 0, 0, 1)
    assert metrics.loss == pytest.approx(-np.log([0.7, 0.4, 0.8, 0.3, 0.3]).mean())


def test_class_without_images_has_no_recall():
    metrics = measure([[0.9, 0.1, 0.0]], [0], ["a", "b", "c"])
    assert metrics.per_class[2].recall is None
    assert metrics.per_class[2].f1 is None


def test_dict_is_strict_json():
    text = json.dumps(by_hand().to_dict(), allow_nan=False)
    again = json.loads(text)
    assert again["top1_interval"] == pytest.approx(list(wilson(2, 5)))
    assert again["per_class"][2] == {
        "class": "c",
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
        "support": 1,
    }


@pytest.mark.parametrize(("hits", "count"), [(8, 10), (0, 7), (7, 7), (1, 1), (612, 1000)])
def test_interval_is_wilsons(hits, count):
    expected = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert wilson(hits, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_interval_of_8_of_10_as_in_the_textbooks():
    assert [round(end, 3) for end in wilson(8, 10)] == [0.490, 0.943]


@st.composite
def predictions(draw):
    classes, count = draw(st.integers(2, 8)), draw(st.integers(1, 40))
    logits = np.random.default_rng(draw(st.integers(0, 2**32))).normal(0, 3, (count, classes))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count))
    return softmax(logits, axis=1), np.array(labels), NAMES[:classes]


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_figures_are_those_of_scikit_learn(case):
    p, labels, names = case
    metrics, numbers, predicted = measure(p, labels, names), range(len(names)), p.argmax(axis=1)
    assert metrics.top1 == pytest.approx(accuracy_score(labels, predicted))
    assert metrics.loss == pytest.approx(log_loss(labels, p, labels=list(numbers)))
    matrix = confusion_matrix(labels, predicted, labels=list(numbers))
    assert (metrics.confusion == matrix).all()
    if len(names) > 5:
        top5 = top_k_accuracy_score(labels, p, k=5, labels=list(numbers))
        assert metrics.top5 == pytest.approx(top5)
    expected = precision_recall_fscore_support(
        labels, predicted, labels=list(numbers), zero_division=np.nan
    )
    for i, one in enumerate(metrics.per_class):
        for value, theirs in zip((one.precision, one.recall), expected[:2], strict=True):
            assert (value is None) == bool(np.isnan(theirs[i]))
            assert value is None or value == pytest.approx(theirs[i])
        assert one.support == expected[3][i]


@settings(max_examples=40, deadline=None)
@given(predictions())
def test_figures_agree_with_each_other(case):
    metrics = measure(*case)
    assert metrics.top1_interval[0] <= metrics.top1 <= metrics.top1_interval[1]
    assert metrics.top1 <= metrics.top5 <= 1
    assert np.trace(metrics.confusion) == round(metrics.top1 * metrics.count)
    assert sum(one.support for one in metrics.per_class) == metrics.count == metrics.confusion.sum()
    if len(case[2]) <= 5:
        assert metrics.top5 == 1


def test_equal_probabilities_count_once():
    metrics = measure(np.full((4, 4), 0.25), [0, 1, 2, 3], list("abcd"))
    assert metrics.top1 == 1 / 4
    assert metrics.confusion[:, 0].tolist() == [1, 1, 1, 1]


def test_certain_mistake_has_a_finite_loss():
    assert np.isfinite(measure([[1.0, 0.0]], [1], ["a", "b"]).loss)


def test_softmax_of_large_logits():
    assert softmax([[1e4, 0, -1e4]], axis=1).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(
    ("p", "labels", "text"),
    [
        (np.zeros((0, 2)), [], "no images"),
        ([[0.5, 0.5]], [2], "from 0 to 1"),
        ([[0.5, 0.5]], [0, 1], "shape"),
        ([[np.nan, 0.5]], [0], "finite"),
    ],
)
def test_wrong_input_is_named(p, labels, text):
    with pytest.raises(UserError, match=text):
        measure(p, labels, ["a", "b"])
