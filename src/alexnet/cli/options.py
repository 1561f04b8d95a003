"""Command-line options generated from the fields of a settings class, so each is written once."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeAlias, get_origin

import typer

from alexnet.backends.compute import Compute
from alexnet.settings import Settings, as_text, field_types, fields, optional_type
from alexnet.spec.catalog import variants


def completion(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """Return the shell completion for an option with these values."""
    return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]


DataArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Folder with a folder per class, CSV, zip or tar archive, or the name digits.",
    ),
]
RunArgument: TypeAlias = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run.")]
VariantArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="VARIANT",
        help=f"One of {', '.join(variants())}; or a run's folder.",
        autocompletion=completion(variants()),
    ),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the architecture."),
]
JsonOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the metrics as JSON; - for standard output."
    ),
]
CropsOption: TypeAlias = Annotated[
    int, typer.Option(metavar="1|10", help="Center crop, or the mean over the paper's ten crops.")
]
SplitOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="train|val|test|all",
        help="Split to evaluate.",
        show_default="val if the dataset is split, else all",
        autocompletion=completion(("train", "val", "test", "all")),
    ),
]
WorkersOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Threads that decode images.", show_default="one per core"
    ),
]
Command: TypeAlias = Callable[..., None]


def with_compute(*names: str) -> Callable[[Command], Command]:
    """A decorator: the command takes these fields of `Compute` as options, as one `compute`."""
    options = [_parameter(Compute, name, getattr(Compute(), name)) for name in names]
    return lambda command: _gathering(
        command, options, "compute", lambda values: Compute(**_only_given(values))
    )


def with_settings(
    cls: type[Settings], shown: Settings, *, skip: tuple[str, ...] = (), into: str = "settings"
) -> Callable[[Command], Command]:
    """A decorator: the command takes every field of `cls` as an option, gathered in `into`.

    Args:
        shown: its values are shown as defaults in the help.
        skip: fields without an option.
    """
    names = [field.name for field in fields(cls) if field.name not in skip]
    parameters = [_parameter(cls, name, getattr(shown, name)) for name in names]
    return lambda command: _gathering(command, parameters, into, _only_given)


def _only_given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _gathering(
    command: Command,
    parameters: Sequence[inspect.Parameter],
    into: str,
    gathered: Callable[[dict[str, Any]], Any],
) -> Command:
    """Wrap the command so that these parameters replace the one that takes all their values."""

    def wrapped(**arguments: Any) -> None:
        values = {p.name: arguments.pop(p.name) for p in parameters if p.name in arguments}
        command(**arguments, **{into: gathered(values)})

    own = inspect.signature(command).parameters
    all_of_them = [*(p for name, p in own.items() if name != into), *parameters]
    wrapped.__signature__ = inspect.Signature(all_of_them)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in all_of_them}
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


def _parameter(cls: type[Settings], name: str, value: Any) -> inspect.Parameter:
    field = next(field for field in fields(cls) if field.name == name)
    kind, _ = optional_type(field_types(cls)[name])
    kind = str if get_origin(kind) is tuple else kind
    flag = f"--{name.replace('_', '-')}"
    choices, description = field.metadata["choices"], field.metadata["description"]
    # Choices go into the text, which wraps between words; beside the option they wrap anywhere.
    if choices and not all(choice in description for choice in choices):
        description += f"; one of {', '.join(choices)}"
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
        help=description,
        show_default=as_text(value),
        metavar="NAME" if choices else None,
        autocompletion=completion(choices) if choices else None,
        rich_help_panel=_panel(cls, name),
    )
    # Ranges and choices are checked by the settings class, with the same messages for files.
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _panel(cls: type[Settings], name: str) -> str:
    """Return the name of the class that defines the field, as a title: Fine tuning."""
    own = next(base for base in cls.__mro__ if name in inspect.get_annotations(base))
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f" {match[1].lower()}", own.__name__)
