"""Natural order of names: `conv2`, `conv10` instead of `conv10`, `conv2`."""

import re


def natural_key(name: str) -> tuple[list[tuple[str, int, str]], str]:
    """Return a sort key: numbers by value, then letters regardless of case, then the exact name.

    >>> sorted(["10", "2", "b", "A", "1", "a"], key=natural_key)
    ['1', '2', '10', 'A', 'a', 'b']
    """
    parts: list[tuple[str, int, str]] = []
    for text, number in re.findall(r"([^0-9]*)([0-9]*)", name.casefold()):
        digits = number.lstrip("0")
        parts.append((text, len(digits) if number else -1, digits))
    return parts, name
