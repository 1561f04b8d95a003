"""What every test has: a cache of its own, and the command line."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest


class Result(NamedTuple):
    """What a command ended with and wrote."""

    status: int
    out: str
    err: str


Command = Callable[..., Result]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none; PyTorch is imported for such tests only."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("PyTorch finds no CUDA device")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, so that no test sees another's or the developer's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ALEXNET_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Runs `alexnet` with these arguments in this process."""

    def call(*arguments: object, stdin: bytes | None = None) -> Result:
        from alexnet.cli.main import main

        monkeypatch.setattr(sys, "argv", ["alexnet", *map(str, arguments)])
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        status: object = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        sys.stdout.flush()
        result = capfdbinary.readouterr()
        return Result(
            int(str(status)), *(text.decode("utf-8", "surrogateescape") for text in result)
        )

    return call
