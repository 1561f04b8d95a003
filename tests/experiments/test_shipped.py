"""The results that docs/experiments.md shows are those of the tables beside it."""

import csv
import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import ttest_rel

from alexnet.experiments import EXPERIMENTS

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "docs" / "experiments"
COLUMNS = {"error": "top1_error", "top5": "top5_error", "epochs": "epochs_to_25"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def tables() -> ModuleType:
    place = ROOT / "benchmarks" / "experiments.py"
    spec = importlib.util.spec_from_file_location("tables", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_tables(tables: ModuleType) -> None:
    page = (ROOT / "docs/experiments.md").read_text("utf-8")
    assert tables.updated(page) == page, "run benchmarks/experiments.py --update"
    for experiment in EXPERIMENTS.values():
        assert f"{{ #{experiment.name} }}" in page


@pytest.mark.parametrize("data", ["flowers", "digits"])
def test_every_claim_was_measured_and_every_figure_follows_from_the_trainings(data: str) -> None:
    """Worked out again from the rows of the trainings, by SciPy's paired test."""
    found = rows(RESULTS / data / "findings.csv")
    expected = {
        (e.name, c.of, c.against, c.measure) for e in EXPERIMENTS.values() for c in e.comparisons
    }
    measured = {(row["experiment"], row["of"], row["against"], row["measure"]) for row in found}
    assert expected <= measured
    for row in found:
        values = of_arms(rows(RESULTS / data / f"{row['experiment']}.csv"), row)
        if values is None or not row["low"]:
            continue
        own, other = values
        interval = ttest_rel(other, own).confidence_interval(0.95)
        scale = math.exp if row["measure"] == "epochs" else float
        assert float(row["mean"]) == pytest.approx(scale(np.mean(other - own)), abs=5e-3)
        if np.std(other - own) > 0.1 or row["measure"] == "epochs":
            assert float(row["low"]) == pytest.approx(scale(interval.low), abs=0.02)
            assert float(row["high"]) == pytest.approx(scale(interval.high), abs=0.02)


def of_arms(
    trainings: list[dict[str, str]], row: dict[str, str]
) -> tuple["np.ndarray", "np.ndarray"] | None:
    """What the two arms have for each seed; logarithms of epochs; None where one got nowhere."""

    def of(arm: str) -> "np.ndarray":
        mine = sorted((one for one in trainings if one["arm"] == arm), key=lambda o: int(o["seed"]))
        if row["measure"] == "gap":
            return np.array([float(o["top1_error"]) - float(o["train_error"]) for o in mine])
        # What never reached the goal took at least as many epochs as it was given.
        texts = [one[COLUMNS[row["measure"]]] or one["epochs"] for one in mine]
        values = np.array([float(text) for text in texts])
        return np.log(values) if row["measure"] == "epochs" else values

    return of(row["of"]), of(row["against"])
