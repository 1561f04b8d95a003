"""Generate the tables of docs/experiments.md from the results in docs/experiments.

usage: experiments.py [--update]

Print the page, or with --update replace the text between its markers. To update the results, run
the commands on the page, copy findings.csv and the tables and figures of each experiment to
docs/experiments/DATA, and relu.csv of another learning rate to
docs/experiments/digits/relu-lr-RATE.csv.
"""

import argparse
import csv
import re
from pathlib import Path

from alexnet.text import format_decimal

DOCS = Path(__file__).parent.parent / "docs"
DATA = ("flowers", "digits")
START, END = "<!-- results: {} -->", "<!-- end of results -->"

_MEASURES = {
    "error": "top-1 error",
    "top5": "top-5 error",
    "gap": "gap between validation and training error",
    "epochs": "epochs to a training error of 25%",
}
_MARKS = {"supported": "✓ supported", "reversed": "↺ reversed"}


def rows(data: str) -> list[dict[str, str]]:
    """Return the findings on one dataset."""
    with (DOCS / "experiments" / data / "findings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def summary() -> str:
    """Return the table with a row for each comparison and a column for each dataset."""
    lines = [
        f"| comparison | measure | the paper | {' | '.join(DATA)} |",
        "|---|---|---|" + "---|" * len(DATA),
    ]
    findings = {data: {_key(row): row for row in rows(data)} for data in DATA}
    keys = dict.fromkeys(key for data in DATA[::-1] for key in findings[data])
    for key in keys:
        arm, baseline, measure = key[1:]
        matches = [findings[data].get(key) for data in DATA]
        paper = next(row["paper"] for row in matches if row)
        unit = "×" if measure == "epochs" else ""
        cells = [_cell(row, unit) for row in matches]
        claimed = f"{paper}{unit}" if paper else ""
        name = f"[{arm} vs. {baseline}](#{key[0]})"
        lines.append(f"| {name} | {_MEASURES[measure]} | {claimed} | {' | '.join(cells)} |")
    return "\n".join(lines)


def descriptions(experiment: str) -> str:
    """Return the findings of one experiment as a list of sentences."""
    return "\n".join(
        f"- {data}: {row['description']}"
        for data in DATA
        for row in rows(data)
        if row["experiment"] == experiment
    )


def rates() -> str:
    """Return the table of epochs to 25% training error on digits by learning rate."""
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
    """Return mean and range, and how many trainings never reached the error or diverged."""
    reached = [float(one["epochs_to_25"]) for one in trainings if one["epochs_to_25"]]
    diverged = sum(bool(one["diverged"]) for one in trainings)
    never = len(trainings) - len(reached) - diverged
    parts = []
    if reached:
        mean = sum(reached) / len(reached)
        parts.append(f"{mean:.1f} ({min(reached):.1f} to {max(reached):.1f})")
    for reason, count in (("never", never), ("diverged", diverged)):
        if count:
            parts.append(f"{reason}: {count} of {len(trainings)}")
    return "; ".join(parts)


def _key(row: dict[str, str]) -> tuple[str, str, str, str]:
    return row["experiment"], row["arm"], row["baseline"], row["measure"]


def _cell(row: dict[str, str] | None, unit: str) -> str:
    if row is None:
        return "–"
    verdict = _MARKS.get(row["verdict"], row["verdict"])
    if not row["low"]:
        return verdict
    mean, low, high = (format_decimal(float(row[name])) for name in ("mean", "low", "high"))
    at_least = "at least " if "at least" in row["description"] else ""
    return f"{verdict}: {at_least}{mean}{unit} ({low} to {high})"


def updated(page: str) -> str:
    """Return the page with the text between its markers regenerated."""

    def generate(match: re.Match[str]) -> str:
        name = match[1]
        text = {"summary": summary, "rates": rates}.get(name, lambda: descriptions(name))()
        return f"{START.format(name)}\n\n{text}\n\n{END}"

    marked = re.escape(START).replace(r"\{\}", r"(\w+)") + r".*?" + re.escape(END)
    return re.sub(marked, generate, page, flags=re.DOTALL)


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
