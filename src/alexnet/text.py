"""Names of files and classes as text that any terminal, log or JSON file can hold."""

import os
import unicodedata

# Zero-width joiners are part of how several scripts (and emoji) are written.
_JOINERS = "\u200c\u200d"
_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: "str | os.PathLike[str]") -> str:
    r"""The text with what cannot or must not be printed written as an escape.

    That is: bytes of a file name that are no UTF-8, control characters (a name must not move
    the cursor or color the screen), and marks that change the direction of writing.

    >>> printable("caf\udce9/\x1b[31mred")
    'caf\\xe9/\\x1b[31mred'
    >>> printable("玫瑰")
    '玫瑰'
    """
    text = os.fspath(text)
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that Python keeps in a name as a lone surrogate
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(1200, "image"), counted(2, "class", "classes")
    ('1 image', '1,200 images', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def exists_already(path: "str | os.PathLike[str]", argument: str = "force=True") -> str:
    """What is said of a file that is there and must not be written over, in one wording.

    Args:
        argument: of the Python function, which says what `--force` says on the command line.

    >>> exists_already("net.svg", "overwrite=True")
    'net.svg exists already; give another name, or replace it (--force, overwrite=True)'
    """
    return (
        f"{printable(path)} exists already; give another name, or replace it (--force, {argument})"
    )


def byte_text(count: int) -> str:
    """A number of bytes as people read it.

    >>> byte_text(999), byte_text(12_345), byte_text(2_340_000_000)
    ('999 B', '12 kB', '2.3 GB')
    """
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB" if value < 999.95 else f"{value / 1000:.1f} TB"


def some(names: "list[str]", limit: int = 3) -> str:
    """The first names, made printable, and how many more there are.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(printable(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(5), duration(75), duration(4000)
    ('5 s', '1 min 15', '1 h 06')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02}"
    return f"{whole // 3600} h {whole % 3600 // 60:02}"


def one_decimal(value: float) -> str:
    """A number with one decimal, and no minus before a zero.

    >>> one_decimal(1.25), one_decimal(-0.04), one_decimal(-0.06)
    ('1.2', '0.0', '-0.1')
    """
    return f"{round(value, 1) + 0.0:.1f}"


def how_to_install(extra: str) -> str:
    """The command of the README that brings what one of the extras brings.

    >>> how_to_install("jax")
    "in the project's folder: pip install -c constraints.txt -e '.[jax]'"
    """
    return f"in the project's folder: pip install -c constraints.txt -e '.[{extra}]'"
