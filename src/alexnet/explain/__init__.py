"""The network explained as data: tables, drawings, comparisons. No framework is imported."""

from alexnet.explain.compare import Comparison, Total, compare
from alexnet.explain.drawing import draw
from alexnet.explain.padding import paddings
from alexnet.explain.subject import network
from alexnet.explain.table import Row, Table, table

__all__ = [
    "Comparison",
    "Row",
    "Table",
    "Total",
    "compare",
    "draw",
    "network",
    "paddings",
    "table",
]
