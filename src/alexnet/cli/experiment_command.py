"""alexnet experiment: test a claim of the paper on images."""

import shlex
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alexnet.cli.options import (
    DataArgument,
    SetOption,
    completion,
    with_compute,
    with_settings,
)
from alexnet.config.hyperparameters import RECIPES, FineTuning, Recipe, recipe
from alexnet.experiments.claims import ALL, EXPERIMENTS, RECIPE
from alexnet.settings import fields, parse_assignments
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import variants

if TYPE_CHECKING:
    from rich.console import Console

    from alexnet.backends import Compute
    from alexnet.experiments import ExperimentObserver, ExperimentResults

_NAMES = (*EXPERIMENTS, ALL)
_NO_START = tuple(field.name for field in fields(FineTuning))


@with_compute("backend", "device", "precision", "workers")
@with_settings(Recipe, RECIPE, skip=("name", *_NO_START))
def experiment(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help=f"One of {', '.join(_NAMES)}.",
            autocompletion=completion(_NAMES),
        ),
    ],
    data: DataArgument,
    seeds: Annotated[
        int,
        typer.Option(metavar="N", help="Trainings per condition; a confidence interval needs two."),
    ] = 5,
    variant: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"The common network: {', '.join(variants())}.",
            show_default="the paper's at 64 pixels, with half of its kernels",
            autocompletion=completion(variants()),
        ),
    ] = None,
    set_: SetOption = None,
    recipe_name: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help=f"The common training settings: {', '.join(RECIPES)}.",
            show_default="fast without color jitter",
            autocompletion=completion(RECIPES),
        ),
    ] = None,
    output_dir: Annotated[
        str | None,
        typer.Option(
            "--output-dir",
            "-o",
            metavar="DIR",
            help="Folder of the results.",
            show_default="experiments/DATASET",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the estimated cost and exit.")
    ] = False,
    keep_weights: Annotated[
        bool, typer.Option("--keep-weights", help="Keep the weights of every training.")
    ] = False,
    settings: dict[str, Any] = {},  # noqa: B006
    *,
    compute: "Compute",
) -> None:
    """Test a claim of the paper: train the same network with one thing changed.

    Each condition is trained from several seeds; the result is a table, a plot and a page with the
    verdict. Finished trainings are reused, also by other experiments: repeat an interrupted
    command to resume it.
    """
    from rich.console import Console

    from alexnet.cli.training_display import PLAIN, end_stopped, program
    from alexnet.experiments import run_experiment
    from alexnet.progress import rich_progress
    from alexnet.training import TrainingInterrupted

    common = RECIPE if recipe_name is None else recipe(recipe_name)
    changed = {"min_steps": 0, **settings} if "epochs" in settings else settings
    console = Console()
    observer = _screen(console)
    try:
        results = run_experiment(
            name,
            data,
            variant=variant,
            changes=parse_assignments(set_ or [], Architecture),
            recipe=_replaced(common, changed),
            seeds=seeds,
            compute=compute,
            output_dir=output_dir,
            keep_weights=keep_weights,
            dry_run=dry_run,
            observer=observer,
            progress=rich_progress(console),
        )
    except TrainingInterrupted as stop:
        again = shlex.join(sys.argv[1:])
        console.print(f"interrupted; repeat the command to resume:  {program()} {again}", **PLAIN)
        end_stopped(stop.signal_number)
    if results is not None:
        _show(console, results)


def _replaced(common: Recipe, settings: dict[str, Any]) -> Recipe:
    import dataclasses

    return dataclasses.replace(common, **settings)


def _show(console: "Console", results: "ExperimentResults") -> None:
    from alexnet.cli.training_display import PLAIN
    from alexnet.experiments import describe_finding
    from alexnet.text import printable

    for result in results.results:
        console.print(f"\n{result.experiment.title}", style="bold", highlight=False)
        for finding in result.findings:
            console.print(describe_finding(finding), **PLAIN)
    console.print(f"\nPage: {printable(results.page)}", **PLAIN)


def _screen(console: "Console") -> "ExperimentObserver":
    """Print the estimated cost, and a line per training."""
    from alexnet.cli.training_display import PLAIN, EpochBar
    from alexnet.experiments import Cost, ExperimentObserver, TrainingOutcome
    from alexnet.experiments.plan import Training
    from alexnet.text import format_duration, printable
    from alexnet.training import Observer

    class Screen(ExperimentObserver):
        def __init__(self) -> None:
            self._done, self._start = 0, time.monotonic()
            self._printed: set[str] = set()

        def notice(self, text: str) -> None:
            # Memory and unreadable images are much the same for all trainings: print once.
            if not self._done and text not in self._printed:
                console.print(printable(text), **PLAIN)
            self._printed.add(text)

        def cost(self, cost: Cost) -> None:
            console.print(str(cost), **PLAIN)
            self._todo, self._start = cost.trainings, time.monotonic()

        def started(self, number: int, count: int, training: Training) -> Observer:
            self._at = f"{number}/{count}"
            what = f"{self._at} {training.label}, seed {training.seed}"
            return EpochBar(console, what) if console.is_terminal else Observer()

        def finished(self, training: Training, outcome: TrainingOutcome, seconds: float) -> None:
            self._done += 1
            elapsed = time.monotonic() - self._start
            left = elapsed / self._done * (self._todo - self._done)
            finding = outcome.diverged or f"error {1 - outcome.top1:6.1%}"
            console.print(
                f"{self._at:>7}  {training.label:<32} seed {training.seed}  {finding}  "
                f"{format_duration(seconds):>8}; {format_duration(left)} left",
                **PLAIN,
            )

    return Screen()
