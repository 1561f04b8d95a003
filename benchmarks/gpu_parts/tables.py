"""Results as Markdown tables that are aligned for reading in a terminal, and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MISSING = "–"


@dataclass(frozen=True)
class Column:
    """A key of the rows, its heading, and how its values are written, as for `format`."""

    key: str
    heading: str
    format: str = ""

    def cell(self, row: Mapping[str, Any]) -> str:
        """The value as text; a text stands as it is, a missing value as a dash."""
        value = row.get(self.key)
        if value is None:
            return MISSING
        if isinstance(value, bool):
            return "yes" if value else "NO"
        return value if isinstance(value, str) else format(value, self.format)


@dataclass
class Table:
    """Rows that JSON can hold, the columns that are shown of them, and notes below."""

    title: str
    columns: Sequence[Column]
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def render(self) -> str:
        """The table as text; texts stand left, numbers right."""
        cells = [[column.cell(row) for column in self.columns] for row in self.rows]
        head = [column.heading for column in self.columns]
        widths = [max(map(len, column), default=0) for column in zip(head, *cells, strict=True)]
        right = [bool(column.format) for column in self.columns]

        def line(texts: Sequence[str]) -> str:
            places = zip(texts, widths, right, strict=True)
            return "| " + " | ".join(f"{t:>{w}}" if r else f"{t:<{w}}" for t, w, r in places) + " |"

        rule = "|".join(
            "-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)
        )
        parts = [f"### {self.title}", "", line(head), f"|{rule}|", *map(line, cells)]
        return "\n".join([*parts, *(["", *self.notes] if self.notes else [])])


@dataclass
class Result:
    """What a part has found so far; a part that breaks off leaves what it has."""

    tables: list[Table] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    """Measurements one by one, where the tables show them side by side."""
    skipped: list[str] = field(default_factory=list)
    """Measurements that were left out, each with the reason."""
    failures: list[str] = field(default_factory=list)
    """What makes the benchmark fail: values that differ, errors, failed tests."""
    seconds: float = 0.0

    @property
    def status(self) -> str:
        """failed, skipped (nothing was measured), partly, or done."""
        if self.failures:
            return "failed"
        measured = self.records or any(table.rows for table in self.tables)
        if self.skipped:
            return "partly" if measured else "skipped"
        return "done"

    def table(self, title: str, *columns: Column) -> Table:
        """A new table of this part."""
        self.tables.append(Table(title, columns))
        return self.tables[-1]

    def render(self) -> str:
        """Everything that a person reads of this part."""
        lines = [table.render() + "\n" for table in self.tables if table.rows]
        lines += [f"skipped: {what}" for what in self.skipped]
        lines += [f"FAILED: {what}" for what in self.failures]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "tables": [
                {"title": table.title, "rows": table.rows, "notes": table.notes}
                for table in self.tables
            ],
            "records": self.records,
            "skipped": self.skipped,
            "failures": self.failures,
        }
