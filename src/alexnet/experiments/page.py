"""The page of experiments: claim, verdict, figure, numbers, and how to do it again."""

import shlex
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from alexnet import __version__
from alexnet.config.settings import Settings, as_text, fields
from alexnet.experiments.claims import NETWORK, RECIPE, Comparison
from alexnet.experiments.plan import Plan
from alexnet.experiments.verdicts import MEASURES, NOT_SHOWN, ArmResult, Finding, measured, sentence
from alexnet.html import render, sharp
from alexnet.text import counted, one_decimal, printable

if TYPE_CHECKING:
    from alexnet.experiments.runner import Result

_MARKS = {"shown": "✓", "the other way round": "↺", NOT_SHOWN: "–"}
"""Beside the words, so that a table is read at a glance and without colors."""


_TOLD = ("widths", "hidden", "image_size", "epochs", "batch_size", "optimizer", "lr", "schedule")
"""What the common ground says in any case."""


def page_of(
    plan: Plan, results: "Sequence[Result]", figures: Sequence[tuple[Figure, Figure]]
) -> str:
    """The page of one or several experiments, each with its two figures."""
    images = plan.images
    return render(
        "alexnet.experiments/page.html",
        title=results[0].experiment.title if len(results) == 1 else "The paper's claims",
        data=printable(images.source),
        sections=[_section(one, drawn) for one, drawn in zip(results, figures, strict=True)],
        by_chance=_by_chance(results),
        ground=_ground(plan),
        changed=[
            (name, value)
            for name, value in _changed(NETWORK, plan.network) + _changed(RECIPE, plan.recipe)
            if name not in _TOLD
        ],
        command=command_of(plan, len(results)),
    )


def _section(result: "Result", drawn: tuple[Figure, Figure]) -> dict[str, Any]:
    experiment = result.experiment
    return {
        "name": experiment.name,
        "title": experiment.title,
        "paper": experiment.section,
        "claim": experiment.claim,
        "changed": experiment.changed,
        "notes": experiment.notes,
        "findings": [_finding(found) for found in result.findings],
        "courses": sharp(drawn[0], f"Courses of the errors: {experiment.title}."),
        "differences": sharp(drawn[1], _alt(result)),
        "tables": [_table(result, measure) for measure in _measures(result)],
    }


def _finding(found: Finding) -> dict[str, Any]:
    compared = found.comparison
    unit = "×" if found.is_factor else ""
    return {
        "verdict": found.verdict,
        "mark": _MARKS[found.verdict],
        "sentence": sentence(found),
        "what": f"{compared.of} against {compared.against}: {MEASURES[compared.measure]}",
        "mean": _number(found.mean, unit, found.at_least),
        "interval": "–"
        if found.low is None or found.high is None
        else f"{one_decimal(found.low)} to {one_decimal(found.high)}{unit}",
        "paper": "–" if compared.claimed is None else f"{compared.claimed:g}{unit}",
    }


def _number(value: float | None, unit: str, at_least: bool) -> str:
    least = "at least " if at_least else ""
    return "–" if value is None else f"{least}{one_decimal(value)}{unit}"


def _measures(result: "Result") -> list[str]:
    return list(dict.fromkeys(found.comparison.measure for found in result.findings))


def _table(result: "Result", measure: str) -> dict[str, Any]:
    """A row for each seed, a column for each arm, and the means beneath."""
    compared = Comparison(of="", against="", measure=measure)  # type: ignore[arg-type]
    columns = [[_value(compared, arm, one) for one in arm.trained] for arm in result.arms]
    unit = {"epochs": "", "gap": ", points"}.get(measure, ", percent")
    return {
        "caption": MEASURES[measure] + unit,
        "arms": [arm.arm.name for arm in result.arms],
        "rows": [
            {"seed": one.seed, "values": [_text(column[row], measure) for column in columns]}
            for row, one in enumerate(result.arms[0].trained)
        ],
        "means": [_mean(column) for column in columns],
    }


def _value(compared: Comparison, result: ArmResult, one: Any) -> float | None:
    return None if one.diverged else measured(compared, result.arm, one)


def _text(value: float | None, measure: str) -> str:
    if value is None:
        return "never" if measure == "epochs" else "–"
    return one_decimal(value)


def _mean(values: Sequence[float | None]) -> str:
    there = [value for value in values if value is not None]
    whole = there and len(there) == len(values)
    return one_decimal(sum(there) / len(there)) if whole else "–"


def _alt(result: "Result") -> str:
    said = " ".join(sentence(found) for found in result.findings)
    return f"Paired differences: {result.experiment.title}. {said}"


def _by_chance(results: "Sequence[Result]") -> str:
    """What several intervals of 95% mean together."""
    count = sum(len(result.findings) for result in results)
    if count < 2:
        return ""
    return (
        f"Of {count} comparisons in which there is no difference at all, {0.05 * count:.1f} come "
        "out as shown one way or the other by chance."
    )


def _ground(plan: Plan) -> list[tuple[str, str]]:
    network, images = plan.network, plan.images
    train, val = (len(images.split(name)) for name in ("train", "val"))
    return [
        ("images", f"{train:,} for training, {val:,} for validation, "
         f"{len(images.classes)} classes"),
        ("network", f"{network.variant} at {network.image_size} pixels, convolutions "
         f"{as_text(network.widths).replace(',', '-')}, dense {as_text(network.hidden)}, "
         f"{network.num_parameters:,} parameters"),
        ("training", f"{counted(plan.epochs, 'epoch')} in batches of {plan.recipe.batch_size}, "
         f"{plan.recipe.optimizer} at {plan.recipe.lr:g}, {plan.recipe.schedule}"),
        ("seeds", as_text(plan.seeds)),
        ("made", f"{date.today()}, alexnet {__version__}, {plan.backend} {version(plan.backend)}"),
    ]  # fmt: skip


def command_of(plan: Plan, count: int) -> str:
    """What makes the same results again."""
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
    return f"alexnet experiment {name} {shlex.quote(printable(plan.images.source))} " + " ".join(
        options
    )


def _variant_of(plan: Plan) -> Settings:
    from alexnet.spec.architectures import VARIANTS

    same = plan.network.variant == NETWORK.variant
    return NETWORK if same else VARIANTS[plan.network.variant]


def _changed(common: Any, used: Any) -> list[tuple[str, str]]:
    """The fields that differ, as one would type them; the number of classes is the data's."""
    left_out = ("variant", "name", "num_classes", "min_steps")
    return [
        (field.name, as_text(getattr(used, field.name)))
        for field in fields(type(used))
        if field.name not in left_out and getattr(used, field.name) != getattr(common, field.name)
    ]
