"""The files of the results: a table, a figure and a page of each, and of all together."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alexnet import plots
from alexnet.experiments.page import page_of
from alexnet.experiments.plan import Plan
from alexnet.experiments.verdicts import GOAL, Finding, epochs_until, sentence
from alexnet.io.atomic import write_bytes
from alexnet.plots.experiments import draw, panels

if TYPE_CHECKING:
    from alexnet.experiments.runner import Result

INDEX = "index.html"
FINDINGS = "findings.csv"


def write(plan: Plan, results: "Sequence[Result]") -> Path:
    """Write everything; returns the page to open first.

    Raises:
        RunError: a file cannot be written.
    """
    for result in results:
        name = result.experiment.name
        write_bytes(plan.folder / f"{name}.csv", _csv(list(trainings(result))))
        write_bytes(plan.folder / f"{name}.png", plots.png(draw(result)))
        page = page_of(plan, [result], [panels(result)])
        write_bytes(plan.folder / f"{name}.html", page.encode("utf-8", "backslashreplace"))
    if len(results) == 1:
        return plan.folder / f"{results[0].experiment.name}.html"
    found = [row for result in results for row in comparisons(result)]
    write_bytes(plan.folder / FINDINGS, _csv(found))
    page = page_of(plan, results, [panels(result) for result in results])
    write_bytes(plan.folder / INDEX, page.encode("utf-8", "backslashreplace"))
    return plan.folder / INDEX


def trainings(result: "Result") -> "list[dict[str, Any]]":
    """A row for each arm and seed; errors in percent, empty where there is none."""
    rows = []
    for of in result.arms:
        ten = of.arm.views == 10
        for one in of.trained:
            row: dict[str, Any] = {
                "experiment": result.experiment.name,
                "arm": of.arm.name,
                "seed": one.seed,
                "epochs": len(one.curve),
            }
            if one.diverged:
                rows.append({**row, "diverged": one.diverged})
                continue
            top1, top5 = (one.ten_top1, one.ten_top5) if ten else (one.top1, one.top5)
            until = epochs_until(one.curve, GOAL)
            rows.append(
                row
                | {
                    "top1_error": _percent(top1),
                    "top5_error": _percent(top5),
                    "train_error": _percent(one.train_top1),
                    "epochs_to_25": "" if until is None else f"{until:.3f}",
                    "diverged": "",
                }
            )
    return rows


def comparisons(result: "Result") -> "list[dict[str, Any]]":
    """A row for each comparison; differences in points, or factors for epochs."""
    return [_comparison(result.experiment.name, found) for found in result.findings]


def _comparison(name: str, found: Finding) -> dict[str, Any]:
    compared = found.comparison
    return {
        "experiment": name,
        "of": compared.of,
        "against": compared.against,
        "measure": compared.measure,
        "seeds": len(found.differences),
        "mean": _number(found.mean),
        "low": _number(found.low),
        "high": _number(found.high),
        "paper": "" if compared.claimed is None else f"{compared.claimed:g}",
        "verdict": found.verdict,
        "sentence": sentence(found),
    }


_COLUMNS = (
    *("experiment", "arm", "seed", "epochs", "top1_error", "top5_error"),
    *("train_error", "epochs_to_25", "diverged"),
)


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    columns = list(rows[0]) if "of" in rows[0] else list(_COLUMNS)
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * (1 - share):.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
