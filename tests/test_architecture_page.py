"""docs/architecture.md: it draws every package, and imports follow the drawing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "alexnet"
PAGE = ROOT / "docs" / "architecture.md"

UPWARD: set[tuple[str, str]] = set()
"""Imports against the direction of all others; to be removed."""


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each import of a module of this project, nested ones included, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            module = node.module or ""
            names = (
                [f"alexnet.{one.name}" for one in node.names] if module == "alexnet" else [module]
            )
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.startswith("alexnet."))


def import_lines() -> dict[tuple[str, str], list[str]]:
    """Return the lines that import one package, or top-level module, in another one.

    Those of `alexnet/__init__.py` are not included: it re-exports from every package.
    """
    lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        importer = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if importer == "__init__":
            continue
        for module, number in imported_modules(ast.parse(path.read_text(encoding="utf-8"))):
            imported = module.split(".")[1]
            if imported != importer:
                place = f"{path.relative_to(ROOT).as_posix()}:{number}: {module}"
                lines[importer, imported].append(place)
    return lines


def in_cycles(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the edges that lie on a cycle.

    >>> sorted(in_cycles({("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")}))
    [('b', 'c'), ('c', 'b')]
    """

    def reachable(start: str) -> set[str]:
        reached: set[str] = set()
        queue = [start]
        while queue:
            node = queue.pop()
            new = {after for before, after in edges if before == node} - reached
            reached |= new
            queue.extend(new)
        return reached

    return {(before, after) for before, after in edges if before in reachable(after)}


def test_packages_do_not_import_each_other_in_a_cycle() -> None:
    lines = import_lines()
    cycles = in_cycles(set(lines) - UPWARD)
    if cycles:
        places = [place for edge in sorted(cycles) for place in lines[edge]]
        pytest.fail("\n".join(["these imports form a cycle:", *places]), pytrace=False)


def test_the_list_of_upward_imports_is_minimal() -> None:
    assert in_cycles(set(import_lines())) >= UPWARD, (
        "remove from UPWARD the edges that form no cycle"
    )


def drawn() -> list[str]:
    """Return the packages and modules of the drawing, from top to bottom."""
    drawing = re.search(r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert drawing is not None
    return re.findall(r"^(\w+)(?:/|\.py) ", drawing[1], re.M)


def test_every_package_is_drawn_once() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__", "__main__"}
    assert sorted(drawn()) == sorted(packages | modules)


def test_imports_point_down_in_the_drawing() -> None:
    height = {name: row for row, name in enumerate(drawn())}
    upward = {
        (importer, imported)
        for importer, imported in import_lines()
        if importer in height and imported in height and height[imported] < height[importer]
    }
    assert upward - UPWARD == set()
