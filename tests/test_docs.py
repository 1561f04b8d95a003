"""The documentation: its code runs, its links and commands exist, its numbers are correct."""

import ast
import csv
import doctest
import functools
import itertools
import json
import math
import pkgutil
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import alexnet
from alexnet.errors import UserError
from alexnet.settings import fields, parse_assignments

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SOURCE_BLOCK = re.compile(r"^<!-- source: \S+ -->\n+```python\n.*?^```$", re.M | re.S)
OPTIONS_OF_BENCHMARKS = {"--json", "--peer-python", "--peer-scripts"}
MAX_IMAGE_BYTES, MAX_IMAGES_BYTES = 300_000, 2_000_000


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, dedented; those copied from the source excepted."""
    matches: list[str] = []
    lines = iter(SOURCE_BLOCK.sub("", page.read_text()).splitlines())
    for line in lines:
        if not line.lstrip().startswith("```"):
            continue
        indent, info = len(line) - len(line.lstrip()), line.lstrip()[3:]
        inside = itertools.takewhile(lambda inner: inner.strip() != "```", lines)
        text = "".join(f"{inner[indent:]}\n" for inner in inside)
        if info.split(" ")[0] == language:
            matches.append(text)
    return matches


def commands_in_blocks(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    return [line for line in lines if line.startswith("alexnet ")]


def commands_of(page: Path) -> list[list[str]]:
    """Return the arguments of each `alexnet` command in unlabeled blocks and in inline code."""
    lines = commands_in_blocks(page)
    lines += re.findall(r"(?<!`)`(alexnet [^`]+)`(?!`)", page.read_text())
    calls = (shlex.split(line) for line in lines)
    return [line[1 : line.index(">") if ">" in line else None] for line in calls]


PYTHON = [page for page in PAGES if blocks(page, "python") or blocks(page, "pycon")]


@pytest.mark.parametrize("page", PYTHON, ids=name_of)
def test_python_examples_run_and_print_the_documented_results(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(block, scope)
        for expression, value in re.findall(r"^(\S.*?)  # (.*)$", block, re.M):
            if "=" not in expression.split("(")[0]:
                assert str(eval(expression, scope)) == value
    parser, failures = doctest.DocTestParser(), list[str]()
    for block in blocks(page, "pycon"):
        test = parser.get_doctest(block, scope, name_of(page), str(page), 0)
        doctest.DocTestRunner().run(test, out=failures.append)
    assert not failures, "".join(failures)


@functools.cache
def command_line() -> Any:
    from typer.main import get_command

    from alexnet.cli.main import app

    return get_command(app)


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse a call of the command line without running it."""
    command, rest = command_line(), list(arguments)
    while hasattr(command, "commands"):
        assert rest, arguments
        assert rest[0] in command.commands, f"no such command: {' '.join(arguments)}"
        name, *rest = rest
        command = command.commands[name]
    context = command.make_context(command.name, rest)
    return dict(context.params)


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for arguments in commands_of(page):
            yield name_of(page), arguments


def test_every_documented_command_parses() -> None:
    shown = [(page, call) for page, call in shown_commands() if "--help" not in call]
    # Not placeholders: `alexnet COMMAND`, `alexnet show …`.
    calls = [(page, call) for page, call in shown if not call[0].isupper() and len(call) > 1]
    assert len(calls) > 40
    assert [error for page, call in calls if (error := parse_error(page, call))] == []


def parse_error(page: str, call: list[str]) -> str:
    """Return why a call is invalid; an empty string if it is valid."""
    names = {field.name for field in fields(alexnet.Architecture)}
    try:
        options = parsed(call)
        changes = [*(options.get("set_") or ()), *(options.get("with_") or ())]
        assert set(parse_assignments(changes, alexnet.Architecture)) <= names
    except (UserError, AssertionError) as error:
        return f"{page}: alexnet {shlex.join(call)}: {error}"
    return ""


def test_every_documented_option_exists() -> None:
    def options_of(command: Any) -> Iterator[str]:
        for parameter in command.params:
            yield from (*parameter.opts, *parameter.secondary_opts)
        for below in getattr(command, "commands", {}).values():
            yield from options_of(below)

    options = {*options_of(command_line()), "--help"}
    for page in PAGES:
        spans = " ".join(re.findall(r"`(-[^`]+|alexnet [^`]+)`", page.read_text()))
        named = set(re.findall(r"(?<!\S)--[a-z][a-z-]+", spans))
        external = OPTIONS_OF_BENCHMARKS if page.name == "benchmarks.md" else set()
        assert named - options - external == set(), name_of(page)


def images_of(page: Path) -> list[Path]:
    links = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text())
    return [(page.parent / link).resolve() for link in links]


def test_every_image_exists_is_shown_and_is_small() -> None:
    readme = ROOT / "README.md"
    shown = {image for page in (*PAGES, readme) for image in images_of(page)}
    assert not [image for image in shown if not image.exists()]
    stored = {path.resolve() for path in (DOCS / "images").iterdir()}
    assert stored == {image for image in shown if image.parent == (DOCS / "images").resolve()}
    sizes = {image.name: image.stat().st_size for image in stored}
    assert {name for name, size in sizes.items() if size > MAX_IMAGE_BYTES} == set()
    assert sum(sizes.values()) < MAX_IMAGES_BYTES


INTERNAL = {"alexnet.backends", "alexnet.html", "alexnet.summary.drawing"}
"""Packages whose names are for the other packages, not for users."""


def public_names() -> dict[str, list[str]]:
    """Return the names in the `__all__` of each public package."""
    public = {}
    for path in sorted((ROOT / "src").rglob("__init__.py")):
        package = ".".join(path.parent.relative_to(ROOT / "src").parts)
        for node in ast.parse(path.read_text()).body:
            is_list = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            if is_list and package not in INTERNAL:
                public[package] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
    return public


def reference() -> set[str]:
    pages = (DOCS / "api").glob("*.md")
    return {name for page in pages for name in re.findall(r"^::: (\S+)$", page.read_text(), re.M)}


def test_every_public_name_is_in_the_reference() -> None:
    """A page that names a package shows all names in its `__all__` (`filters: public`)."""
    assert "            filters: public\n" in (ROOT / "mkdocs.yml").read_text()
    packages = public_names()
    assert len(packages) > 10
    shown = reference()
    missing = [
        f"{package}.{name}"
        for package, names in packages.items()
        for name in names
        if package not in shown and f"{package}.{name}" not in shown
    ]
    assert missing == []


def test_every_name_in_the_reference_exists() -> None:
    for name in reference() - {"alexnet.keras"}:
        pkgutil.resolve_name(name)


def test_the_overview_of_the_reference_links_every_page() -> None:
    overview = (DOCS / "api" / "index.md").read_text()
    pages = {path.name for path in (DOCS / "api").glob("*.md")} - {"index.md"}
    assert set(re.findall(r"^\| \[[\w.]+\]\((\w+\.md)\)", overview, re.M)) == pages
    nav = (ROOT / "mkdocs.yml").read_text()
    assert set(re.findall(r"api/(\w+\.md)$", nav, re.M)) == {*pages, "index.md"}


def rows(page: str, cells: int) -> list[list[str]]:
    """Return the rows of the tables with this number of columns."""
    lines = re.findall(r"^\|(.*)\|$", (DOCS / page).read_text(), re.M)
    split = [[cell.strip().strip("*") for cell in line.split("|")] for line in lines]
    return [row for row in split if len(row) == cells]


def test_the_table_of_sizes_is_correct() -> None:
    steps = {step.layer.name: step for step in alexnet.architecture("paper").trace()}
    table = {row[0]: row[1:] for row in rows("sizes.md", 9) if row[0] in steps}
    assert set(table) == {name for name, step in steps.items() if step.window}
    for name, cells in table.items():
        step = steps[name]
        window = step.window
        assert window is not None
        numbers = [window.size, window.window, window.stride, window.padding[0], window.output]
        assert cells[:5] == list(map(str, numbers))
        assert cells[5] == str(step.output_shape[0])
        assert cells[6] == (f"{step.num_parameters:,}" if step.num_parameters else "")
        assert cells[7] == str(step.receptive_field_px)


def test_the_table_of_layers_is_correct() -> None:
    net = alexnet.architecture("paper")
    steps = {step.layer.name: step for step in net.trace()}
    table = [row for row in rows("paper.md", 3) if row[0] in steps]
    assert [name for name, _, _ in table] == [name for name, s in steps.items() if s.num_parameters]
    for name, shape, parameters in table:
        assert shape == "x".join(map(str, steps[name].output_shape))
        assert parameters == f"{steps[name].num_parameters:,}"
    assert ["total", "", f"{net.num_parameters:,}"] in rows("paper.md", 3)


def test_the_documented_output_of_size_is_what_it_prints(
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


def test_the_documented_diagnoses_are_those_of_the_recorded_runs() -> None:
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
            diagnosis = diagnose(
                list(csv.DictReader(table)),
                measurements=from_dict(run["measurements"]),
                recipe=Recipe(**run["recipe"]),
                architecture=Architecture(**run["architecture"]),
            )
            assert shown[call] == diagnosis.line
            checked += 1
    assert checked == 7


def test_the_documented_divisors_of_lrn_are_correct() -> None:
    activations, divisors = (row[1:] for row in rows("lrn.md", 6) if row[0] in ("a", "divisor"))
    for a, divisor in zip(activations, divisors, strict=True):
        assert math.isclose((2 + 5e-4 * float(a) ** 2) ** 0.75, float(divisor), abs_tol=0.005)


def test_the_documented_lrn_example_holds_in_tensorflow() -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs alexnet[tensorflow]")
    (call,) = re.findall(r"`(tf\.nn\.local_resp\S+\([^`]*\))`", (DOCS / "lrn.md").read_text())
    x = tensorflow.constant([2.0, 4.0, 2.0], shape=(1, 1, 1, 3))
    output = eval(call, {"tf": tensorflow, "x": x}).numpy().ravel()
    assert output[1] == pytest.approx(0.8)
