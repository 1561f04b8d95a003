"""The command line in this process."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest


class Result(NamedTuple):
    status: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Runs `alexnet` with these arguments."""

    def call(*arguments: object) -> Result:
        from alexnet.cli.main import main

        monkeypatch.setattr(sys, "argv", ["alexnet", *map(str, arguments)])
        capfdbinary.readouterr()
        status: object = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        sys.stdout.flush()
        out, err = (text.decode("utf-8", "surrogateescape") for text in capfdbinary.readouterr())
        return Result(int(str(status)), out, err)

    return call
