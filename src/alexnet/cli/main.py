"""The command line. Each command is a page that parses, calls one public function and shows what
it returns; heavy imports happen inside the commands, so that help is instant."""

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
"""What a shell reports of a program that Ctrl-C ended."""

app = typer.Typer(
    help="AlexNet, whole: train it on your own images, judge it, use it.",
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show where in the program an error arose.")
    ] = False,
) -> None:
    """AlexNet, whole: train it on your own images, judge it, use it."""


def main() -> None:
    """Run the command line; an error is one line, a wrong call exits with 2, a failure with 1."""
    # Threads of PyTorch that wait would spin; on a busy machine that takes what others, and its
    # own, could compute with: four times as slow. It has to be said before PyTorch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Accepted anywhere, because it is what one adds to the end of a call that went wrong.
    debug = DEBUG in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    if not arguments or arguments in [[name] for name in _GROUPS]:
        arguments.append("--help")  # whoever names no command wants to know which there are
    for stream in (sys.stdout, sys.stderr):
        # Names of files in any script have to come out on any terminal.
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
        status = _say(error)
    sys.exit(status)


def _say(error: Exception) -> int:
    """Print one line that says what went wrong; returns the exit status."""
    from alexnet.text import printable

    if hasattr(error, "format_message"):
        # What the command-line library finds: an option that does not exist, a value missing.
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
        text, status = f"{kind}: {error} (a fault of this program; {DEBUG} shows where)", 1
    print(f"error: {printable(' '.join(text.split()))}", file=sys.stderr)
    return status
