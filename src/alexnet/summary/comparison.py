"""Compare two architectures: the fields that differ, and parameters, MACs and memory."""

from dataclasses import dataclass
from typing import Any

from alexnet.settings import fields
from alexnet.spec.architectures import Architecture
from alexnet.summary.layer_table import summarize


@dataclass(frozen=True, kw_only=True)
class Total:
    """A cost of the first and the second network."""

    first: int
    second: int

    @property
    def ratio(self) -> float:
        """The cost of the second network divided by that of the first."""
        return self.second / self.first


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The differences between two architectures.

    `fields` holds both values of each field that differs and that at least one network uses;
    `unused` holds the fields that a network does not use, such as LRN's constants without LRN.
    """

    first: Architecture
    second: Architecture
    fields: dict[str, tuple[Any, Any]]
    unused: tuple[frozenset[str], frozenset[str]]
    totals: dict[str, Total]
    """num_parameters, macs and activation_bytes, for one image."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; unused fields are None."""
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


def compare_architectures(first: Architecture, second: Architecture) -> Comparison:
    """Compare the fields and the costs of two architectures.

    Example:
        >>> from alexnet import architecture
        >>> paper = architecture("paper")
        >>> comparison = compare_architectures(paper, architecture(paper, groups=1))
        >>> comparison.fields
        {'groups': ((1, 2, 1, 2, 2), (1, 1, 1, 1, 1))}
        >>> round(comparison.totals["macs"].ratio, 3)
        1.567
    """
    unused = unused_fields(first), unused_fields(second)
    names = [field.name for field in fields(Architecture) if field.name != "variant"]
    differing = {
        name: (getattr(first, name), getattr(second, name))
        for name in names
        if name not in unused[0] & unused[1] and _differ(first, second, name, unused)
    }
    tables = summarize(first), summarize(second)
    totals = {
        name: Total(first=getattr(tables[0], name), second=getattr(tables[1], name))
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
    """Return the fields that have no effect on this network.

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
