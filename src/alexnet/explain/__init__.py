"""The network explained as data: tables, drawings, comparisons. No framework is imported."""

from alexnet.explain.subject import network
from alexnet.explain.table import Row, Table, table

__all__ = [
    "Row",
    "Table",
    "network",
    "table",
]
