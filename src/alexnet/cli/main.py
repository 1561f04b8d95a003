"""The command line. Each command parses, calls one public function and prints what it returns;
heavy imports happen inside the commands, so that help is instant."""

import io
import os
import sys
from typing import Annotated

import typer

from alexnet.cli.cache_command import app as cache
from alexnet.cli.check_command import check
from alexnet.cli.compare_command import compare
from alexnet.cli.draw_command import draw
from alexnet.cli.evaluate_command import evaluate
from alexnet.cli.experiment_command import experiment
from alexnet.cli.features_command import features
from alexnet.cli.info_command import info
from alexnet.cli.predict_command import predict
from alexnet.cli.report_command import report
from alexnet.cli.show_command import app as show
from alexnet.cli.similar_command import similar
from alexnet.cli.size_command import size
from alexnet.cli.train_command import train
from alexnet.errors import RunError, UserError

DEBUG = "--debug"
_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""

app = typer.Typer(
    help="AlexNet, whole: train it on your own images, evaluate it, use it.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    *(train, evaluate, report, predict, check),
    *(info, draw, compare, size, similar, features, experiment),
):
    app.command()(command)
_GROUPS = {"show": show, "cache": cache}
for group_name, group in _GROUPS.items():
    app.add_typer(group, name=group_name)


def _version(wanted: bool) -> None:
    if wanted:
        from alexnet import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show a traceback on errors.")] = False,
) -> None:
    """AlexNet, whole: train it on your own images, evaluate it, use it."""


def main() -> None:
    """Run the command line; exit with 2 for a wrong call, 1 for a failure, 130 for Ctrl-C."""
    # Waiting PyTorch threads spin by default, up to four times slower on a busy machine; this must
    # be set before PyTorch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A notebook names its own environment's backend here; all plots are files.
    os.environ["MPLBACKEND"] = "Agg"
    # Accepted anywhere, since it is added to the end of a call that failed.
    debug = DEBUG in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    if not arguments or arguments in [[name] for name in _GROUPS]:
        arguments.append("--help")  # no command: list them
    for stream in (sys.stdout, sys.stderr):
        # File names in any script must print on any terminal.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(arguments, prog_name="alexnet", standalone_mode=False)
        if status == _INTERRUPTED:
            print("stopped", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = _INTERRUPTED
    except Exception as error:
        if debug:
            raise
        status = _print_error(error)
    sys.exit(status)


def _print_error(error: Exception) -> int:
    """Print the error in one line and return the exit status."""
    from alexnet.text import printable

    if hasattr(error, "format_message"):
        # Errors of the command-line library: an unknown option, a missing value.
        text, status = f"{error.format_message()} (`--help` shows the options)", 2
    elif isinstance(error, typer.Abort):
        text, status = "stopped", _INTERRUPTED
    elif isinstance(error, UserError | RunError):
        text, status = str(error), 2 if isinstance(error, UserError) else 1
    elif isinstance(error, MemoryError):
        text, status = "not enough memory; try a smaller --batch-size or --image-size", 1
    elif isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        text, status = f"{name}{error.strerror or error}", 1
    else:
        kind = type(error).__name__
        text, status = (
            f"internal error; please report it (rerun with {DEBUG} for a traceback): "
            f"{kind}: {error}",
            1,
        )
    print(f"error: {printable(' '.join(text.split()))}", file=sys.stderr)
    return status
