"""Names of classes as texts of a figure: of any script, of any length."""

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.text import Text

from alexnet.text import printable

BASE = "DejaVu Sans"
"""Comes with matplotlib; Latin, Greek, Cyrillic, and a part of Arabic."""

MISSING = "□"
_INVISIBLE = ("Mn", "Me", "Cf")
"""Categories of marks that may be left out where no font has them."""

_PREFERRED = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "PingFang SC",
    "Hiragino Sans", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS", "Noto Sans",
    "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Hebrew", "Arial",
    "Segoe UI", "Nirmala UI", "Leelawadee UI", "FreeSans",
)  # fmt: skip
"""Tried first where the base font lacks a letter; after them every font of the machine."""

_UNUSABLE = ("Last Resort", "Emoji", "cmr", "cmsy", "cmex", "cmmi", "STIX", "DejaVu")
"""Fonts of boxes, of colored images, and of mathematics."""


class Names:
    """Texts that can be drawn with the fonts of this machine, for the names of classes.

    A letter that no font has is drawn as a box; such a name is told from others by its number,
    and `note` says so.

    Example:
        >>> Names(["cat", "price in $"]).text(1, 8)
        'price …$'
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._plain = [printable(name) for name in names]
        self._index = {name: i for i, name in enumerate(names)}
        self.families = _families(frozenset("".join(self._plain)))
        self._drawn = [_drawable(name, self.families) for name in self._plain]

    @property
    def note(self) -> str:
        """What a reader of the figure has to know of the names; empty as a rule."""
        if not any(MISSING in drawn for drawn in self._drawn):
            return ""
        return (
            f"{MISSING}: no font on this machine has this letter; "
            "names that have one are numbered as in classes.json, from 0"
        )

    def text(self, i: int, width: int) -> str:
        """Name number i in at most `width` columns (of a terminal)."""
        drawn = self._drawn[i]
        if MISSING in drawn and drawn != self._plain[i]:
            drawn = f"{i}: {drawn}"
        return shortened(drawn, width)

    def of(self, name: str, width: int) -> str:
        """As `text`, of a name instead of its number."""
        return self.text(self._index[name], width)

    def longest(self, width: int) -> int:
        """Columns of the longest name, as `text` gives it."""
        return max((columns(self.text(i, width)) for i in range(len(self._drawn))), default=0)

    def apply(self, *texts: Text) -> None:
        """Draw these texts in fonts that have their letters, and without TeX's meaning of $."""
        for text in texts:
            text.set_fontfamily(list(self.families))
            text.set_parse_math(False)


def drawable(text: str) -> tuple[str, tuple[str, ...]]:
    """Any text as it can be drawn, and the font families that it takes."""
    families = _families(frozenset(printable(text)))
    return _drawable(printable(text), families), families


def columns(text: str) -> int:
    """Width of a text, Chinese and the like counted twice."""
    return sum(_columns(character) for character in text)


def shortened(text: str, width: int) -> str:
    """The text in at most `width` columns, its middle or its end left out.

    >>> shortened("n02099601_golden_retriever", 12), shortened("bullterrier", 8)
    ('n02099…iever', 'bullte…r')
    """
    if columns(text) <= width:
        return text
    tail = _fitting(reversed(text), (width - 1) // 2 - (width < 10) * 2)[::-1]
    head = _fitting(text, width - 1 - columns(tail))
    return f"{head}…{tail}"


def _fitting(characters: Iterable[str], width: int) -> str:
    """As many of the first characters as fit."""
    found = ""
    for character in characters:
        width -= _columns(character)
        if width < 0:
            break
        found += character
    return found


def _columns(character: str) -> int:
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _drawable(text: str, families: tuple[str, ...]) -> str:
    known = set().union(*(_letters(family) for family in families))
    drawn = ""
    for character in text:
        if ord(character) in known:
            drawn += character
        elif unicodedata.category(character) not in _INVISIBLE:
            drawn += MISSING
    return drawn


@functools.lru_cache(maxsize=32)
def _families(characters: frozenset[str]) -> tuple[str, ...]:
    """The base font, and those that have what it lacks of these characters."""
    families = [BASE]
    lacking = {ord(character) for character in characters} - _letters(BASE)
    for family in _candidates() if lacking else ():
        if not lacking.isdisjoint(_letters(family)):
            families.append(family)
            lacking -= _letters(family)
        if not lacking:
            break
    return tuple(families)


@functools.lru_cache(maxsize=1)
def _candidates() -> tuple[str, ...]:
    here = {entry.name: None for entry in font_manager.fontManager.ttflist}
    usable = [name for name in here if not any(part in name for part in _UNUSABLE)]
    return tuple(
        [n for n in _PREFERRED if n in usable] + [n for n in usable if n not in _PREFERRED]
    )


@functools.lru_cache(maxsize=256)
def _letters(family: str) -> frozenset[int]:
    """The code points of the very file that matplotlib takes for this family."""
    properties: Any = font_manager.FontProperties(family=family)
    try:
        path = font_manager.findfont(properties, fallback_to_default=False)
        return frozenset(font_manager.get_font(path).get_charmap())
    except (ValueError, OSError, RuntimeError):
        return frozenset()
