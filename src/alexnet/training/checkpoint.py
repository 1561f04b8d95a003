"""Checkpoints: one safetensors file with all that a resume needs, complete or absent."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from alexnet.errors import UserError
from alexnet.history import Epoch, Times
from alexnet.io.atomic import write_bytes
from alexnet.training.schedule import Plateau

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class TrainingState:
    """The state of a training. Steps and epochs count from 0; `epoch` is the current one."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    hits: int = 0
    seen: int = 0
    seconds: float = 0.0
    """Training time of the current epoch."""
    best_epoch: int = -1
    best_top1: float = -1.0
    best_loss: float = float("inf")
    plateau: Plateau = field(default_factory=Plateau)
    epochs: list[Epoch] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)

    def end_epoch(self) -> None:
        """Advance to the start of the next epoch."""
        self.epoch, self.step = self.epoch + 1, 0
        self.loss_sum, self.hits, self.seen, self.seconds = 0.0, 0, 0, 0.0


def save(folder: Path, arrays: Mapping[str, np.ndarray], state: TrainingState) -> None:
    """Save weights, optimizer state and training state, replacing the previous checkpoint.

    Raises:
        RunError: it cannot be written (a full disk).
    """
    from safetensors.numpy import save as to_bytes

    # JSON restores exactly the float64 that was written.
    metadata = {"state": json.dumps(asdict(state))}
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    write_bytes(folder / CHECKPOINT, to_bytes(ordered, metadata))


def remove(folder: Path) -> None:
    """Remove the checkpoint of a finished run."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def load(folder: Path) -> tuple[dict[str, np.ndarray], TrainingState] | None:
    """Load the arrays and the training state; None if there is no checkpoint.

    Raises:
        UserError: the checkpoint is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            values = json.loads(file.metadata()["state"])
        values["plateau"] = Plateau(**values["plateau"])
        values["epochs"] = [Epoch(**row) for row in values["epochs"]]
        values["times"] = [Times(**row) for row in values["times"]]
        return arrays, TrainingState(**values)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is truncated or damaged ({error}); delete it to restart the run"
        ) from error
