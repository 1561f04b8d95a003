"""Diagnosis of runs that each show one condition, and of healthy ones."""

import csv
import itertools
import json
import math
from pathlib import Path

import pytest

from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.diagnosis.measurements import Measurements, from_dict, to_dict
from alexnet.diagnosis.suggestions import Setup, advise
from alexnet.errors import UserError
from alexnet.history import Epoch
from alexnet.settings import as_text, fields
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import architecture
from alexnet.training import Diagnosis, diagnose

CURVES = Path(__file__).parent / "curves"
RUNS = json.loads((CURVES / "runs.json").read_text())
VERDICTS = (
    "overfitting",
    "too few images",
    "underfitting",
    "learning rate too high",
    "learning rate too low",
    "not learning",
    "dead ReLUs",
    "not converged yet",
    "healthy fit",
)


def rows(name: str) -> list[dict[str, str]]:
    path = CURVES / f"{name}.csv"
    if not path.exists():  # the run diverged in its first epoch
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def diagnosis(name: str) -> Diagnosis:
    run = RUNS[name]
    return diagnose(
        rows(name),
        measurements=from_dict(run["measurements"]),
        recipe=Recipe(**run["recipe"]),
        architecture=Architecture(**run["architecture"]),
    )


@pytest.mark.parametrize("name", RUNS)
def test_each_run_gets_the_expected_verdict(name: str) -> None:
    result = diagnosis(name)
    assert result.verdict in RUNS[name]["expected"].split(" or "), result.line
    assert "\n" not in result.line
    assert result.evidence
    assert bool(result.advice) == (result.verdict != "healthy fit")


@pytest.mark.parametrize("name", [name for name in RUNS if rows(name)])
def test_interrupted_runs_only_report_what_more_epochs_do_not_fix(name: str) -> None:
    """Each run, interrupted after each of its epochs."""
    run, table = RUNS[name], rows(name)
    measurements = from_dict(run["measurements"])
    for count in range(1, len(table)):
        result = diagnose(
            table[:count],
            num_classes=len(measurements.val_counts),
            val_count=measurements.val,
            recipe=Recipe(**run["recipe"]),
            architecture=Architecture(**run["architecture"]),
        )
        if result.verdict == "interrupted":
            assert result.line == f"interrupted after {count} of {len(table)} epochs"
        else:
            assert result.verdict in ("overfitting", "learning rate too high")
            assert result.verdict == run["expected"]


def learning_curves(**columns: list[float]) -> list[Epoch]:
    """Rows of metrics; validation equals training by default."""
    count = len(next(iter(columns.values())))
    values = {"lr": [0.02] * count, "val_top5": [1.0] * count, **columns}
    values.setdefault("val_loss", values["train_loss"])
    values.setdefault("val_top1", values["train_top1"])
    return [Epoch(i + 1, **{name: values[name][i] for name in values}) for i in range(count)]


LOSS = [1.6 * 0.8**i for i in range(20)]
TOP1 = [1 - 0.8 * 0.8**i for i in range(20)]


def test_overfitting_reports_its_first_epoch_and_the_gap() -> None:
    lowest = 8
    val_loss = [*LOSS[:lowest], *(LOSS[lowest - 1] + 0.1 * i for i in range(1, 21 - lowest))]
    result = diagnose(
        learning_curves(
            train_loss=LOSS,
            train_top1=TOP1,
            val_loss=val_loss,
            val_top1=[min(top1, 0.7) for top1 in TOP1],
        ),
        num_classes=5,
        val_count=800,
    )
    assert result.verdict == "overfitting"
    assert result.since == lowest + 1
    assert result.summary == "overfitting since epoch 9: training 99%, validation 70%"


def test_a_gap_within_the_confidence_intervals_is_no_overfitting() -> None:
    columns = {"train_loss": LOSS, "train_top1": TOP1, "val_loss": LOSS}
    curves = learning_curves(**columns, val_top1=[min(top1, 0.85) for top1 in TOP1])
    assert diagnose(curves, num_classes=5, val_count=1000).verdict == "overfitting"
    result = diagnose(curves, num_classes=5, val_count=10)
    assert result.verdict == "too few images"
    assert "10 validation images" in result.summary


def test_a_loss_of_nan_means_the_learning_rate_is_too_high() -> None:
    curves = learning_curves(train_loss=[1.6, 1.5, math.nan], train_top1=[0.2, 0.3, 0.2])
    result = diagnose(curves, num_classes=5, val_count=100)
    assert result.verdict == "learning rate too high"
    assert "in epoch 3" in result.summary


def test_rows_may_hold_strings() -> None:
    columns = {"train_loss": LOSS, "train_top1": TOP1}
    tops = [round(top1 * 480) / 480 for top1 in TOP1]
    curves = learning_curves(**columns, val_top1=tops)
    strings = [{key: repr(value) for key, value in vars(row).items()} for row in curves]
    assert diagnose(strings, num_classes=5) == diagnose(curves, num_classes=5)


def test_evidence_has_confidence_intervals_only_for_known_counts() -> None:
    """Fractions of 336 images may also be fractions of 168."""
    tops = [round(top1 * 168) / 168 for top1 in TOP1]
    curves = learning_curves(train_loss=LOSS, train_top1=TOP1, val_top1=tops)
    without_count = " ".join(diagnose(curves, num_classes=5).evidence)
    assert "validation top-1 at the end: 98.8% " in without_count
    assert "interval" not in without_count
    with_count = " ".join(diagnose(curves, num_classes=5, val_count=336).evidence)
    assert "validation top-1 at the end: 98.8% of 336 (95% confidence interval " in with_count


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([{"epoch": "1", "loss": "2"}], "has no 'lr'"),
        (
            [dict.fromkeys(vars(learning_curves(train_loss=[1], train_top1=[1])[0]), "x")],
            "cannot be used",
        ),
        ([], "no epoch"),
    ],
)
def test_invalid_tables_raise(table: list[dict[str, str]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        diagnose(table, num_classes=5)


def test_rows_without_the_number_of_classes_raise() -> None:
    with pytest.raises(UserError, match="num_classes="):
        diagnose(learning_curves(train_loss=LOSS, train_top1=TOP1))


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("name", ["fast", "tutorial", "paper"])
def test_advice_uses_existing_options_that_change_something(verdict: str, name: str) -> None:
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
                    assert field in {setting.name for setting in fields(Recipe)}
                    assert as_text(getattr(chosen, field)) != value
                    recipe(name, **{field: value})


def test_measurements_survive_json() -> None:
    measurements = Measurements(train_counts=(3, 4), val_counts=(1, 1), dead_units={"relu1": 0.5})
    assert from_dict(json.loads(json.dumps(to_dict(measurements)))) == measurements
