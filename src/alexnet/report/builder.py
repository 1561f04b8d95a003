"""Make the report of a run."""

import os
from pathlib import Path
from typing import Any

from alexnet.backends import Compute
from alexnet.errors import UserError
from alexnet.history import read_epochs
from alexnet.html import render
from alexnet.io.atomic import write_bytes
from alexnet.progress import Progress, no_progress
from alexnet.report.evaluation_section import Judgement, judge, kept_judgement
from alexnet.report.sections import sections
from alexnet.run import BEST, Run
from alexnet.text import exists_already, printable

REPORT = "report.html"

_MARK = "alexnet report"
_HEAD_BYTES = 2048
_SUFFIXES = (".html", ".htm")


def report(
    run: Run | str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    split: str | None = None,
    crops: int = 1,
    compute: Compute = Compute(),  # noqa: B008
    progress: Progress = no_progress,
) -> Path:
    """Write the report of a run as one HTML file, with everything in it.

    Args:
        run: a run, or its folder.
        source: the images to judge it on, as for `alexnet.evaluation.evaluate`; those that it
            was trained from when not given. Where those are gone, the report is made of what the
            run's folder holds, and says what is missing.
        output: the file; RUN/report.html when not given.
        force: write over a file that is no report.
        split: as for `alexnet.evaluation.evaluate`; so are crops and compute.

    Returns:
        The file.

    Raises:
        UserError: a run of which no epoch has ended, an output that is no .html or is another
            file, or a source that cannot be used.
        RunError: the file cannot be written.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    target = Path(output) if output is not None else run.folder / REPORT
    require_target(target, force)
    epochs = read_epochs(run.folder)
    weights = run.weights(BEST)
    options: dict[str, Any] = {
        "split": split,
        "crops": crops,
        "compute": compute,
        "progress": progress,
    }
    judgement, missing = _judged(run, source, options)
    values = sections(run, epochs, weights, judgement, missing)
    page = render("alexnet.report/page.html", **values)
    write_bytes(target, page.encode("utf-8", "backslashreplace"))
    return target


def require_target(target: Path, force: bool) -> None:
    """Look whether a report may be written there.

    Raises:
        UserError: another format, a folder, a place that is not there, or somebody else's file.
    """
    said = printable(target)
    if target.suffix.lower() not in _SUFFIXES:
        raise UserError(f"{said}: a report is HTML; give a name that ends in .html")
    if target.is_dir():
        raise UserError(f"{said} is a folder; give the name of a file in it")
    if not target.parent.is_dir():
        raise UserError(f"{said}: there is no folder {printable(target.parent)}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        where = printable(target.parent)
        raise UserError(f"the folder {where} is not writable; choose another file with --output")
    if target.exists() and not force and not _is_ours(target):
        raise UserError(f"{exists_already(target)}; it is not a report of this program")


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'content="{_MARK}'.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _judged(
    run: Run, source: str | os.PathLike[str] | None, options: dict[str, Any]
) -> tuple[Judgement | None, list[str]]:
    """The judgement on the images, or the one that the run keeps; and what is missing."""
    if source is not None:
        return judge(run, source, **options), []
    try:
        return judge(run, run.data.source, **options), []
    except UserError as error:
        # A wrong option is said as what it is, and not as images that are not there.
        if options["split"] is not None or options["compute"] != Compute():
            raise
        kept = kept_judgement(run)
        missing = [f"the images that the run was trained from cannot be used: {error}"]
        missing.append(
            "so mistakes stand here without their images, and the figures are those of the "
            f"evaluation kept in {printable(kept.kept_in)}"
            if kept and kept.kept_in
            else "so nothing is said here of classes, mistakes and calibration"
        )
        return kept, missing
