"""The results in docs/experiments.md follow from the tables in docs/experiments."""

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
    path = ROOT / "benchmarks" / "experiments.py"
    spec = importlib.util.spec_from_file_location("tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_up_to_date(tables: ModuleType) -> None:
    page = (ROOT / "docs/experiments.md").read_text("utf-8")
    assert tables.updated(page) == page, "run benchmarks/experiments.py --update"
    for experiment in EXPERIMENTS.values():
        assert f'<a id="{experiment.name}"></a>' in page


@pytest.mark.parametrize("data", ["flowers", "digits"])
def test_findings_follow_from_the_trainings(data: str) -> None:
    """Every claim was measured; SciPy's paired test on the trainings gives the same numbers."""
    findings = rows(RESULTS / data / "findings.csv")
    expected = {
        (e.name, c.arm, c.baseline, c.measure) for e in EXPERIMENTS.values() for c in e.comparisons
    }
    measured = {
        (row["experiment"], row["arm"], row["baseline"], row["measure"]) for row in findings
    }
    assert expected <= measured
    for row in findings:
        values = values_of_arms(rows(RESULTS / data / f"{row['experiment']}.csv"), row)
        if not row["low"]:
            continue
        arm, baseline = values
        interval = ttest_rel(baseline, arm).confidence_interval(0.95)
        scale = math.exp if row["measure"] == "epochs" else float
        assert float(row["mean"]) == pytest.approx(scale(np.mean(baseline - arm)), abs=5e-3)
        if np.std(baseline - arm) > 0.1 or row["measure"] == "epochs":
            assert float(row["low"]) == pytest.approx(scale(interval.low), abs=0.02)
            assert float(row["high"]) == pytest.approx(scale(interval.high), abs=0.02)


def values_of_arms(
    trainings: list[dict[str, str]], finding: dict[str, str]
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the compared values of both arms by seed; logarithms for epochs."""

    def values(arm: str) -> "np.ndarray":
        seeds = sorted((t for t in trainings if t["arm"] == arm), key=lambda t: int(t["seed"]))
        measure = finding["measure"]
        if measure == "gap":
            return np.array([float(t["top1_error"]) - float(t["train_error"]) for t in seeds])
        # A training that never reached the target needs at least as many epochs as it ran.
        numbers = np.array([float(t[COLUMNS[measure]] or t["epochs"]) for t in seeds])
        return np.log(numbers) if measure == "epochs" else numbers

    return values(finding["arm"]), values(finding["baseline"])
