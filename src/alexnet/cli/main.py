"""The command line. Each command is a page that parses, calls one public function and shows what
it returns; heavy imports happen inside the commands, so that help is instant."""

import sys
from typing import Annotated

import typer

from alexnet.cli.cache import app as cache
from alexnet.cli.check import check
from alexnet.cli.evaluate import evaluate
from alexnet.cli.predict import predict
from alexnet.cli.train import train
from alexnet.errors import RunError, UserError

DEBUG = "--debug"

app = typer.Typer(
    help="AlexNet, whole: train it on your own pictures, judge it, use it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, check):
    app.command()(command)
app.add_typer(cache, name="cache")


def _version(wanted: bool) -> None:
    if wanted:
        from alexnet import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
    debug: Annotated[  # noqa: ARG001
        bool, typer.Option(DEBUG, help="Show where in the program an error arose.")
    ] = False,
) -> None:
    """AlexNet, whole: train it on your own pictures, judge it, use it."""


def main() -> None:
    """Run the command line: one line for an error; exit with 2 for a wrong call, 1 for a failure."""
    arguments = sys.argv[1:]
    # Accepted anywhere, because it is what one adds to the end of a call that went wrong.
    debug = DEBUG in arguments
    try:
        app([argument for argument in arguments if argument != DEBUG], prog_name="alexnet")
    except Exception as error:
        if debug:
            raise
        sys.exit(_say(error))


def _say(error: Exception) -> int:
    """Print one line that says what went wrong; returns the exit status."""
    from alexnet.text import printable

    if isinstance(error, UserError | RunError):
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
