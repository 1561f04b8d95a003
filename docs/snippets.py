"""Copy marked parts of the source into the documentation, so that they show wherever it is read.

A page names a part in a comment, and the fenced block below it holds its lines:

    <!-- source: src/alexnet/spec/architectures.py:paper-3-5 -->
    ```python
    ```

In the source the part lies between `# --8<-- [start:paper-3-5]` and `# --8<-- [end:paper-3-5]`.
`python docs/snippets.py` rewrites the blocks; with `--check` it only lists the pages whose blocks
differ from the source, and exits with status 1 if there are any.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent

BLOCK = re.compile(
    r"^(?P<head><!-- source: (?P<file>[^\s:]+):(?P<part>[\w-]+) -->\n+```python\n)"
    r"(?P<code>.*?)^```$",
    re.M | re.S,
)
COMMENT = re.compile(r"^<!-- source:", re.M)
MARKER = re.compile(r"^\s*# --8<-- \[(start|end):([\w-]+)\]$")


class SnippetError(Exception):
    """A marked part, or a block that shows one, is missing or malformed."""


def parts(source: str) -> dict[str, str]:
    """Return the text of each marked part of a source file, dedented and without markers.

    >>> parts("def f():\\n    # --8<-- [start:a]\\n    x = 1\\n    # --8<-- [end:a]\\n")
    {'a': 'x = 1\\n'}
    """
    lines: dict[str, list[str]] = {}
    open_parts: list[str] = []
    for line in source.splitlines():
        marker = MARKER.match(line)
        if marker is None:
            for name in open_parts:
                lines[name].append(line)
        elif marker[1] == "start" and marker[2] not in lines:
            lines[marker[2]] = []
            open_parts.append(marker[2])
        elif marker[1] == "end" and marker[2] in open_parts:
            open_parts.remove(marker[2])
        else:
            raise SnippetError(f"unexpected marker: {line.strip()}")
    if open_parts:
        raise SnippetError(f"no end marker for {', '.join(open_parts)}")
    return {name: dedent("\n".join(text)).strip("\n") + "\n" for name, text in lines.items()}


def shown_parts(page: str) -> list[tuple[str, str]]:
    """Return the file and the part that each block of a page shows."""
    blocks = [(block["file"], block["part"]) for block in BLOCK.finditer(page)]
    if len(blocks) != len(COMMENT.findall(page)):
        raise SnippetError("a source comment must be followed by a ```python block")
    return blocks


def fill(page: str, root: Path = ROOT) -> str:
    """Return a page with the code of its source blocks read from the source."""

    def filled(block: re.Match[str]) -> str:
        file, part = block["file"], block["part"]
        path = root / file
        if not path.is_file():
            raise SnippetError(f"no such file: {file}")
        code = parts(path.read_text(encoding="utf-8")).get(part)
        if code is None:
            raise SnippetError(f"no part {part} in {file}")
        return f"{block['head']}# {file}\n{code}```"

    shown_parts(page)
    return BLOCK.sub(filled, page)


def outdated(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield each page whose blocks differ from the source, with its new text."""
    for path in sorted((root / "docs").rglob("*.md")):
        page = path.read_text(encoding="utf-8")
        try:
            new = fill(page, root)
        except SnippetError as error:
            raise SnippetError(f"{path.relative_to(root)}: {error}") from error
        if new != page:
            yield path, new


def main(arguments: list[str] | None = None) -> int:
    """Update the pages, or check them; return the exit status."""
    parser = argparse.ArgumentParser(description="Fill the source blocks of the documentation.")
    parser.add_argument("--check", action="store_true", help="only list the outdated pages")
    check = parser.parse_args(arguments).check
    try:
        pages = list(outdated())
    except SnippetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path, text in pages:
        print(f"{'outdated' if check else 'updated'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and bool(pages))


if __name__ == "__main__":
    sys.exit(main())
