"""`docs/snippets.py`: the code that the documentation shows is the code of the source."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent

SOURCE = """\
class Net:
    # --8<-- [start:size]
    def size(self):
        # --8<-- [start:body]
        return 224
        # --8<-- [end:body]

    # --8<-- [end:size]
"""
PAGE = """\
The size:

<!-- source: src/net.py:size -->
```python
old = True
```

<!-- source: src/net.py:body -->
```python
```

```python
kept = True
```
"""
FILLED = """\
The size:

<!-- source: src/net.py:size -->
```python
# src/net.py
def size(self):
    return 224
```

<!-- source: src/net.py:body -->
```python
# src/net.py
return 224
```

```python
kept = True
```
"""


@pytest.fixture(scope="module")
def snippets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("snippets", ROOT / "docs" / "snippets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path, snippets: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one source file and one page, on which the command runs."""
    for name, text in (("src/net.py", SOURCE), ("docs/page.md", PAGE)):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)
    monkeypatch.setattr(snippets, "ROOT", tmp_path)
    monkeypatch.setattr(snippets.outdated, "__defaults__", (tmp_path,))
    monkeypatch.setattr(snippets.fill, "__defaults__", (tmp_path,))
    return tmp_path


def test_every_page_shows_the_current_source(snippets: ModuleType) -> None:
    pages = [path.relative_to(ROOT).as_posix() for path, _ in snippets.outdated()]
    assert pages == [], "run `python docs/snippets.py`"


def test_every_marked_part_of_the_source_is_shown(snippets: ModuleType) -> None:
    shown = {
        block
        for page in (ROOT / "docs").rglob("*.md")
        for block in snippets.shown_parts(page.read_text())
    }
    marked = {
        (path.relative_to(ROOT).as_posix(), part)
        for path in (ROOT / "src").rglob("*.py")
        for part in snippets.parts(path.read_text())
    }
    assert len(shown) > 20
    assert marked == shown


def test_pages_show_source_only_through_the_command() -> None:
    """An include line of a site generator shows no code on the repository's page."""
    including = [
        p.name for p in (ROOT / "docs").rglob("*.md") if re.search("--8<--", p.read_text())
    ]
    assert including == []


def test_blocks_are_filled_from_the_source(
    snippets: ModuleType, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = project / "docs" / "page.md"
    assert snippets.main(["--check"]) == 1
    assert page.read_text() == PAGE
    assert snippets.main([]) == 0
    assert page.read_text() == FILLED
    assert snippets.main(["--check"]) == 0
    assert capsys.readouterr().out == "outdated: docs/page.md\nupdated: docs/page.md\n"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "docs/page.md",
            "net.py:size",
            "net.py:width",
            "docs/page.md: no part width in src/net.py",
        ),
        ("docs/page.md", "net.py:size", "no.py:size", "docs/page.md: no such file: src/no.py"),
        (
            "docs/page.md",
            "size -->\n```python",
            "size -->\n```text",
            "must be followed by a ```python",
        ),
        ("src/net.py", "    # --8<-- [end:size]\n", "", "no end marker for size"),
        ("src/net.py", "[start:body]", "[start:size]", "unexpected marker: # --8<-- [start:size]"),
        ("src/net.py", "[end:body]", "[end:head]", "unexpected marker: # --8<-- [end:head]"),
    ],
)
def test_errors_name_the_page_and_the_part(
    snippets: ModuleType,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    old: str,
    new: str,
    message: str,
) -> None:
    path = project / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert snippets.main([]) == 1
    assert message in capsys.readouterr().err
    assert "old = True" in (project / "docs" / "page.md").read_text()
