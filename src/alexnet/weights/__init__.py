"""Weights as arrays by canonical name, from and to common file formats."""

from alexnet.weights.compatibility import check
from alexnet.weights.files import read, write
from alexnet.weights.initialization import initial
from alexnet.weights.names import Weights

__all__ = ["Weights", "check", "initial", "read", "write"]
