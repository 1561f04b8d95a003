"""Words that docs/glossary.md rules out do not come back: in texts, by pattern; in code, by name.

Only words that are never right here are listed; a failure names each place.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

EVERYWHERE = {
    r"colour": "color",
    r"\bgrey": "gray",
    r"\bcentre": "center",
    r"\bnormalis": "normalize, normalization",
    r"\b(?:has|have|had) to be\b": "must be, is required",
    r"\ba fault of this program\b": "internal error",
    r"\b(?:go|goes|going|gone|went) on (?:with|from|where)\b": "resume, continue",
    r"\bkept squares?\b": "the stored image",
    r"\bthe share of\b|\bshares of\b": "the fraction of, the percentage of",
    r"\bthe other way round\b": "reversed, conversely",
    r"\bmultiply[-_]adds?\b": "MACs",
    r"\bin words\b": "(leave out)",
    r"\bsays (?:which|what|where|how|why|so)\b": "names, states",
}
IN_SOURCE_AND_BENCHMARKS = {
    r"(?<![</\"])\bpictures?\b(?![>\"])": "image",
    r"\bone of theirs\b|\bwhoever\b": "(write directly)",
}
ASSIGNED_NAMES = {
    "bars": "progress",
    "found": "dataset, weights, matches, …",
    "given": "arguments, options, …",
    "kept": "cached, stored, …",
    "said": "message, lines, …",
}
THIS_TEST_AND_WHAT_IT_ENFORCES = ("docs/glossary.md", "tests/test_glossary.py", "CHANGELOG.md")


def files(*patterns: str) -> list[Path]:
    every = {path for pattern in patterns for path in ROOT.glob(pattern)}
    excluded = {ROOT / name for name in THIS_TEST_AND_WHAT_IT_ENFORCES}
    return sorted(every - excluded)


TEXTS = (
    "src/**/*.py",
    "src/**/*.html",
    "tests/**/*.py",
    "benchmarks/**/*.py",
    "benchmarks/*.md",
    "docs/*.md",
    "docs/api/*.md",
    "examples/*",
    "*.md",
)
CODE = ("src/**/*.py", "tests/**/*.py", "benchmarks/**/*.py", "examples/*.py")


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT).as_posix()}:{line}"


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@functools.cache
def bindings_of(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple(assigned(text_of(path)))


def words(path: Path, pattern: str) -> Iterator[str]:
    """Each place where the pattern occurs, with the line; a text may break anywhere."""
    text = text_of(path)
    lines = text.splitlines()
    for match in re.finditer(pattern.replace(" ", r"\s+(?:#\s+)?"), text, re.IGNORECASE):
        number = text.count("\n", 0, match.start()) + 1
        yield f"{place(path, number)}: {lines[number - 1].strip()}"


def assigned(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of every name that is bound: variables, parameters, loops, imports, fields."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def report(places: list[str], instead: str) -> str:
    shown = "\n".join(f"  {line}" for line in places[:50])
    return f"{len(places)} places; write {instead}:\n{shown}"


def require_none(places: list[str], instead: str) -> None:
    if places:
        pytest.fail(report(places, instead), pytrace=False)


@pytest.mark.parametrize("pattern", EVERYWHERE)
def test_words_left_out_everywhere(pattern: str) -> None:
    places = [line for path in files(*TEXTS) for line in words(path, pattern)]
    require_none(places, EVERYWHERE[pattern])


@pytest.mark.parametrize("pattern", IN_SOURCE_AND_BENCHMARKS)
def test_words_left_out_of_the_source(pattern: str) -> None:
    sources = files("src/**/*.py", "src/**/*.html", "benchmarks/**/*.py")
    places = [line for path in sources for line in words(path, pattern)]
    require_none(places, IN_SOURCE_AND_BENCHMARKS[pattern])


@pytest.mark.parametrize("name", ASSIGNED_NAMES)
def test_names_left_out_of_the_code(name: str) -> None:
    places = [
        place(path, line)
        for path in files(*CODE)
        for line, bound in bindings_of(path)
        if bound == name
    ]
    require_none(places, ASSIGNED_NAMES[name])


def test_bound_names_are_variables_parameters_and_definitions() -> None:
    source = "def kept(bars, *, said=1):\n    for found in bars:\n        x: int = found.given\n"
    assert {name for _, name in assigned(source)} == {"kept", "bars", "said", "found", "x"}
