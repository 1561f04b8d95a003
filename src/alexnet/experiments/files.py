"""Write the results: a table, a figure and a page per experiment, and a common page."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alexnet import plots
from alexnet.experiments.figures import draw, panels
from alexnet.experiments.page import render_page
from alexnet.experiments.plan import Plan
from alexnet.experiments.results import ExperimentResult, Finding
from alexnet.experiments.verdicts import TARGET_ERROR, describe_finding, epochs_until
from alexnet.io.atomic import write_bytes

INDEX = "index.html"
FINDINGS = "findings.csv"


def write_results(plan: Plan, results: Sequence[ExperimentResult]) -> Path:
    """Write all files and return the page to open first.

    Raises:
        RunError: if a file cannot be written.
    """
    for result in results:
        name = result.experiment.name
        write_bytes(plan.folder / f"{name}.csv", _csv(training_rows(result)))
        write_bytes(plan.folder / f"{name}.png", plots.figure_bytes(draw(result), "png"))
        page = render_page(plan, [result], [panels(result)])
        write_bytes(plan.folder / f"{name}.html", page.encode("utf-8", "backslashreplace"))
    if len(results) == 1:
        return plan.folder / f"{results[0].experiment.name}.html"
    rows = [row for result in results for row in finding_rows(result)]
    write_bytes(plan.folder / FINDINGS, _csv(rows))
    page = render_page(plan, results, [panels(result) for result in results])
    write_bytes(plan.folder / INDEX, page.encode("utf-8", "backslashreplace"))
    return plan.folder / INDEX


def training_rows(result: ExperimentResult) -> list[dict[str, Any]]:
    """Return a row for each arm and seed; errors in percent, empty if not measured."""
    rows = []
    for arm_result in result.arms:
        for one in arm_result.outcomes:
            row: dict[str, Any] = {
                "experiment": result.experiment.name,
                "arm": arm_result.arm.name,
                "seed": one.seed,
                "epochs": len(one.curve),
            }
            if one.diverged:
                rows.append({**row, "diverged": one.diverged})
                continue
            has_ten_crops = arm_result.arm.crops == 10
            epochs = epochs_until(one.curve, TARGET_ERROR)
            rows.append(
                row
                | {
                    "top1_error": _percent(one.ten_crop_top1 if has_ten_crops else one.top1),
                    "top5_error": _percent(one.ten_crop_top5 if has_ten_crops else one.top5),
                    "train_error": _percent(one.train_top1),
                    "epochs_to_25": "" if epochs is None else f"{epochs:.3f}",
                    "diverged": "",
                }
            )
    return rows


def finding_rows(result: ExperimentResult) -> list[dict[str, Any]]:
    """Return a row for each comparison; differences in points, or factors for epochs."""
    return [_finding_row(result.experiment.name, finding) for finding in result.findings]


def _finding_row(name: str, finding: Finding) -> dict[str, Any]:
    compared = finding.comparison
    return {
        "experiment": name,
        "arm": compared.arm,
        "baseline": compared.baseline,
        "measure": compared.measure,
        "seeds": len(finding.differences),
        "mean": _number(finding.mean),
        "low": _number(finding.low),
        "high": _number(finding.high),
        "paper": "" if compared.claimed is None else f"{compared.claimed:g}",
        "verdict": finding.verdict,
        "description": describe_finding(finding),
    }


_COLUMNS = (
    *("experiment", "arm", "seed", "epochs", "top1_error", "top5_error"),
    *("train_error", "epochs_to_25", "diverged"),
)


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    columns = list(rows[0]) if "baseline" in rows[0] else list(_COLUMNS)
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _percent(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{100 * (1 - accuracy):.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
