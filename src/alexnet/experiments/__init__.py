"""The paper's claims, put to the test on any pictures.

Names are loaded when they are first used: the claims themselves need no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

from alexnet.experiments.claims import EXPERIMENTS, Arm, Comparison, Experiment

if TYPE_CHECKING:
    from alexnet.experiments.cost import Cost as Cost
    from alexnet.experiments.judge import ArmResult as ArmResult
    from alexnet.experiments.judge import Finding as Finding
    from alexnet.experiments.judge import sentence as sentence
    from alexnet.experiments.make import Result as Result
    from alexnet.experiments.make import Results as Results
    from alexnet.experiments.make import Watcher as Watcher
    from alexnet.experiments.make import experiment as experiment
    from alexnet.experiments.trained import Trained as Trained

__all__ = [
    "EXPERIMENTS",
    "Arm",
    "ArmResult",
    "Comparison",
    "Cost",
    "Experiment",
    "Finding",
    "Result",
    "Results",
    "Trained",
    "Watcher",
    "experiment",
    "sentence",
]

_LAZY = {
    "ArmResult": "judge",
    "Cost": "cost",
    "Finding": "judge",
    "Result": "make",
    "Results": "make",
    "Trained": "trained",
    "Watcher": "make",
    "experiment": "make",
    "sentence": "judge",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
