"""Settings as frozen dataclasses whose fields carry a description and a valid range.

Command-line options, settings files and validation are all derived from these fields.
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

_MAX_LISTED = 8
"""Up to this many names are all listed, even when one of them is suggested."""

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def setting(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Return a dataclass field with a one-line description and its valid values."""
    metadata = {"description": description, "low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


class Settings:
    """Base of the frozen settings dataclasses, whose fields are defined with `setting`.

    Values are converted to the type of their field (from a command-line string, a JSON list, or
    one number for a tuple with one per layer) and validated.
    """

    def __post_init__(self) -> None:
        for field in fields(type(self)):
            value = _converted(field, getattr(self, field.name), field_types(type(self)))
            _check(field, value)
            object.__setattr__(self, field.name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-serializable values."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]


def fields(cls: type[Settings]) -> tuple["dataclasses.Field[Any]", ...]:
    """Return the fields of a settings class in definition order."""
    return dataclasses.fields(cls)  # type: ignore[arg-type]


def field_types(cls: type[Settings]) -> dict[str, Any]:
    """Return the type of each field by name."""
    return _type_hints(typing.cast(typing.Hashable, cls))


@functools.cache
def _type_hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def check_names(names: Iterable[str], valid: Iterable[str], kind: str) -> None:
    """Raise `UserError` for the first name that is not valid, suggesting the closest one."""
    valid = list(valid)
    for name in names:
        if name not in valid:
            close = difflib.get_close_matches(name, valid, n=1, cutoff=0.6)
            hints = [f"did you mean {close[0]!r}?"] if close else []
            if not close or len(valid) <= _MAX_LISTED:
                hints.append(f"choose from {', '.join(valid)}")
            raise UserError(f"unknown {kind} {name!r}: {' '.join(hints)}")


def parse_assignments(assignments: Iterable[str], cls: type[Settings]) -> dict[str, str]:
    """Parse `["norm=none", "groups=1"]` into a dict keyed by fields of the class.

    Raises:
        UserError: an assignment without `=`, or an unknown field.
    """
    changes: dict[str, str] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator:
            raise UserError(f"invalid assignment: expected FIELD=VALUE, got {assignment!r}")
        changes[name.strip().replace("-", "_")] = value.strip()
    check_names(changes, [field.name for field in fields(cls)], f"{cls.__name__.lower()} field")
    return changes


def as_text(value: Any) -> str:
    """Format a value as it is typed on the command line: `2:2,1:1` for pairs, yes or no for bool.

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
    """Return `(X, True)` for `X | None`, else `(kind, False)`."""
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
            f"values such as {as_text(field.default)}" if typing.get_origin(kind) else kind.__name__
        )
        raise _invalid(field, expected, value) from None


def _invalid(field: "dataclasses.Field[Any]", expected: str, value: Any) -> UserError:
    return UserError(f"invalid value for {field.name}: expected {expected}, got {value!r}")


def _to_type(kind: Any, value: Any) -> Any:
    """Convert the value to `kind`; raise TypeError or ValueError if that is impossible."""
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
    """Convert a list, a string such as `3,2,2`, or one value for all items to a tuple."""
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
    item_kinds = [kinds[0]] * len(value) if open_ended else kinds
    return tuple(_to_type(kind, item) for kind, item in zip(item_kinds, value, strict=True))


def _check(field: "dataclasses.Field[Any]", value: Any) -> None:
    """Raise `UserError` when the value, or an item of the tuple, is out of range."""
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if value is None:
        return
    if isinstance(value, tuple):
        for item in value:
            _check(field, item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _invalid(field, "a finite number", value)
    elif choices is not None and value not in choices:
        check_names([value], choices, field.name)
    elif (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise _invalid(field, bounds, value)
