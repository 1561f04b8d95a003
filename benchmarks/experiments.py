"""The tables of docs/experiments.md, from the results that lie in docs/experiments.

usage: experiments.py [--update]

Without --update they are printed; with it they replace what stands between the marks of the page.
The results are made by the commands that the page names; copy findings.csv and the tables and
figures of each experiment to docs/experiments/DATA, and relu.csv of another learning rate to
docs/experiments/digits/relu-lr-RATE.csv.
"""

import argparse
import csv
import re
from pathlib import Path

from alexnet.text import one_decimal

DOCS = Path(__file__).parent.parent / "docs"
DATA = ("flowers", "digits")
START, END = "<!-- results: {} -->", "<!-- end of results -->"

_MEASURES = {
    "error": "top-1 error",
    "top5": "top-5 error",
    "gap": "gap between validation and training error",
    "epochs": "epochs until a training error of 25%",
}
_MARKS = {"shown": "✓ shown", "the other way round": "↺ the other way round"}


def rows(data: str) -> list[dict[str, str]]:
    """The findings on one data set."""
    with (DOCS / "experiments" / data / "findings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def summary() -> str:
    """A line for each comparison, with what was found on each data set."""
    lines = [
        f"| comparison | measure | the paper | {' | '.join(DATA)} |",
        "|---|---|---|" + "---|" * len(DATA),
    ]
    found = {data: {_key(row): row for row in rows(data)} for data in DATA}
    keys = dict.fromkeys(key for data in DATA[::-1] for key in found[data])
    for key in keys:
        of, against, measure = key[1:]
        there = [found[data].get(key) for data in DATA]
        paper = next(row["paper"] for row in there if row)
        unit = "×" if measure == "epochs" else ""
        cells = [_cell(row, unit) for row in there]
        claimed = f"{paper}{unit}" if paper else ""
        name = f"[{of} against {against}](#{key[0]})"
        lines.append(f"| {name} | {_MEASURES[measure]} | {claimed} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sentences(experiment: str) -> str:
    """The verdicts of one experiment in words."""
    return "\n".join(
        f"- {data}: {row['sentence']}"
        for data in DATA
        for row in rows(data)
        if row["experiment"] == experiment
    )


def rates() -> str:
    """Epochs to a training error of 25% on digits by learning rate: mean and range of the seeds."""
    folder = DOCS / "experiments" / "digits"
    tables = {float(path.stem.removeprefix("relu-lr-")): path for path in folder.glob("relu-lr-*")}
    tables[0.02] = folder / "relu.csv"
    lines = ["| learning rate | ReLU | tanh | sigmoid |", "|---|---|---|---|"]
    for rate, path in sorted(tables.items()):
        with path.open(newline="", encoding="utf-8") as file:
            trainings = list(csv.DictReader(file))
        cells = [
            _epochs([one for one in trainings if one["arm"] == arm])
            for arm in ("ReLU", "tanh", "sigmoid")
        ]
        lines.append(f"| {rate:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _epochs(trainings: list[dict[str, str]]) -> str:
    """Mean and range; how many never came to it, or whose loss was no number any more."""
    found = [float(one["epochs_to_25"]) for one in trainings if one["epochs_to_25"]]
    lost = sum(bool(one["diverged"]) for one in trainings)
    never = len(trainings) - len(found) - lost
    parts = []
    if found:
        parts.append(f"{sum(found) / len(found):.1f} ({min(found):.1f} to {max(found):.1f})")
    for what, count in (("never", never), ("diverged", lost)):
        if count:
            parts.append(f"{what}: {count} of {len(trainings)}")
    return "; ".join(parts)


def _key(row: dict[str, str]) -> tuple[str, str, str, str]:
    return row["experiment"], row["of"], row["against"], row["measure"]


def _cell(row: dict[str, str] | None, unit: str) -> str:
    if row is None:
        return "–"
    verdict = _MARKS.get(row["verdict"], row["verdict"])
    if not row["low"]:
        return verdict
    mean, low, high = (one_decimal(float(row[name])) for name in ("mean", "low", "high"))
    least = "at least " if "at least" in row["sentence"] else ""
    return f"{verdict}: {least}{mean}{unit} ({low} to {high})"


def updated(page: str) -> str:
    """The page with what stands between its marks made anew."""

    def made(found: re.Match[str]) -> str:
        what = found[1]
        text = {"summary": summary, "rates": rates}.get(what, lambda: sentences(what))()
        return f"{START.format(what)}\n\n{text}\n\n{END}"

    marked = re.escape(START).replace(r"\{\}", r"(\w+)") + r".*?" + re.escape(END)
    return re.sub(marked, made, page, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    path = DOCS / "experiments.md"
    page = updated(path.read_text("utf-8"))
    if parser.parse_args().update:
        path.write_text(page, "utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main()
