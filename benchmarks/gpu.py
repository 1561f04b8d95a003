"""Everything that can be learned on a GPU in less than eight minutes.

usage: gpu.py [--device cuda] [--parts …] [--variants …] [--quick] [--budget-s 450] [--json FILE]

It runs from a checkout; the project need not be installed. Each part gets a fraction of the time
that is left and reports what did not fit. `--device cpu` runs everything in tiny form, as a test of
this program. The status is 1 when values differ, a test fails or a part breaks off.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

import torch  # noqa: E402

from gpu_parts import (  # noqa: E402
    device,
    equality,
    gpu_tests,
    lrn,
    pipeline,
    project,
    rates,
    throughput,
)
from gpu_parts.budget import Budget, Deadline  # noqa: E402
from gpu_parts.context import Context  # noqa: E402
from gpu_parts.measure import free_memory, in_one_line  # noqa: E402
from gpu_parts.scale import FULL, PRECISIONS, QUICK, TINY, Scale  # noqa: E402
from gpu_parts.tables import Result  # noqa: E402

Part = Callable[[Context, Deadline, Result], None]

PARTS: dict[str, tuple[Part, float]] = {
    "device": (device.run, 1),
    "rates": (rates.run, 4),
    "equality": (equality.run, 20),
    "training": (throughput.run_training, 35),
    "inference": (throughput.run_inference, 15),
    "lrn": (lrn.run, 5),
    "pipeline": (pipeline.run, 20),
    "tests": (gpu_tests.run, 20),
}
"""What can be measured, in this order, with the weight of each in the time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; returns the exit status."""
    options = _options(arguments)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("PyTorch finds no CUDA device; use --device cpu for a tiny run", file=sys.stderr)
        return 2
    context = Context(
        device=torch.device(options.device),
        scale=_scale(options),
        variants=tuple(options.variants),
        root=ROOT,
    )
    return run(context, options.parts, options.budget_s, options.json)


def run(
    context: Context,
    parts: Sequence[str],
    budget_s: float,
    json_path: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Run these parts within the budget, print each when it is done; returns the exit status."""
    names = [name for name in PARTS if name in parts]
    budget = Budget(budget_s, {name: PARTS[name][1] for name in names}, clock)
    start, results = clock(), {}
    report: dict[str, Any] = {
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
        "device": str(context.device),
        "scale": dataclasses.asdict(context.scale),
        "budget_s": budget_s,
        "tolerances": equality.TOLERANCES,
    }
    for name in names:
        deadline = budget.deadline(name)
        print(f"\n## {name} (up to {deadline.left():.0f} s)\n", flush=True)
        results[name] = _result_of(name, context, deadline)
        print(results[name].render(), flush=True)
        report["seconds"] = round(clock() - start, 3)
        report["passed"] = not any(result.failures for result in results.values())
        report["parts"] = {name: result.to_dict() for name, result in results.items()}
        _write(json_path, report)  # after each part: the machine may be taken away
    _print_summary(results, clock() - start, json_path)
    return 0 if all(not result.failures for result in results.values()) else 1


def _result_of(name: str, context: Context, deadline: Deadline) -> Result:
    result, start = Result(), deadline.clock()
    if not deadline.allows():
        result.skipped.append(f"all of {name}: no time left")
        return result
    try:
        PARTS[name][0](context, deadline, result)
    except Exception as error:
        traceback.print_exc()
        result.failures.append(f"{name} broke off: {in_one_line(error)}")
    free_memory()
    result.seconds = deadline.clock() - start
    return result


def _print_summary(results: dict[str, Result], seconds: float, json_path: Path | None) -> None:
    print(f"\n## Summary, {seconds:.0f} s\n")
    for name, result in results.items():
        counts = [
            f"{len(entries)} {what}"
            for what, entries in (("skipped", result.skipped), ("failures", result.failures))
            if entries
        ]
        print(
            f"{name:<10} {result.status:<8} {result.seconds:6.1f} s  {', '.join(counts)}".rstrip()
        )
    for name, result in results.items():
        for failure in result.failures:
            print(f"FAILED: {name}: {failure}")
    if json_path is not None:
        print(f"\nwritten: {json_path}")


def _write(path: Path | None, report: dict[str, Any]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def _scale(options: argparse.Namespace) -> Scale:
    chosen = FULL
    if options.quick:
        chosen = QUICK
    if options.tiny or options.device == "cpu":
        chosen = TINY
    options_given = {"batches": options.batches, "precisions": options.precisions}
    return dataclasses.replace(chosen, **{k: tuple(v) for k, v in options_given.items() if v})


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--device", default="cuda", help="cuda, cuda:1, … or cpu")
    add("--parts", nargs="+", default=list(PARTS), choices=list(PARTS), metavar="PART",
        help=f"of {', '.join(PARTS)}")  # fmt: skip
    add("--variants", nargs="+", default=project.variants(), choices=project.variants(),
        metavar="VARIANT", help=f"of {', '.join(project.variants())}")  # fmt: skip
    add("--batches", nargs="+", type=int, help="images in a batch, the smallest first")
    add("--precisions", nargs="+", choices=PRECISIONS)
    add("--budget-s", type=float, default=450.0, help="seconds for all parts together")
    add("--quick", action="store_true", help="fewer batch sizes, precisions and repeats")
    add("--tiny", action="store_true", help="the sizes that --device cpu has")
    out = os.environ.get("OUT")
    add("--json", type=Path, default=Path(out) / "gpu.json" if out else None,
        help="where results are written; gpu.json in $OUT if that is set")  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
