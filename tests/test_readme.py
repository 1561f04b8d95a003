"""The READMEs: their code runs, and their tables and options are correct."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import alexnet
from alexnet.weights import names

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh.md")


@pytest.fixture(params=READMES)
def readme(request: pytest.FixtureRequest) -> str:
    """The text, in each language."""
    return (ROOT / request.param).read_text(encoding="utf-8")


def python_of(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
def test_the_python_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytorch, keras = python_of("README.md")
    published = names.indexed(alexnet.AlexNet("owt").weights())
    state = {name: torch.from_numpy(array) for name, array in published.items()}
    torch.save(state, tmp_path / "alexnet-owt-7be5be79.pth")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(pytorch, scope)
    assert not capsys.readouterr().out
    for name in READMES:  # test_languages.py compares the code; the comments are translated
        stated = dict(re.findall(r"^(\S.*?) +# (.*)$", python_of(name)[0], flags=re.MULTILINE))
        assert str(eval("net.num_parameters", scope)) == stated["net.num_parameters"]
        assert str(alexnet.variants()) == stated["alexnet.variants()"]
    pytest.importorskip("keras", reason="needs alexnet[tensorflow] or alexnet[jax]")
    exec(keras, scope)
    weights = eval("alexnet.weights.read('owt.keras')", scope)
    assert (weights["fc6.weight"] == published["classifier.1.weight"]).all()


def test_the_table_of_variants_is_correct(readme: str) -> None:
    rows = re.findall(r"^\| `([\w-]+)`.*\| ([\d,]+) \|$", readme, flags=re.MULTILINE)
    assert [name for name, _ in rows] == list(alexnet.variants())
    for name, parameters in rows:
        assert f"{alexnet.architecture(name).num_parameters:,}" == parameters


def options_of(command: Any) -> Iterator[str]:
    """Yield the options of a command and its subcommands."""
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for below in getattr(command, "commands", {}).values():
        yield from options_of(below)


def test_every_documented_option_exists(readme: str) -> None:
    from typer.main import get_command

    from alexnet.cli.main import app
    from alexnet.config.hyperparameters import RECIPES

    named = set(re.findall(r"--[a-z][a-z-]+", readme))
    assert named - set(options_of(get_command(app))) <= {"--help"}
    table = re.split(r"\| (?:recipe|配方) \|", readme)[1]
    recipes = re.findall(r"^\| `(\w+)`(?: \(default\)|（默认）)? \| ", table, flags=re.MULTILINE)
    assert recipes[: len(RECIPES)] == list(RECIPES)


def test_every_field_of_the_architecture_is_documented(readme: str) -> None:
    from alexnet.settings import fields

    named = set(re.findall(r"`(\w+)`", readme))
    missing = {field.name for field in fields(alexnet.Architecture)} - named
    assert missing == {"variant"}
