"""Render the HTML page of experiments: claims, verdicts, figures, tables and the command."""

import shlex
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Any

from matplotlib.figure import Figure

from alexnet import __version__
from alexnet.experiments.claims import NETWORK, RECIPE, Comparison
from alexnet.experiments.plan import Plan
from alexnet.experiments.results import ArmResult, ExperimentResult, Finding, TrainingOutcome
from alexnet.experiments.verdicts import MEASURES, describe_finding, measure
from alexnet.html import embed_svg, render
from alexnet.settings import Settings, as_text, fields
from alexnet.text import format_decimal, pluralize, printable

_MARKS = {"supported": "✓", "reversed": "↺", "inconclusive": "–"}
"""Symbols beside the verdicts, legible at a glance and without colors."""

_ALWAYS_SHOWN = (
    "widths",
    "hidden",
    "image_size",
    "epochs",
    "batch_size",
    "optimizer",
    "lr",
    "schedule",
)
"""Fields that the table of common settings always shows."""


def render_page(
    plan: Plan, results: Sequence[ExperimentResult], figures: Sequence[tuple[Figure, Figure]]
) -> str:
    """Render the page of one or several experiments, each with its two figures."""
    dataset = plan.dataset
    return render(
        "alexnet.experiments/page.html",
        title=results[0].experiment.title if len(results) == 1 else "The paper's claims",
        data=printable(dataset.source),
        sections=[_section(result, *pair) for result, pair in zip(results, figures, strict=True)],
        by_chance=_expected_by_chance(results),
        common=_common_settings(plan),
        changed=[
            (name, value)
            for name, value in _changed(NETWORK, plan.network) + _changed(RECIPE, plan.recipe)
            if name not in _ALWAYS_SHOWN
        ],
        command=reproducing_command(plan, len(results)),
    )


def _section(result: ExperimentResult, left: Figure, right: Figure) -> dict[str, Any]:
    experiment = result.experiment
    return {
        "name": experiment.name,
        "title": experiment.title,
        "paper": experiment.section,
        "claim": experiment.claim,
        "changed": experiment.changed,
        "notes": experiment.notes,
        "findings": [_finding(finding) for finding in result.findings],
        "curves": embed_svg(left, f"Learning curves: {experiment.title}."),
        "differences": embed_svg(right, _alt(result)),
        "tables": [_table(result, measure) for measure in _measures(result)],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    compared = finding.comparison
    unit = "×" if finding.is_factor else ""
    return {
        "verdict": finding.verdict,
        "mark": _MARKS[finding.verdict],
        "description": describe_finding(finding),
        "comparison": f"{compared.arm} vs. {compared.baseline}: {MEASURES[compared.measure]}",
        "mean": _number(finding.mean, unit, finding.is_lower_bound),
        "interval": "–"
        if finding.low is None or finding.high is None
        else f"{format_decimal(finding.low)} to {format_decimal(finding.high)}{unit}",
        "paper": "–" if compared.claimed is None else f"{compared.claimed:g}{unit}",
    }


def _number(value: float | None, unit: str, is_lower_bound: bool) -> str:
    at_least = "at least " if is_lower_bound else ""
    return "–" if value is None else f"{at_least}{format_decimal(value)}{unit}"


def _measures(result: ExperimentResult) -> list[str]:
    return list(dict.fromkeys(finding.comparison.measure for finding in result.findings))


def _table(result: ExperimentResult, measure_name: str) -> dict[str, Any]:
    """Return a row for each seed, a column for each arm, and the means."""
    compared = Comparison(arm="", baseline="", measure=measure_name)  # type: ignore[arg-type]
    columns = [[_value(compared, arm, one) for one in arm.outcomes] for arm in result.arms]
    unit = {"epochs": "", "gap": ", points"}.get(measure_name, ", percent")
    return {
        "caption": MEASURES[measure_name] + unit,
        "arms": [arm.arm.name for arm in result.arms],
        "rows": [
            {"seed": one.seed, "values": [_text(column[row], measure_name) for column in columns]}
            for row, one in enumerate(result.arms[0].outcomes)
        ],
        "means": [_mean(column) for column in columns],
    }


def _value(compared: Comparison, result: ArmResult, outcome: TrainingOutcome) -> float | None:
    return None if outcome.diverged else measure(compared, result.arm, outcome)


def _text(value: float | None, measure_name: str) -> str:
    if value is None:
        return "never" if measure_name == "epochs" else "–"
    return format_decimal(value)


def _mean(values: Sequence[float | None]) -> str:
    present = [value for value in values if value is not None]
    is_complete = present and len(present) == len(values)
    return format_decimal(sum(present) / len(present)) if is_complete else "–"


def _alt(result: ExperimentResult) -> str:
    findings = " ".join(describe_finding(finding) for finding in result.findings)
    return f"Paired differences: {result.experiment.title}. {findings}"


def _expected_by_chance(results: Sequence[ExperimentResult]) -> str:
    """Describe how many false verdicts to expect from several 95% intervals."""
    count = sum(len(result.findings) for result in results)
    if count < 2:
        return ""
    return (
        f"If no arms differed, {0.05 * count:.1f} of {count} comparisons would still be supported "
        "or reversed by chance."
    )


def _common_settings(plan: Plan) -> list[tuple[str, str]]:
    network, dataset = plan.network, plan.dataset
    train, val = (len(dataset.split(name)) for name in ("train", "val"))
    return [
        ("images", f"{train:,} for training, {val:,} for validation, "
         f"{len(dataset.classes)} classes"),
        ("network", f"{network.variant} at {network.image_size} pixels, convolutions "
         f"{as_text(network.widths).replace(',', '-')}, dense {as_text(network.hidden)}, "
         f"{network.num_parameters:,} parameters"),
        ("training", f"{pluralize(plan.epochs, 'epoch')} in batches of {plan.recipe.batch_size}, "
         f"{plan.recipe.optimizer} at {plan.recipe.lr:g}, {plan.recipe.schedule}"),
        ("seeds", as_text(plan.seeds)),
        ("created", f"{date.today()}, alexnet {__version__}, {plan.backend} "
         f"{version(plan.backend)}"),
    ]  # fmt: skip


def reproducing_command(plan: Plan, count: int) -> str:
    """Return the command that reproduces the results."""
    name = "all" if count > 1 else plan.experiments[0].name
    options = [f"--seeds {len(plan.seeds)}"]
    if plan.network.variant != NETWORK.variant:
        options.append(f"--variant {plan.network.variant}")
    for field, value in _changed(_variant_of(plan), plan.network):
        options.append(f"--set {field}={value}")
    for field, value in _changed(RECIPE, plan.recipe):
        flag = f"--{field.replace('_', '-')}"
        switch = {"yes": flag, "no": f"--no-{flag[2:]}"}
        options.append(switch.get(value, f"{flag} {shlex.quote(value)}"))
    if plan.backend != "torch":
        options.append(f"--backend {plan.backend}")
    if plan.precision != "auto":
        options.append(f"--precision {plan.precision}")
    return f"alexnet experiment {name} {shlex.quote(printable(plan.dataset.source))} " + " ".join(
        options
    )


def _variant_of(plan: Plan) -> Settings:
    from alexnet.spec.catalog import VARIANTS

    is_default = plan.network.variant == NETWORK.variant
    return NETWORK if is_default else VARIANTS[plan.network.variant]


def _changed(common: Any, used: Any) -> list[tuple[str, str]]:
    """Return the fields that differ, as typed on the command line, except those set by the data."""
    excluded = ("variant", "name", "num_classes", "min_steps")
    return [
        (field.name, as_text(getattr(used, field.name)))
        for field in fields(type(used))
        if field.name not in excluded and getattr(used, field.name) != getattr(common, field.name)
    ]
