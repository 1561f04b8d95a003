"""alexnet train: images in, a run's folder out."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alexnet.backends import BACKENDS, TORCH, check_device
from alexnet.cli.config_file import OWN_OPTIONS, read_config
from alexnet.cli.options import completion, with_settings
from alexnet.config.hyperparameters import RECIPES, Recipe, recipe
from alexnet.config.settings import parse_assignments
from alexnet.errors import UserError
from alexnet.spec.architectures import Architecture, variants

if TYPE_CHECKING:
    from alexnet.training.results import TrainingResult


@with_settings(Recipe, recipe("fast"), skip=("name",))
def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="Folder of classes, CSV, zip or tar archive, or the name digits."
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
        typer.Option(metavar="FILE", help="TOML or JSON file of these options; or a run's config."),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The run's folder.", show_default="a new one in runs/"),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What computes: torch, or Keras on tensorflow or jax.",
            show_default="torch",
            autocompletion=completion(BACKENDS),
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", show_default="auto")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Threads that prepare images.", show_default="one a core"
        ),
    ] = None,
    compile_: Annotated[
        bool | None,
        typer.Option("--compile/--no-compile", help="Use torch.compile.", show_default="no"),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option("--tensorboard/--no-tensorboard", help="Write its events.", show_default="no"),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Download nothing; ALEXNET_OFFLINE=1 says it too.")
    ] = False,
    settings: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Train AlexNet on images. The run's folder holds the weights and everything about them.

    The defaults of the settings are those of the recipe fast.
    """
    given = {
        "variant": variant,
        "recipe": recipe_name,
        "output_dir": output_dir,
        "backend": backend,
        "device": device,
        "workers": workers,
        "compile": compile_,
        "tensorboard": tensorboard,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if resume is not None:
        if data or set_ or config or settings or set(given) - {"backend"}:
            raise UserError(
                "--resume goes on with the settings that the run began with: give no others, "
                "but for --backend"
            )
        _watched(lambda **watch: _training().resume(resume, backend=backend, **watch))
        return
    file = read_config(config) if config else {}
    changes = {**file.pop("architecture", {}), **parse_assignments(set_ or [], Architecture)}
    if "image_size" in settings:
        changes.pop("image_size", None)
    options = {**file, **given, **settings}
    source = data or options.get("data")
    if source is None:
        raise UserError("DATA is missing: name a folder of images, or `digits` to try it out")
    training = recipe(
        options.get("recipe", "fast"),
        **{name: value for name, value in options.items() if name not in OWN_OPTIONS},
    )
    machine = {n: options[n] for n in ("backend", "device", "workers", "compile") if n in options}
    if "device" in machine or "backend" in machine:  # before all that a training imports
        check_device(machine.get("device", "auto"), machine.get("backend", TORCH))
    _watched(
        lambda **watch: _training().train(
            source,
            variant=options.get("variant"),
            changes=changes,
            recipe=training,
            machine=_training().Machine(**machine),
            output_dir=options.get("output_dir"),
            tensorboard=options.get("tensorboard", False),
            offline=offline or options.get("offline", False),
            **watch,
        )
    )


def _training() -> Any:
    """Imported only now: it brings NumPy and the framework."""
    import alexnet.training

    return alexnet.training


def _watched(work: Callable[..., "TrainingResult"]) -> None:
    """Do the work with its progress on the screen, and say how it ended."""
    from rich.console import Console

    from alexnet.cli.training_display import PLAIN, Screen, end_stopped, program, show_result
    from alexnet.progress import rich_progress
    from alexnet.text import printable

    console = Console()
    stopped = _training().TrainingInterrupted
    try:
        outcome = work(observer=Screen(console), progress=rich_progress(console))
    except stopped as stop:
        folder = shlex.quote(printable(stop.folder))
        console.print(f"{stop}; to go on:  {program()} train --resume {folder}", **PLAIN)
        end_stopped(stop.signal_number)
    show_result(console, outcome)
