"""Two networks side by side: which fields differ, and what that costs."""

from dataclasses import dataclass
from typing import Any

from alexnet.config.settings import fields
from alexnet.spec.architectures import Architecture
from alexnet.summary.layer_table import table


@dataclass(frozen=True, kw_only=True)
class Total:
    """A cost of the first and of the second network."""

    first: int
    second: int

    @property
    def ratio(self) -> float:
        """The second in terms of the first."""
        return self.second / self.first


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What differs between two architectures.

    `fields` has the values of each field that differs and that at least one of them uses; a
    field that a network does not use, such as LRN's constants without LRN, is in `unused`.
    """

    first: Architecture
    second: Architecture
    fields: dict[str, tuple[Any, Any]]
    unused: tuple[frozenset[str], frozenset[str]]
    totals: dict[str, Total]
    """parameters, macs, activation_bytes; each for one image."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; a field that is not used has no value there."""
        return {
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "differences": {
                name: {
                    side: None if name in unused else value
                    for side, value, unused in zip(
                        ("first", "second"), values, self.unused, strict=True
                    )
                }
                for name, values in self.fields.items()
            },
            "totals": {
                name: {"first": total.first, "second": total.second, "ratio": total.ratio}
                for name, total in self.totals.items()
            },
        }


def compare(first: Architecture, second: Architecture) -> Comparison:
    """Compare two architectures, field by field and in what they cost.

    Example:
        >>> from alexnet import architecture
        >>> found = compare(architecture("paper"), architecture("paper", groups=1))
        >>> found.fields
        {'groups': ((1, 2, 1, 2, 2), (1, 1, 1, 1, 1))}
        >>> round(found.totals["macs"].ratio, 3)
        1.567
    """
    unused = unused_fields(first), unused_fields(second)
    names = [field.name for field in fields(Architecture) if field.name != "variant"]
    differing = {
        name: (getattr(first, name), getattr(second, name))
        for name in names
        if name not in unused[0] & unused[1] and _differ(first, second, name, unused)
    }
    costs = table(first), table(second)
    totals = {
        name: Total(first=getattr(costs[0], name), second=getattr(costs[1], name))
        for name in ("num_parameters", "macs", "activation_bytes")
    }
    return Comparison(first=first, second=second, fields=differing, unused=unused, totals=totals)


def _differ(
    first: Architecture,
    second: Architecture,
    name: str,
    unused: tuple[frozenset[str], frozenset[str]],
) -> bool:
    used_by_one = (name in unused[0]) != (name in unused[1])
    return used_by_one or bool(getattr(first, name) != getattr(second, name))


def unused_fields(architecture: Architecture) -> frozenset[str]:
    """The fields that change nothing in this network.

    >>> from alexnet import architecture
    >>> sorted(unused_fields(architecture("paper", dropout=0)))
    ['batch_norm_eps', 'batch_norm_momentum', 'dropout_position']
    """
    names = {field.name for field in fields(Architecture)}
    unused: set[str] = set()
    has_norm = architecture.norm != "none" and bool(architecture.norm_layers)
    if not has_norm or architecture.norm != "lrn":
        unused |= {name for name in names if name.startswith("lrn_")}
    if not has_norm or architecture.norm != "batch":
        unused |= {name for name in names if name.startswith("batch_norm_")}
    if architecture.norm == "none":
        unused.add("norm_layers")
    if not architecture.pool_layers:
        unused |= {"pool_window", "pool_stride"}
    if not architecture.dropout:
        unused.add("dropout_position")
    return frozenset(unused)
