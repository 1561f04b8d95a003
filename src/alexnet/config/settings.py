"""Settings as frozen dataclasses: each field carries its description and its range.

The command line, the settings files and the checks all come from the fields, so that a
setting is written in one place.
"""

import dataclasses
import difflib
import functools
import math
import os
import types
import typing
from collections.abc import Iterable
from typing import Any

from alexnet.errors import UserError

_FEW = 8
"""So many names are listed whole when one of them is meant."""

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def setting(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A field with one line of description and the values that it may take."""
    metadata = {"description": description, "low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


class Settings:
    """Base of the frozen dataclasses that hold settings; their fields are made by `setting`.

    Values are brought to the type of their field (a text from the command line, a list from
    JSON, one number for a tuple that has one for each layer) and checked.
    """

    def __post_init__(self) -> None:
        for field in fields(type(self)):
            value = _converted(field, getattr(self, field.name), field_types(type(self)))
            _check(field, value)
            object.__setattr__(self, field.name, value)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values that JSON can hold."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]


def fields(cls: type[Settings]) -> tuple["dataclasses.Field[Any]", ...]:
    """The fields of a settings class, in the order in which they are written there."""
    return dataclasses.fields(cls)  # type: ignore[arg-type]


def field_types(cls: type[Settings]) -> dict[str, Any]:
    """The type of each field, by name."""
    return _type_hints(typing.cast(typing.Hashable, cls))


@functools.cache
def _type_hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def check_names(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise `UserError` for the first name that is not known, with the nearest that is."""
    known = list(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hints = [f"did you mean {near[0]!r}?"] if near else []
            if not near or len(known) <= _FEW:
                hints.append(f"choose from {', '.join(known)}")
            raise UserError(f"unknown {what} {name!r}: {' '.join(hints)}")


def parse_assignments(assignments: Iterable[str], cls: type[Settings]) -> dict[str, str]:
    """`["norm=none", "groups=1"]` as a dict whose keys are fields of the class.

    Raises:
        UserError: a text without `=`, or a name that is not a field.
    """
    changes: dict[str, str] = {}
    for text in assignments:
        name, separator, value = text.partition("=")
        if not separator:
            raise UserError(f"expected FIELD=VALUE, got {text!r}")
        changes[name.strip().replace("-", "_")] = value.strip()
    check_names(changes, [field.name for field in fields(cls)], f"{cls.__name__.lower()} field")
    return changes


def as_text(value: Any) -> str:
    """A value as one would type it: `2:2,1:1` for pairs, yes and no for truth.

    >>> as_text((96, 256)), as_text(((1, 2), (2, 2))), as_text(True), as_text(None)
    ('96,256', '1:2,2:2', 'yes', 'none')
    """
    if value is None or value == () or isinstance(value, bool):
        return {True: "yes", False: "no"}.get(value, "none")
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return ",".join(":".join(map(str, pair)) for pair in value)
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def optional_type(kind: Any) -> tuple[Any, bool]:
    """`(X, True)` for `X | None`, else `(kind, False)`."""
    if isinstance(kind, types.UnionType):
        return next(a for a in typing.get_args(kind) if a is not types.NoneType), True
    return kind, False


def _converted(field: "dataclasses.Field[Any]", value: Any, kinds: dict[str, Any]) -> Any:
    kind, may_be_none = optional_type(kinds[field.name])
    if may_be_none and (value is None or str(value).lower() in ("", "none")):
        return None
    try:
        return _to_type(kind, value)
    except (TypeError, ValueError):
        expected = (
            f"takes values such as {as_text(field.default)}"
            if typing.get_origin(kind)
            else f"has to be of type {kind.__name__}"
        )
        raise UserError(f"{field.name} {expected}, got {value!r}") from None


def _to_type(kind: Any, value: Any) -> Any:
    """The value as `kind`; raises TypeError or ValueError when it cannot be that."""
    if typing.get_origin(kind) is tuple:
        return _to_tuple(typing.get_args(kind), value)
    if kind is bool:
        value = _BOOLEANS.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise TypeError
        return value
    if kind is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, bool) or value is None or (kind is str and not isinstance(value, str)):
        raise TypeError
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError
    return kind(value)


def _to_tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """A tuple from a list, from `3,2,2`, or from one value that stands for every place."""
    open_ended = kinds[-1] is Ellipsis
    is_pair = kinds == (int, int)
    if isinstance(value, str):
        parts = value.replace(":", ",").split(",") if is_pair else value.split(",")
        value = [part.strip() for part in parts if part.strip() and part.strip() != "none"]
        if len(value) == 1 and not open_ended:
            value = value[0]
    if not isinstance(value, (list, tuple)):
        value = [value] if open_ended else [value] * len(kinds)
    if not open_ended and len(value) != len(kinds):
        raise ValueError
    each = [kinds[0]] * len(value) if open_ended else kinds
    return tuple(_to_type(kind, item) for kind, item in zip(each, value, strict=True))


def _check(field: "dataclasses.Field[Any]", value: Any) -> None:
    """Raise UserError when the value, or one in the tuple, is out of its field's range."""
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if value is None:
        return
    if isinstance(value, tuple):
        for item in value:
            _check(field, item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{field.name} has to be a finite number, got {value!r}")
    elif choices is not None and value not in choices:
        check_names([value], choices, field.name)
    elif (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise UserError(f"{field.name} has to be {bounds}, got {value!r}")
