"""Ours and a peer in turn, A B A B, compared pair by pair: absolute figures drift, ratios hold."""

import argparse
import re
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """The programs that we are measured against, in an environment of their own."""

    python: Path
    scripts: Path

    def figure(self, script: str, *arguments: str | Path, pattern: str) -> float:
        """The last number that the pattern finds in what the script prints."""
        call = [str(self.python), str(self.scripts / script), *map(str, arguments)]
        printed = subprocess.run(call, capture_output=True, text=True, check=True).stdout
        return float(re.findall(pattern, printed)[-1])


def arguments(description: str | None, **defaults: object) -> argparse.Namespace:
    """The command line that the benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path, help="folder of images")
    parser.add_argument("--peer-python", type=Path, help="Python of the peers' environment")
    parser.add_argument("--peer-scripts", type=Path, help="folder with the peers' scripts")
    parser.add_argument("--rounds", type=int, default=3)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    return parser.parse_args()


def peer_of(options: argparse.Namespace) -> Peer | None:
    """The peer that the command line names; None when it names none."""
    if options.peer_python and options.peer_scripts:
        return Peer(options.peer_python, options.peer_scripts)
    return None


def compare(
    name: str,
    ours: Callable[[], float],
    theirs: Callable[[], float] | None,
    *,
    rounds: int,
    bar: str,
) -> None:
    """Measure in turn and print one row: both medians, the median ratio and its range."""
    mine, other = [], []
    for _ in range(rounds):
        mine.append(ours())
        if theirs is not None:
            other.append(theirs())
    row = f"| {name} | {statistics.median(mine):,.1f} |"
    if other:
        ratios = sorted(a / b for a, b in zip(mine, other, strict=True))
        row += (
            f" {statistics.median(other):,.1f} | {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}) | {bar} |"
        )
    else:
        row += f" not run | | {bar} |"
    print(row, flush=True)


def header(unit: str) -> None:
    """The head of the table of rows that `compare` prints."""
    print(f"| what | ours, {unit} | peer, {unit} | ratio, median (range) | bar |")
    print("|---|---|---|---|---|")
