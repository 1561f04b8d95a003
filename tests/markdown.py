"""Compare a page with its translation, and report the first difference.

A page is a sequence of blocks: headings, paragraphs, list items, table rows, code. Two pages are
equivalent if their blocks have the same kinds in the same order, and each pair has the same facts:
code, numbers, links, images. The words may differ.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from textwrap import dedent

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(\w*)")
_STARTS = {
    "heading": re.compile(r"#{1,6} "),
    "row": re.compile(r"\s*\|"),
    "item": re.compile(r"\s*([-*+]|\d+\.) "),
    "note": re.compile(r"\s*(!!!|\?\?\?\+?|===\+?) "),
}
_RULE = re.compile(r"\s*\|[-:| ]+\|\s*$")
"""The line below the header of a table."""
_CELL_EDGE = re.compile(r"(?<!\\)[|]")
_LANGUAGES = re.compile(r"(\[English\]\(\S+\)|English) \| (\[简体中文\]\(\S+\)|简体中文)$")
"""The line of links between the languages, which is not compared."""
_CODE = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^][]*\])*)\]\(([^)\s]+)\)")
_NUMBER = re.compile(
    r"(?<![\w.,-])(\d+(?:[.,x-]\d+)*%?)(?![A-Za-z0-9_])(?: ?(million|billion|万|亿))?", re.ASCII
)
_UNITS = {"million": 10**6, "billion": 10**9, "万": 10**4, "亿": 10**8}
_COMMENT = re.compile(r"(?:^|\s+)# (.*)$")
_VERBATIM = {"text", "json", "csv", "xml"}
"""Languages of blocks in which # does not start a comment."""


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    """The line of its start, from 1."""

    @property
    def is_heading(self) -> bool:
        return self.kind.startswith("heading")

    @property
    def is_code(self) -> bool:
        return self.kind.startswith("code")

    @cached_property
    def code_lines(self) -> list[str]:
        """Return the lines of a code block, without comments."""
        lines = self.text.splitlines()
        if self.kind.removeprefix("code ") in _VERBATIM:
            return lines
        return [_COMMENT.sub("", line) for line in lines]

    @property
    def words(self) -> str:
        """Return the text of a block that is not code."""
        return "" if self.is_code else self.text

    @property
    def first_cell(self) -> str:
        return self.text.split("|")[1] if self.kind.startswith("row") else ""

    @property
    def prose(self) -> str:
        """Return the text in the page's language, without code and link targets."""
        if self.is_code:
            lines = zip(self.text.splitlines(), self.code_lines, strict=True)
            return "\n".join(line.removeprefix(code) for line, code in lines)
        return _CODE.sub(" ", _LINK.sub(r"\2", self.text))

    @property
    def links(self) -> list[tuple[bool, str]]:
        """Return (is an image, target) of each link."""
        return [(bool(mark), target) for mark, _, target in _LINK.findall(self.words)]


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page in order."""
    result: list[Block] = []
    lines = text.splitlines()
    number, open_block = 0, False
    while number < len(lines):
        line, begin = lines[number], number
        number += 1
        if fence := _FENCE.match(line):
            closing = fence[1]
            while number < len(lines) and lines[number].strip() != closing:
                number += 1
            content = dedent("\n".join(lines[begin + 1 : number]))
            result.append(Block(f"code {fence[2]}".strip(), content, begin + 1))
            number += 1
            open_block = False
            continue
        kind = next((name for name, start in _STARTS.items() if start.match(line)), "text")
        text_line = line.strip()
        if not text_line or _RULE.match(line) or _LANGUAGES.match(text_line):
            open_block = False
        elif kind == "text" and open_block:
            last = result[-1]
            result[-1] = Block(last.kind, f"{last.text} {text_line}", last.line)
        else:
            result.append(Block(_exact(kind, text_line), text_line, begin + 1))
            open_block = kind in ("text", "item")
    return result


def _exact(kind: str, text: str) -> str:
    """Return the kind with its level, its number of cells, or its marker."""
    if kind == "heading":
        return f"heading {len(text.split()[0])}"
    if kind == "row":
        return f"row of {len(_CELL_EDGE.findall(_CODE.sub('', text))) - 1} cells"
    if kind == "note":
        return " ".join(text.split('"')[0].split())
    return kind


@dataclass(frozen=True)
class Page:
    """A page of a project, by its path relative to the project's root."""

    root: Path
    name: str

    @property
    def path(self) -> Path:
        return self.root / self.name

    @cached_property
    def blocks(self) -> list[Block]:
        return blocks(self.path.read_text(encoding="utf-8"))

    @cached_property
    def anchors(self) -> list[str]:
        """Return the anchor of each heading, as GitHub generates them."""
        return anchors(block.text for block in self.blocks if block.is_heading)

    def at(self, line: int) -> str:
        return f"{self.name}:{line}"

    def section(self, block: Block) -> str:
        """Return the heading above a block; an empty string for a heading."""
        above = [one for one in self.blocks if one.is_heading and one.line < block.line]
        return f"  (under {above[-1].text})" if above and not block.is_heading else ""

    def relative(self, name: str) -> str:
        """Return a link from this page to another file of the project."""
        return Path(os.path.relpath(self.root / name, self.path.parent)).as_posix()

    def target(self, link: str) -> tuple["Page", str]:
        """Return the page or file that a relative link points to, and its anchor."""
        name, _, anchor = link.partition("#")
        path = (self.path.parent / name).resolve() if name else self.path.resolve()
        return Page(self.root, path.relative_to(self.root.resolve()).as_posix()), anchor

    def dead_links(self) -> Iterator[str]:
        """Yield an error message for each link without a target."""
        for block in self.blocks:
            for _, link in block.links:
                if is_external(link):
                    continue
                there, anchor = self.target(link)
                if not there.path.exists():
                    yield f"{self.at(block.line)}: no such file: {link}"
                elif anchor and anchor not in there.anchors:
                    headings = ", ".join(there.anchors)
                    yield f"{self.at(block.line)}: no heading for {link}; headings: {headings}"


def english(name: str) -> str:
    """Return the English page that a page translates, or the page itself.

    >>> [english(name) for name in ("README.zh.md", "docs/zh/tutorial.md", "docs/lrn.md")]
    ['README.md', 'docs/tutorial.md', 'docs/lrn.md']
    """
    return re.sub(r"(^|/)zh/", r"\1", re.sub(r"\.zh\.md$", ".md", name))


def is_external(link: str) -> bool:
    return bool(re.match(r"[a-z]+:", link))


def anchors(headings: Iterable[str]) -> list[str]:
    """Return the anchor of each heading of a page on GitHub.

    >>> anchors(["# From PyTorch", "## `fast`, 又快", "## From PyTorch", "## 设置 {#settings}"])
    ['from-pytorch', 'fast-又快', 'from-pytorch-1', 'settings']
    """
    result: list[str] = []
    seen: Counter[str] = Counter()
    for heading in headings:
        text = _LINK.sub(r"\2", heading.lstrip("#").strip())
        if named := re.search(r"\{#([\w-]+)\}$", text):
            result.append(named[1])
            continue
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        result.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return result


def difference(one: Page, other: Page, *, code_only: bool = False) -> str | None:
    """Return the first difference between two pages; None if there is none."""
    pairs = zip_longest(*(_compared(page, code_only) for page in (one, other)))
    for mine, theirs in pairs:
        if mine is None or theirs is None or mine.kind != theirs.kind:
            return _report(one, other, mine, theirs, "different kinds of block")
        if mine.is_code and (report := _code_difference(one, other, mine, theirs)):
            return report
        if not code_only and (reason := _facts_difference(one, other, mine, theirs)):
            return _report(one, other, mine, theirs, reason)
    return None


def _compared(page: Page, code_only: bool) -> list[Block]:
    return [block for block in page.blocks if block.is_code or not code_only]


def _report(one: Page, other: Page, mine: Block | None, theirs: Block | None, reason: str) -> str:
    lines = [f"{other.name} differs from {one.name}: {reason}"]
    for page, block in ((one, mine), (other, theirs)):
        if block is None:
            lines.append(f"  {page.name} has ended")
        else:
            first, *more = block.text.splitlines() or [""]
            text = f"{first[:200]} …" if more or len(first) > 200 else first
            lines.append(f"  {page.at(block.line)} ({block.kind}): {text}{page.section(block)}")
    return "\n".join(lines)


def _code_difference(one: Page, other: Page, mine: Block, theirs: Block) -> str | None:
    lines = zip_longest(mine.code_lines, theirs.code_lines, fillvalue="(the block ends)")
    for number, (my_line, their_line) in enumerate(lines, start=1):
        if my_line != their_line:
            return (
                f"{other.name} differs from {one.name} in a block of code\n"
                f"  {one.at(mine.line + number)}: {my_line}\n"
                f"  {other.at(theirs.line + number)}: {their_line}"
            )
    return None


def _facts_difference(one: Page, other: Page, mine: Block, theirs: Block) -> str | None:
    for fact, my_facts, their_facts in (
        ("code of the first column", _codes(mine.first_cell), _codes(theirs.first_cell)),
        ("code", _codes(mine.words), _codes(theirs.words)),
        ("number", _numbers(mine), _numbers(theirs)),
        ("link", _targets(one, mine), _targets(other, theirs)),
    ):
        differences = [
            f"{fact} only in {page.name}: {', '.join(sorted(only))}"
            for page, only in ((one, my_facts - their_facts), (other, their_facts - my_facts))
            if only
        ]
        if differences:
            return "; ".join(differences)
    return None


def _codes(text: str) -> Counter[str]:
    return Counter(code for _, code in _CODE.findall(text))


def _numbers(block: Block) -> Counter[str]:
    """Count the numbers as written, except that 1.2 million equals 120 万."""
    return Counter(
        str(int(Decimal(number.replace(",", "")) * _UNITS[unit])) if unit else number
        for number, unit in _NUMBER.findall(block.prose)
    )


def _targets(page: Page, block: Block) -> Counter[str]:
    """Count the targets of the links, independent of folder and language."""
    targets: Counter[str] = Counter()
    for is_image, link in block.links:
        target = link
        if not is_external(link):
            there, anchor = page.target(link)
            target = english(there.name)
            if anchor and anchor in there.anchors:
                target += f", heading {there.anchors.index(anchor) + 1}"
            elif anchor:
                target += f"#{anchor}"
        targets[f"image {target}" if is_image else target] += 1
    return targets
