"""Evaluate a run and write its report."""

import os
from pathlib import Path
from typing import Any

from alexnet.backends import Compute
from alexnet.errors import UserError
from alexnet.history import read_epochs
from alexnet.html import render
from alexnet.io.atomic import write_bytes
from alexnet.io.output_paths import check_output_file
from alexnet.progress import Progress, no_progress
from alexnet.report.evaluation_section import (
    EvaluationSummary,
    evaluate_run,
    load_saved_evaluation,
)
from alexnet.report.sections import template_values
from alexnet.run import BEST, Run
from alexnet.text import printable

REPORT = "report.html"

_MARK = "alexnet report"
_HEAD_BYTES = 2048
_FORMATS = ("html", "htm")


def write_report(
    run: Run | str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    split: str | None = None,
    crops: int = 1,
    compute: Compute = Compute(),
    progress: Progress = no_progress,
) -> Path:
    """Evaluate a run and write its report as one self-contained HTML file.

    Args:
        run: A run, or its folder.
        source: Images to evaluate, as for `alexnet.evaluation.evaluate`. Default: the dataset
            that the run was trained on; if that is unavailable, the report uses what the run
            folder contains and lists what is missing.
        output: Output file. Default: RUN/report.html.
        force: Overwrite a file that is not a report.
        split: As for `alexnet.evaluation.evaluate`, as are `crops` and `compute`.

    Returns:
        The path of the report.

    Raises:
        UserError: a run without a finished epoch, an invalid or existing output file, or an
            invalid source.
        RunError: the file cannot be written.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    target = Path(output) if output is not None else run.folder / REPORT
    check_output_file(
        target,
        label="report",
        formats=_FORMATS,
        overwrite=force or _is_report(target),
        exists_reason="is not a report of this program",
    )
    epochs = read_epochs(run.folder)
    weights = run.weights(BEST)
    options: dict[str, Any] = {
        "split": split,
        "crops": crops,
        "compute": compute,
        "progress": progress,
    }
    evaluation, missing = _evaluate_or_load(run, source, options)
    values = template_values(run, epochs, weights, evaluation, missing)
    page = render("alexnet.report/page.html", **values)
    write_bytes(target, page.encode("utf-8", "backslashreplace"))
    return target


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'content="{_MARK}'.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _evaluate_or_load(
    run: Run, source: str | os.PathLike[str] | None, options: dict[str, Any]
) -> tuple[EvaluationSummary | None, list[str]]:
    """Evaluate the run, or load its saved evaluation; return it with what is missing."""
    if source is not None:
        return evaluate_run(run, source, **options), []
    try:
        return evaluate_run(run, run.data.source, **options), []
    except UserError as error:
        # Do not report an invalid option as missing images.
        if options["split"] is not None or options["compute"] != Compute():
            raise
        saved = load_saved_evaluation(run)
        missing = [f"the run's dataset is unavailable: {error}"]
        missing.append(
            f"the metrics are those of the evaluation saved in {printable(saved.folder)}; "
            "misclassified images are listed without their pixels"
            if saved and saved.folder
            else "there are no metrics per class, misclassified images or calibration"
        )
        return saved, missing
