"""The diagnosis of trainings that were made to show one condition each, and of healthy ones."""

import csv
import itertools
import json
import math
from pathlib import Path

import pytest

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.config.settings import fields
from alexnet.diagnosis.measurements import Measured, from_dict
from alexnet.diagnosis.suggestions import Setup, advise
from alexnet.errors import UserError
from alexnet.history import Epoch
from alexnet.spec.architectures import Architecture, architecture
from alexnet.training import Diagnosis, diagnose

CURVES = Path(__file__).parent / "curves"
RUNS = json.loads((CURVES / "runs.json").read_text())
VERDICTS = (
    "overfitting",
    "too few images",
    "underfitting",
    "learning rate too high",
    "learning rate too low",
    "standing still",
    "dead ReLUs",
    "not finished",
    "good",
)


def rows(name: str) -> list[dict[str, str]]:
    path = CURVES / f"{name}.csv"
    if not path.exists():  # it diverged in its first epoch
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def diagnosis(name: str) -> Diagnosis:
    made = RUNS[name]
    return diagnose(
        rows(name),
        measured=from_dict(made["measured"]),
        recipe=Recipe(**made["recipe"]),
        architecture=Architecture(**made["architecture"]),
    )


@pytest.mark.parametrize("name", RUNS)
def test_the_verdict_is_what_the_run_was_made_to_show(name: str) -> None:
    found = diagnosis(name)
    assert found.verdict in RUNS[name]["shows"].split(" or "), found.line
    assert "\n" not in found.line
    assert found.evidence
    assert bool(found.advice) == (found.verdict != "good")


@pytest.mark.parametrize("name", [name for name in RUNS if rows(name)])
def test_a_run_that_was_stopped_is_judged_only_by_what_more_epochs_do_not_mend(name: str) -> None:
    """Each run at each of its epochs, as if it had been stopped there."""
    made, table = RUNS[name], rows(name)
    known = from_dict(made["measured"])
    for count in range(1, len(table)):
        found = diagnose(
            table[:count],
            classes=len(known.val_counts),
            val=known.val,
            recipe=Recipe(**made["recipe"]),
            architecture=Architecture(**made["architecture"]),
        )
        if found.verdict == "stopped":
            assert found.line == f"stopped after {count} of {len(table)} epochs"
        else:
            assert found.verdict in ("overfitting", "learning rate too high")
            assert found.verdict == made["shows"]


def course(**columns: list[float]) -> list[Epoch]:
    """Rows of a course; what is not given follows from the training's figures."""
    count = len(next(iter(columns.values())))
    given = {"lr": [0.02] * count, "val_top5": [1.0] * count, **columns}
    given.setdefault("val_loss", given["train_loss"])
    given.setdefault("val_top1", given["train_top1"])
    return [Epoch(i + 1, **{name: given[name][i] for name in given}) for i in range(count)]


LEARNING = [1.6 * 0.8**i for i in range(20)]
RIGHT = [1 - 0.8 * 0.8**i for i in range(20)]


def test_overfitting_says_since_when_and_how_far_apart() -> None:
    best = 8
    val_loss = [*LEARNING[:best], *(LEARNING[best - 1] + 0.1 * i for i in range(1, 21 - best))]
    found = diagnose(
        course(
            train_loss=LEARNING,
            train_top1=RIGHT,
            val_loss=val_loss,
            val_top1=[min(top1, 0.7) for top1 in RIGHT],
        ),
        classes=5,
        val=800,
    )
    assert found.verdict == "overfitting"
    assert found.since == best + 1
    assert found.sentence == "overfitting since epoch 9: training 99%, validation 70%"


def test_the_same_difference_among_few_images_is_noise() -> None:
    columns = {"train_loss": LEARNING, "train_top1": RIGHT, "val_loss": LEARNING}
    curves = course(**columns, val_top1=[min(top1, 0.85) for top1 in RIGHT])
    assert diagnose(curves, classes=5, val=1000).verdict == "overfitting"
    found = diagnose(curves, classes=5, val=10)
    assert found.verdict == "too few images"
    assert "10 to validate on" in found.sentence


def test_a_loss_that_is_no_number_is_a_learning_rate_too_high() -> None:
    curves = course(train_loss=[1.6, 1.5, math.nan], train_top1=[0.2, 0.3, 0.2])
    found = diagnose(curves, classes=5, val=100)
    assert found.verdict == "learning rate too high"
    assert "in epoch 3" in found.sentence


def test_values_may_be_texts() -> None:
    columns = {"train_loss": LEARNING, "train_top1": RIGHT}
    tops = [round(top1 * 480) / 480 for top1 in RIGHT]
    curves = course(**columns, val_top1=tops)
    texts = [{key: repr(value) for key, value in vars(row).items()} for row in curves]
    assert diagnose(texts, classes=5) == diagnose(curves, classes=5)


def test_of_how_many_images_is_said_only_where_it_is_known() -> None:
    """Shares of 336 images may well be shares of 168."""
    tops = [round(top1 * 168) / 168 for top1 in RIGHT]
    curves = course(train_loss=LEARNING, train_top1=RIGHT, val_top1=tops)
    unknown = " ".join(diagnose(curves, classes=5).evidence)
    assert "validation images at the end: 98.8% " in unknown
    assert "interval" not in unknown
    known = " ".join(diagnose(curves, classes=5, val=336).evidence)
    assert "validation images at the end: 98.8% of 336 (95% interval " in known


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([{"epoch": "1", "loss": "2"}], "has no 'lr'"),
        ([dict.fromkeys(vars(course(train_loss=[1], train_top1=[1])[0]), "x")], "cannot be used"),
        ([], "no epoch"),
    ],
)
def test_other_tables_are_refused_in_a_line(table: list[dict[str, str]], said: str) -> None:
    with pytest.raises(UserError, match=said):
        diagnose(table, classes=5)


def test_rows_without_the_number_of_classes_are_refused() -> None:
    with pytest.raises(UserError, match="classes="):
        diagnose(course(train_loss=LEARNING, train_top1=RIGHT))


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("name", ["fast", "tutorial", "paper"])
def test_advice_names_options_that_exist_and_would_change_something(
    verdict: str, name: str
) -> None:
    from alexnet.config.settings import as_text

    chosen = recipe(name)
    start = {} if chosen.init is None else {"init": chosen.init}
    for network in (
        architecture("half", **start),
        architecture("paper", dropout=0.0, widths=8, **start),
    ):
        for option, _ in advise(verdict, Setup(chosen, network, 50)):
            words = option.split()
            for flag, value in itertools.pairwise(words):
                if flag == "--set":
                    field, _, wanted = value.partition("=")
                    assert as_text(getattr(network, field)) != wanted
                    assert getattr(architecture(network, **{field: wanted}), field) is not None
                elif flag == "--variant":
                    assert architecture(value).variant != network.variant
                elif flag.startswith("--"):
                    field = flag[2:].replace("-", "_")
                    assert field in {known.name for known in fields(Recipe)}
                    assert as_text(getattr(chosen, field)) != value
                    recipe(name, **{field: value})


def test_what_is_measured_can_be_kept() -> None:
    measured = Measured(train_counts=(3, 4), val_counts=(1, 1), silent={"relu1": 0.5})
    from alexnet.diagnosis.measurements import to_dict

    assert from_dict(json.loads(json.dumps(to_dict(measured)))) == measured
