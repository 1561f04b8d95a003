"""Describe networks: layer tables, drawings, comparisons. No framework is imported."""

from alexnet.summary.comparison import Comparison, Total, compare_architectures
from alexnet.summary.drawing import draw
from alexnet.summary.layer_table import LayerRow, LayerTable, summarize
from alexnet.summary.padding_search import find_paddings
from alexnet.summary.resolution import resolve_architecture

__all__ = [
    "Comparison",
    "LayerRow",
    "LayerTable",
    "Total",
    "compare_architectures",
    "draw",
    "find_paddings",
    "resolve_architecture",
    "summarize",
]
