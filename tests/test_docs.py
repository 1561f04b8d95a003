"""What the pages of the documentation show is there, runs, and is true."""

import ast
import csv
import doctest
import functools
import itertools
import json
import math
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import alexnet
from alexnet.config.settings import fields, parse_assignments
from alexnet.errors import UserError

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
MAX_IMAGE_BYTES, MAX_IMAGES_BYTES = 300_000, 2_000_000


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, without the spaces of a list that they stand in."""
    found: list[str] = []
    lines = iter(page.read_text().splitlines())
    for line in lines:
        if not line.lstrip().startswith("```"):
            continue
        indent, info = len(line) - len(line.lstrip()), line.lstrip()[3:]
        inside = itertools.takewhile(lambda inner: inner.strip() != "```", lines)
        text = "".join(f"{inner[indent:]}\n" for inner in inside)
        if info.split(" ")[0] == language:
            found.append(text)
    return found


def commands_in_blocks(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    return [line for line in lines if line.startswith("alexnet ")]


def commands_of(page: Path) -> list[list[str]]:
    """What follows `alexnet` in blocks without a language and between backticks."""
    lines = commands_in_blocks(page)
    lines += re.findall(r"(?<!`)`(alexnet [^`]+)`(?!`)", page.read_text())
    words = (shlex.split(line) for line in lines)
    return [line[1 : line.index(">") if ">" in line else None] for line in words]


PYTHON = [page for page in PAGES if blocks(page, "python") or blocks(page, "pycon")]


@pytest.mark.parametrize("page", PYTHON, ids=name_of)
def test_python_runs_and_gives_what_stands_behind_it(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(block, scope)
        for expression, value in re.findall(r"^(\S.*?)  # (.*)$", block, re.M):
            if "=" not in expression.split("(")[0]:
                assert str(eval(expression, scope)) == value
    parser, said = doctest.DocTestParser(), list[str]()
    for block in blocks(page, "pycon"):
        test = parser.get_doctest(block, scope, name_of(page), str(page), 0)
        doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


@functools.cache
def command_line() -> Any:
    from typer.main import get_command

    from alexnet.cli.main import app

    return get_command(app)


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """A call of the command line, parsed as it would be and not carried out."""
    command, rest = command_line(), list(arguments)
    while hasattr(command, "commands"):
        assert rest, arguments
        assert rest[0] in command.commands, f"there is no command {' '.join(arguments)}"
        name, *rest = rest
        command = command.commands[name]
    context = command.make_context(command.name, rest)
    return dict(context.params)


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for arguments in commands_of(page):
            yield name_of(page), arguments


def test_every_command_that_is_shown_can_be_called() -> None:
    shown = [(page, call) for page, call in shown_commands() if "--help" not in call]
    # A name that stands for one of several: `alexnet COMMAND`, `alexnet show …`.
    calls = [(page, call) for page, call in shown if not call[0].isupper() and len(call) > 1]
    assert len(calls) > 40
    assert [found for page, call in calls if (found := problem_of(page, call))] == []


def problem_of(page: str, call: list[str]) -> str:
    """Why a call cannot be made; nothing when it can."""
    known = {field.name for field in fields(alexnet.Architecture)}
    try:
        given = parsed(call)
        changes = [*(given.get("set_") or ()), *(given.get("with_") or ())]
        assert set(parse_assignments(changes, alexnet.Architecture)) <= known
    except (UserError, AssertionError) as error:
        return f"{page}: alexnet {shlex.join(call)}: {error}"
    return ""


def test_every_option_that_is_named_exists() -> None:
    def options_of(command: Any) -> Iterator[str]:
        for parameter in command.params:
            yield from (*parameter.opts, *parameter.secondary_opts)
        for below in getattr(command, "commands", {}).values():
            yield from options_of(below)

    known = {*options_of(command_line()), "--help"}
    for page in PAGES:
        spans = " ".join(re.findall(r"`(-[^`]+|alexnet [^`]+)`", page.read_text()))
        named = set(re.findall(r"(?<!\S)--[a-z][a-z-]+", spans))
        of_others = {"--peer-python", "--peer-scripts"} if page.name == "benchmarks.md" else set()
        assert named - known - of_others == set(), name_of(page)


def images_of(page: Path) -> list[Path]:
    found = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text())
    return [(page.parent / link).resolve() for link in found]


def test_every_image_is_there_and_shown_and_small() -> None:
    readme = ROOT / "README.md"
    shown = {image for page in (*PAGES, readme) for image in images_of(page)}
    assert not [image for image in shown if not image.exists()]
    kept = {path.resolve() for path in (DOCS / "images").iterdir()}
    assert kept == {image for image in shown if image.parent == (DOCS / "images").resolve()}
    sizes = {image.name: image.stat().st_size for image in kept}
    assert {name for name, size in sizes.items() if size > MAX_IMAGE_BYTES} == set()
    assert sum(sizes.values()) < MAX_IMAGES_BYTES


def test_every_part_of_the_source_that_a_page_shows_is_there_once() -> None:
    shown = [
        found
        for page in PAGES
        for found in re.findall(r'^--8<-- "([^":]+)(?::([\w-]+))?"$', page.read_text(), re.M)
    ]
    assert len(shown) > 20
    for file, part in shown:
        text = (ROOT / file).read_text()
        if part:
            marks = re.findall(rf"# --8<-- \[(start|end):{part}\]", text)
            assert marks == ["start", "end"], f"{file}: {part}"
    named = {
        (path.relative_to(ROOT).as_posix(), part)
        for path in (ROOT / "src").rglob("*.py")
        for part in re.findall(r"# --8<-- \[start:([\w-]+)\]", path.read_text())
    }
    assert named == {(file, part) for file, part in shown if part}, "marked and never shown"


def public_names() -> Iterator[str]:
    """Every name in an `__all__`, but packages, which have their own, and what is inside ours."""
    inner = {"alexnet/explain/drawing", "alexnet/pages"}
    for path in sorted((ROOT / "src").rglob("__init__.py")):
        package = path.parent.relative_to(ROOT / "src").as_posix()
        for node in ast.parse(path.read_text()).body:
            is_list = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            if is_list and package not in inner:
                for name in ast.literal_eval(node.value):  # type: ignore[attr-defined]
                    yield f"{package.replace('/', '.')}.{name}"


def in_reference(name: str) -> str:
    """As it is written there: where a submodule has a function's name, through the submodule."""
    is_module = (ROOT / "src" / name.replace(".", "/")).with_suffix(".py").exists()
    return f"{name}.{name.rsplit('.')[-1]}" if is_module else name


def test_every_public_name_is_in_the_reference() -> None:
    pages = (DOCS / "api").glob("*.md")
    shown = {name for page in pages for name in re.findall(r"^::: (\S+)$", page.read_text(), re.M)}
    # Said in a sentence, where they lead.
    elsewhere = {f"alexnet.{name}" for name in ("AlexNet", "explain", "keras", "weights")}
    assert {in_reference(name) for name in public_names()} - elsewhere - shown == {
        "alexnet.Architecture",
        "alexnet.variants",
        "alexnet.plots.curve",
    }
    also = {f"alexnet.architecture.{name}" for name in ("Architecture", "variants")}
    assert {*also, "alexnet.plots.learning_curves.curve"} <= shown


def rows(page: str, cells: int) -> list[list[str]]:
    """The rows of the tables with so many columns."""
    lines = re.findall(r"^\|(.*)\|$", (DOCS / page).read_text(), re.M)
    split = [[cell.strip().strip("*") for cell in line.split("|")] for line in lines]
    return [row for row in split if len(row) == cells]


def test_the_sizes_are_true() -> None:
    steps = {step.layer.name: step for step in alexnet.architecture("paper").trace()}
    found = {row[0]: row[1:] for row in rows("sizes.md", 9) if row[0] in steps}
    assert set(found) == {name for name, step in steps.items() if step.window}
    for name, cells in found.items():
        step = steps[name]
        window = step.window
        assert window is not None
        numbers = [window.size, window.window, window.stride, window.padding[0], window.output]
        assert cells[:5] == list(map(str, numbers))
        assert cells[5] == str(step.output_shape[0])
        assert cells[6] == (f"{step.num_parameters:,}" if step.num_parameters else "")
        assert cells[7] == str(step.receptive_field_px)


def test_the_table_of_the_paper_is_true() -> None:
    net = alexnet.architecture("paper")
    steps = {step.layer.name: step for step in net.trace()}
    found = [row for row in rows("paper.md", 3) if row[0] in steps]
    assert [name for name, _, _ in found] == [name for name, s in steps.items() if s.num_parameters]
    for name, maps, parameters in found:
        assert maps == "x".join(map(str, steps[name].output_shape))
        assert parameters == f"{steps[name].num_parameters:,}"
    assert ["all", "", f"{net.num_parameters:,}"] in rows("paper.md", 3)


def test_what_the_command_line_prints_stands_in_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (DOCS / "sizes.md").read_text()
    for call in commands_of(DOCS / "sizes.md"):
        if call[0] == "size" and f"alexnet {shlex.join(call)}\n```\n\n```text" in text:
            command_line().main(call, standalone_mode=False)
            assert capsys.readouterr().out in text
    with pytest.raises(UserError) as raised:
        alexnet.architecture("paper", image_size=60)
    assert f"error: {raised.value}\n" in text


def test_what_is_said_of_the_kept_runs_is_what_is_said_of_them() -> None:
    from alexnet.config.hyperparameters import Recipe
    from alexnet.diagnosis.measurements import from_dict
    from alexnet.spec.architectures import Architecture
    from alexnet.training import diagnose

    curves = ROOT / "tests" / "diagnosis" / "curves"
    shown = dict(
        re.findall(
            r"^```\nalexnet train (.*)\n```\n(?:\n!.*\n)?\n```\{.text .wrap\}\nDiagnosis: (.*)\n",
            (DOCS / "fitting.md").read_text(),
            re.M,
        )
    )
    assert len(shown) == len(commands_in_blocks(DOCS / "fitting.md"))
    checked = 0
    for name, run in json.loads((curves / "runs.json").read_text()).items():
        call = f"{run['data']} {run['options']}"
        if call in shown:
            path = curves / f"{name}.csv"
            table = path.read_text().splitlines() if path.exists() else []
            found = diagnose(
                list(csv.DictReader(table)),
                measured=from_dict(run["measured"]),
                recipe=Recipe(**run["recipe"]),
                architecture=Architecture(**run["architecture"]),
            )
            assert shown[call] == found.line
            checked += 1
    assert checked == 7


def test_the_divisors_of_lrn_are_true() -> None:
    answers, divisors = (row[1:] for row in rows("lrn.md", 6) if row[0] in ("a", "divisor"))
    for a, divisor in zip(answers, divisors, strict=True):
        assert math.isclose((2 + 5e-4 * float(a) ** 2) ** 0.75, float(divisor), abs_tol=0.005)


def test_tensorflow_gives_what_the_page_says_it_gives() -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs alexnet[tensorflow]")
    (call,) = re.findall(r"`(tf\.nn\.local_resp\S+\([^`]*\))`", (DOCS / "lrn.md").read_text())
    x = tensorflow.constant([2.0, 4.0, 2.0], shape=(1, 1, 1, 3))
    found = eval(call, {"tf": tensorflow, "x": x}).numpy().ravel()
    assert found[1] == pytest.approx(0.8)
