"""What the README shows works as it stands there."""

import re
from pathlib import Path

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


def test_every_option_that_the_readme_names_exists() -> None:
    from alexnet.recipe import RECIPES, Recipe
    from alexnet.settings import fields

    text = README.read_text()
    named = set(re.findall(r"--([a-z][a-z-]+)", text))
    own = {"format", "top", "help", "resume", "config", "set", "variant", "output-dir", "json"}
    own |= {"input", "kernel", "stride", "padding", "pool", "output", "with", "force"}
    own |= {"crops", "split", "recipe", "no-mirror", "offline", "backend"}
    known = {field.name.replace("_", "-") for field in fields(Recipe)} | own
    assert named <= known
    recipes = re.findall(r"^\| `(\w+)`(?: \(default\))? \| ", text.split("| recipe |")[1], re.M)
    assert recipes[: len(RECIPES)] == list(RECIPES)


def test_every_field_of_the_architecture_is_in_the_readme() -> None:
    from alexnet.settings import fields

    named = set(re.findall(r"`(\w+)`", README.read_text()))
    missing = {field.name for field in fields(alexnet.Architecture)} - named
    assert missing == {"variant"}
