"""alexnet train: train on images, write a run's folder."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alexnet.backends.compute import Compute
from alexnet.cli.config_file import COMPUTE_FIELDS, RECIPE_FIELDS, read_config
from alexnet.cli.options import completion, with_settings
from alexnet.config.hyperparameters import RECIPES, Recipe, recipe
from alexnet.errors import UserError
from alexnet.settings import parse_assignments
from alexnet.spec.architectures import Architecture
from alexnet.spec.catalog import variants

if TYPE_CHECKING:
    from alexnet.training.results import TrainingResult


@with_settings(Compute, Compute(), skip=("batch_size",), into="compute")
@with_settings(Recipe, recipe("fast"), skip=("name",))
def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Folder with a folder per class, CSV, zip or tar archive, or the name digits.",
        ),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"The network: {', '.join(variants())}.",
            show_default="half, or that of --pretrained",
            autocompletion=completion(variants()),
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the architecture."),
    ] = None,
    recipe_name: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help=f"The training settings to start from: {', '.join(RECIPES)}.",
            show_default="fast",
            autocompletion=completion(RECIPES),
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TOML or JSON file with these options, or the run.json of a run."
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run's folder.", show_default="a new one in runs/"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Resume an interrupted run; the options of Compute can change."
        ),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option(
            "--tensorboard/--no-tensorboard", help="Write TensorBoard events.", show_default="no"
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Download nothing; also set by ALEXNET_OFFLINE=1.")
    ] = False,
    settings: dict[str, Any] = {},  # noqa: B006
    compute: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Train AlexNet on images; weights, settings and metrics go into the run's folder.

    The defaults are those of the recipe fast.
    """
    options = {
        "variant": variant,
        "recipe": recipe_name,
        "output_dir": output_dir,
        "tensorboard": tensorboard,
        **compute,
    }
    options = {name: value for name, value in options.items() if value is not None}
    if resume is not None:
        if data or set_ or config or settings or set(options) - set(compute):
            raise UserError(
                "--resume uses the settings that the run started with; only "
                f"{', '.join('--' + name for name in COMPUTE_FIELDS)} can be changed"
            )
        _watched(lambda **watch: _training().resume(resume, compute=compute, **watch))
        return
    file = read_config(config) if config else {}
    changes = {**file.pop("architecture", {}), **parse_assignments(set_ or [], Architecture)}
    if "image_size" in settings:
        changes.pop("image_size", None)
    options = {**file, **options, **settings}
    source = data or options.get("data")
    if source is None:
        raise UserError("missing argument DATA: a folder of images, or `digits` to try it out")
    hyperparameters = recipe(
        options.get("recipe", "fast"),
        **{name: value for name, value in options.items() if name in RECIPE_FIELDS},
    )
    where = Compute(**{name: options[name] for name in COMPUTE_FIELDS if name in options})
    if compute:  # before everything that training imports
        where.check()
    _watched(
        lambda **watch: _training().train(
            source,
            variant=options.get("variant"),
            changes=changes,
            recipe=hyperparameters,
            compute=where,
            output_dir=options.get("output_dir"),
            tensorboard=options.get("tensorboard", False),
            offline=offline or options.get("offline", False),
            **watch,
        )
    )


def _training() -> Any:
    """Import training late: it brings NumPy and the framework."""
    import alexnet.training

    return alexnet.training


def _watched(run: Callable[..., "TrainingResult"]) -> None:
    """Train with progress on the terminal, and print the result."""
    from rich.console import Console

    from alexnet.cli.training_display import PLAIN, Screen, end_stopped, program, show_result
    from alexnet.progress import rich_progress
    from alexnet.text import printable

    console = Console()
    stopped = _training().TrainingInterrupted
    try:
        outcome = run(observer=Screen(console), progress=rich_progress(console))
    except stopped as stop:
        folder = shlex.quote(printable(stop.folder))
        console.print(f"{stop}; to resume:  {program()} train --resume {folder}", **PLAIN)
        end_stopped(stop.signal_number)
    show_result(console, outcome)
