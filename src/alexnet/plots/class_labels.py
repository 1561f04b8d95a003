"""Class names as labels of a plot: in any script and of any length."""

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.text import Text

from alexnet.text import printable

BASE = "DejaVu Sans"
"""Shipped with matplotlib; covers Latin, Greek, Cyrillic, and part of Arabic."""

MISSING = "□"
_INVISIBLE = ("Mn", "Me", "Cf")
"""Categories of combining marks, which are omitted if no font has them."""

_PREFERRED = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "PingFang SC",
    "Hiragino Sans", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS", "Noto Sans",
    "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Hebrew", "Arial",
    "Segoe UI", "Nirmala UI", "Leelawadee UI", "FreeSans",
)  # fmt: skip
"""Tried first for letters missing in the base font, before all other fonts of the machine."""

_UNUSABLE = ("Last Resort", "Emoji", "cmr", "cmsy", "cmex", "cmmi", "STIX", "DejaVu")
"""Placeholder, emoji and math fonts."""


class ClassNames:
    """Class names, displayable in the fonts of this machine.

    A letter that no font has is drawn as a box; such a name is prefixed with its class index, and
    `note` explains it.

    Example:
        >>> ClassNames(["cat", "price in $"]).text(1, 8)
        'price …$'
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._plain = [printable(name) for name in names]
        self._index = {name: i for i, name in enumerate(names)}
        self.families = _families(frozenset("".join(self._plain)))
        self._drawn = [_drawable(name, self.families) for name in self._plain]

    @property
    def note(self) -> str:
        """An explanation of the names for the reader of the plot; usually empty."""
        if not any(MISSING in drawn for drawn in self._drawn):
            return ""
        return (
            f"{MISSING}: missing in all fonts on this machine; "
            "these names start with their class index in classes.json, from 0"
        )

    def text(self, i: int, width: int) -> str:
        """Return the name of class `i` in at most `width` terminal columns."""
        drawn = self._drawn[i]
        if MISSING in drawn and drawn != self._plain[i]:
            drawn = f"{i}: {drawn}"
        return shorten(drawn, width)

    def shorten(self, name: str, width: int) -> str:
        """Return a class name as `text` does."""
        return self.text(self._index[name], width)

    def max_width(self, width: int) -> int:
        """Return the width of the longest `text` in columns."""
        return max((columns(self.text(i, width)) for i in range(len(self._drawn))), default=0)

    def apply(self, *texts: Text) -> None:
        """Set fonts that cover the letters of these texts, and display `$` literally."""
        for text in texts:
            text.set_fontfamily(list(self.families))
            text.set_parse_math(False)


def drawable(text: str) -> tuple[str, tuple[str, ...]]:
    """Return any text in displayable form, and the font families it needs."""
    families = _families(frozenset(printable(text)))
    return _drawable(printable(text), families), families


def columns(text: str) -> int:
    """Return the width of a text in columns; East Asian wide characters count twice."""
    return sum(_columns(character) for character in text)


def shorten(text: str, width: int) -> str:
    """Shorten a text to at most `width` columns, with an ellipsis.

    >>> shorten("n02099601_golden_retriever", 12), shorten("bullterrier", 8)
    ('n02099…iever', 'bullte…r')
    """
    if columns(text) <= width:
        return text
    tail = _fitting(reversed(text), (width - 1) // 2 - (width < 10) * 2)[::-1]
    head = _fitting(text, width - 1 - columns(tail))
    return f"{head}…{tail}"


def _fitting(characters: Iterable[str], width: int) -> str:
    """Return the first characters that fit."""
    prefix = ""
    for character in characters:
        width -= _columns(character)
        if width < 0:
            break
        prefix += character
    return prefix


def _columns(character: str) -> int:
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _drawable(text: str, families: tuple[str, ...]) -> str:
    available = set().union(*(_letters(family) for family in families))
    drawn = ""
    for character in text:
        if ord(character) in available:
            drawn += character
        elif unicodedata.category(character) not in _INVISIBLE:
            drawn += MISSING
    return drawn


@functools.lru_cache(maxsize=32)
def _families(characters: frozenset[str]) -> tuple[str, ...]:
    """Return the base font and those that cover its missing characters."""
    families = [BASE]
    missing = {ord(character) for character in characters} - _letters(BASE)
    for family in _candidates() if missing else ():
        if not missing.isdisjoint(_letters(family)):
            families.append(family)
            missing -= _letters(family)
        if not missing:
            break
    return tuple(families)


@functools.lru_cache(maxsize=1)
def _candidates() -> tuple[str, ...]:
    installed = {entry.name: None for entry in font_manager.fontManager.ttflist}
    usable = [name for name in installed if not any(part in name for part in _UNUSABLE)]
    return tuple(
        [n for n in _PREFERRED if n in usable] + [n for n in usable if n not in _PREFERRED]
    )


@functools.lru_cache(maxsize=256)
def _letters(family: str) -> frozenset[int]:
    """Return the code points in the font file that matplotlib uses for this family."""
    properties: Any = font_manager.FontProperties(family=family)
    try:
        path = font_manager.findfont(properties, fallback_to_default=False)
        return frozenset(font_manager.get_font(path).get_charmap())
    except (ValueError, OSError, RuntimeError):
        return frozenset()
