"""What the README shows works as it stands there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import alexnet
from alexnet.weights import names

README = Path(__file__).parent.parent / "README.md"


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytorch, keras = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    published = names.indexed(alexnet.AlexNet("owt").weights())
    state = {name: torch.from_numpy(array) for name, array in published.items()}
    torch.save(state, tmp_path / "alexnet-owt-7be5be79.pth")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(pytorch, scope)
    assert not capsys.readouterr().out
    stated = dict(re.findall(r"^(\S.*?) +# (.*)$", pytorch, flags=re.MULTILINE))
    assert str(eval("net.parameters", scope)) == stated["net.parameters"]
    assert str(alexnet.variants()) == stated["alexnet.variants()"]
    pytest.importorskip("keras", reason="needs alexnet[tensorflow] or alexnet[jax]")
    exec(keras, scope)
    found = eval("alexnet.weights.read('owt.keras')", scope)
    assert (found["fc6.weight"] == published["classifier.1.weight"]).all()


def test_the_table_of_variants_is_true() -> None:
    rows = re.findall(r"^\| `([\w-]+)`.*\| ([\d,]+) \|$", README.read_text(), flags=re.MULTILINE)
    assert [name for name, _ in rows] == list(alexnet.variants())
    for name, parameters in rows:
        assert f"{alexnet.architecture(name).parameters:,}" == parameters


def options_of(command: Any) -> Iterator[str]:
    """Of a command and all below it."""
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for below in getattr(command, "commands", {}).values():
        yield from options_of(below)


def test_every_option_that_the_readme_names_exists() -> None:
    from typer.main import get_command

    from alexnet.cli.main import app
    from alexnet.recipe import RECIPES

    text = README.read_text()
    named = set(re.findall(r"--[a-z][a-z-]+", text))
    assert named - set(options_of(get_command(app))) <= {"--help"}
    recipes = re.findall(r"^\| `(\w+)`(?: \(default\))? \| ", text.split("| recipe |")[1], re.M)
    assert recipes[: len(RECIPES)] == list(RECIPES)


def test_every_field_of_the_architecture_is_in_the_readme() -> None:
    from alexnet.settings import fields

    named = set(re.findall(r"`(\w+)`", README.read_text()))
    missing = {field.name for field in fields(alexnet.Architecture)} - named
    assert missing == {"variant"}
