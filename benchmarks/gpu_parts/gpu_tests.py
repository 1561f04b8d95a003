"""Part `tests`: the project's tests that are marked `gpu`, in a process of their own."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from gpu_parts.budget import Deadline
from gpu_parts.context import Context
from gpu_parts.tables import Column, Result

_MARK = "mark.gpu"
_TAIL_LINES = 40


def run(context: Context, deadline: Deadline, result: Result) -> None:
    """Run them, and count what passed, failed and was skipped."""
    files = marked_files(context.root)
    if not files:
        result.failures.append("no test is marked gpu")
        return
    if not deadline.allows():
        result.skipped.append("tests marked gpu: no time left")
        return
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        environment = dict(os.environ)
        paths = [str(context.root / "src"), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        call = [
            *(sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"),
            # Options of plugins that are not installed are unknown, which is no reason to stop.
            *("-W", "ignore::pytest.PytestConfigWarning", f"--junitxml={report}"),
            *(str(path.relative_to(context.root)) for path in files),
        ]
        try:
            done = subprocess.run(
                call,
                cwd=context.root,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=min(max(deadline.left(), 1.0), 3600.0),
            )
        except subprocess.TimeoutExpired:
            result.skipped.append(
                f"tests marked gpu: not done in the {deadline.left():.0f} s that were left"
            )
            return
        _report(report, done, result)


def marked_files(root: Path) -> list[Path]:
    """The files with tests that are marked; others may import what is not installed."""
    measured = (root / "tests").rglob("test_*.py")
    return sorted(path for path in measured if f"pytest.{_MARK}" in path.read_text("utf-8"))


def _report(report: Path, done: "subprocess.CompletedProcess[str]", result: Result) -> None:
    output = done.stdout.splitlines()
    if not report.exists():
        result.failures.append(f"pytest ended with {done.returncode} and without a report")
        result.records.append({"output": output[-_TAIL_LINES:]})
        return
    cases = list(ET.parse(report).getroot().iter("testcase"))
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    reasons: dict[str, int] = {}
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = next(
            (case.find(k) for k in ("failure", "error") if case.find(k) is not None), None
        )
        skip = case.find("skipped")
        if problem is not None:
            counts["failed"] += 1
            result.failures.append(f"{name}: {(problem.get('message') or '').splitlines()[:1]}")
        elif skip is not None:
            counts["skipped"] += 1
            why = skip.get("message") or "no reason given"
            reasons[why] = reasons.get(why, 0) + 1
        else:
            counts["passed"] += 1
    result.skipped += [f"{count} tests: {why}" for why, count in sorted(reasons.items())]
    columns = [Column(kind, kind, ",d") for kind in counts]
    table = result.table("Tests marked gpu", *columns, Column("seconds", "seconds", ".1f"))
    seconds = sum(float(case.get("time") or 0) for case in cases)
    table.rows.append({**counts, "seconds": seconds})
    if done.returncode not in (0, 5) and not counts["failed"]:
        result.failures.append(f"pytest ended with {done.returncode}")
    if counts["failed"] or done.returncode not in (0, 5):
        result.records.append({"output": output[-_TAIL_LINES:]})
