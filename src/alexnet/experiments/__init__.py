"""The paper's claims, put to the test on any images.

Names are loaded when they are first used: the claims themselves need no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

from alexnet.experiments.claims import EXPERIMENTS, Arm, Comparison, Experiment

if TYPE_CHECKING:
    from alexnet.experiments.cost import Cost as Cost
    from alexnet.experiments.outcomes import Trained as Trained
    from alexnet.experiments.runner import Result as Result
    from alexnet.experiments.runner import Results as Results
    from alexnet.experiments.runner import Watcher as Watcher
    from alexnet.experiments.runner import experiment as experiment
    from alexnet.experiments.verdicts import ArmResult as ArmResult
    from alexnet.experiments.verdicts import Finding as Finding
    from alexnet.experiments.verdicts import sentence as sentence

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
    "ArmResult": "verdicts",
    "Cost": "cost",
    "Finding": "verdicts",
    "Result": "runner",
    "Results": "runner",
    "Trained": "outcomes",
    "Watcher": "runner",
    "experiment": "runner",
    "sentence": "verdicts",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
