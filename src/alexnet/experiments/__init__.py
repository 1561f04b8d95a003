"""Experiments that test the paper's claims on any dataset.

Names other than the claims are imported on first use, so that the claims need no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

from alexnet.experiments.claims import EXPERIMENTS, Arm, Comparison, Experiment

if TYPE_CHECKING:
    from alexnet.experiments.cost import Cost as Cost
    from alexnet.experiments.results import ArmResult as ArmResult
    from alexnet.experiments.results import ExperimentResult as ExperimentResult
    from alexnet.experiments.results import ExperimentResults as ExperimentResults
    from alexnet.experiments.results import Finding as Finding
    from alexnet.experiments.results import TrainingOutcome as TrainingOutcome
    from alexnet.experiments.runner import ExperimentObserver as ExperimentObserver
    from alexnet.experiments.runner import run_experiment as run_experiment
    from alexnet.experiments.verdicts import describe_finding as describe_finding

__all__ = [
    "EXPERIMENTS",
    "Arm",
    "ArmResult",
    "Comparison",
    "Cost",
    "Experiment",
    "ExperimentObserver",
    "ExperimentResult",
    "ExperimentResults",
    "Finding",
    "TrainingOutcome",
    "describe_finding",
    "run_experiment",
]

_LAZY = {
    "ArmResult": "results",
    "Cost": "cost",
    "ExperimentObserver": "runner",
    "ExperimentResult": "results",
    "ExperimentResults": "results",
    "Finding": "results",
    "TrainingOutcome": "results",
    "describe_finding": "verdicts",
    "run_experiment": "runner",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
