"""Formatting of names, numbers and messages for terminals, logs and JSON files."""

import os
import unicodedata

# Several scripts, and emoji, need zero-width joiners.
_JOINERS = "\u200c\u200d"
_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: "str | os.PathLike[str]") -> str:
    r"""Return the text with unsafe characters escaped.

    These are bytes of a file name that are not UTF-8, control characters (which could move the
    cursor or color the terminal), and marks that change the text direction.

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
    if 0xDC80 <= code <= 0xDCFF:  # a byte that Python decoded to a lone surrogate
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def pluralize(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    >>> pluralize(1, "image"), pluralize(1200, "image"), pluralize(2, "class", "classes")
    ('1 image', '1,200 images', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def already_exists_message(
    path: "str | os.PathLike[str]", argument: str = "force=True", reason: str = ""
) -> str:
    """Return the error message for an existing file that must not be replaced.

    Args:
        argument: Python equivalent of the option `--force`.
        reason: why it is not replaced.

    >>> already_exists_message("net.svg", "overwrite=True")
    'net.svg already exists; choose another name, or replace it with --force (overwrite=True)'
    """
    return (
        f"{printable(path)} already exists{f' and {reason}' if reason else ''}; "
        f"choose another name, or replace it with --force ({argument})"
    )


def format_bytes(num_bytes: int) -> str:
    """Return a number of bytes with a decimal unit.

    >>> format_bytes(999), format_bytes(12_345), format_bytes(2_340_000_000)
    ('999 B', '12 kB', '2.3 GB')
    """
    value = float(num_bytes)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB" if value < 999.95 else f"{value / 1000:.1f} TB"


def join_limited(names: "list[str]", limit: int = 3) -> str:
    """Join the first names, made printable, and the number of the rest.

    >>> join_limited(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    joined = ", ".join(printable(name) for name in names[:limit])
    return joined if len(names) <= limit else f"{joined} and {len(names) - limit:,} more"


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units.

    >>> format_duration(5), format_duration(75), format_duration(4000)
    ('5 s', '1 min 15', '1 h 06')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02}"
    return f"{whole // 3600} h {whole % 3600 // 60:02}"


def format_decimal(value: float) -> str:
    """Return a number with one decimal and no minus sign before zero.

    >>> format_decimal(1.25), format_decimal(-0.04), format_decimal(-0.06)
    ('1.2', '0.0', '-0.1')
    """
    return f"{round(value, 1) + 0.0:.1f}"


def format_percent(fraction: float | None, digits: int = 1, *, missing: str = "-") -> str:
    """Return a fraction as a percentage; 100% only for exactly 1.

    >>> format_percent(0.5), format_percent(0.9996), format_percent(1, digits=0)
    ('50.0%', '99.9%', '100%')
    """
    if fraction is None:
        return missing
    return f"{fraction if fraction >= 1 else min(fraction, 1 - 10 ** -(digits + 2)):.{digits}%}"


def install_command(extra: str) -> str:
    """Return the command that installs an optional dependency, an extra of this package.

    >>> install_command("jax")
    "run in the project folder: pip install -c constraints.txt -e '.[jax]'"
    """
    return f"run in the project folder: pip install -c constraints.txt -e '.[{extra}]'"
