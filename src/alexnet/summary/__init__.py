"""The network explained as data: tables, drawings, comparisons. No framework is imported."""

from alexnet.summary.comparison import Comparison, Total, compare
from alexnet.summary.drawing import draw
from alexnet.summary.layer_table import Row, Table, table
from alexnet.summary.padding_search import paddings
from alexnet.summary.subjects import network

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
