"""The results of experiments: outcomes of trainings, findings on comparisons, and all of a call."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alexnet.experiments.claims import Arm, Comparison, Experiment
from alexnet.experiments.plan import Plan
from alexnet.history import Epoch

Verdict = Literal["supported", "inconclusive", "reversed"]


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """Metrics of a training after its last epoch; accuracies are fractions.

    The last epoch is reported and not the best one, which would be selected on the validation
    images that it is evaluated on.
    """

    seed: int
    curve: tuple[Epoch, ...]
    train_top1: float | None = None
    """Accuracy on training images, preprocessed as in validation."""
    ten_crop_top1: float | None = None
    """Validation accuracy with ten crops, if it was required."""
    ten_crop_top5: float | None = None
    diverged: str = ""
    """Why the training diverged; empty if it finished."""

    @property
    def top1(self) -> float:
        """Validation accuracy with the center crop."""
        return self.curve[-1].val_top1

    @property
    def top5(self) -> float:
        """Validation top-5 accuracy with the center crop."""
        return self.curve[-1].val_top5


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """An arm with the outcome of each seed, in the order of the seeds."""

    arm: Arm
    outcomes: tuple[TrainingOutcome, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The paired differences of one comparison, their confidence interval and the verdict.

    Differences are positive where the paper's arm is better: percentage points of error, or a
    factor where epochs are compared. `low` and `high` bound the 95% confidence interval (CI) of
    the mean over seeds, by Student's t for paired differences; for factors, of their logarithms,
    so that the mean is the geometric mean. They are None without an interval; `reason` is then the
    explanation.
    """

    comparison: Comparison
    differences: tuple[float, ...]
    mean: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reason: str = ""
    is_lower_bound: bool = False
    """Whether the factor is a lower bound, because some trainings never reached the target."""

    @property
    def is_factor(self) -> bool:
        """Whether epochs are compared."""
        return self.comparison.measure == "epochs"

    @property
    def no_effect(self) -> float:
        """The difference that means no effect: 0 points, or a factor of 1."""
        return 1.0 if self.is_factor else 0.0


@dataclass(frozen=True, kw_only=True)
class ExperimentResult:
    """The outcomes and findings of one experiment."""

    experiment: Experiment
    arms: tuple[ArmResult, ...]
    findings: tuple[Finding, ...]
    num_classes: int


@dataclass(frozen=True, kw_only=True)
class ExperimentResults:
    """All results of a call of `run_experiment`, and the page that presents them."""

    plan: Plan
    results: tuple[ExperimentResult, ...]
    page: Path
    """The HTML page to open first."""
