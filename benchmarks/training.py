"""Images a second of training end to end: half, batches of 32, 224 pixels.

usage: training.py DATA --peer-python PYTHON --peer-scripts FOLDER     (DATA holds train/ and val/)

The peer is the tutorials' way: ImageFolder, two DataLoader workers, Adam. Ours is the recipe
`tutorial`, which makes the same steps, in float32 and as `--precision auto` chooses. The second
table compares ours end to end with the same network's steps on a batch that lies in memory.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from alexnet import training
from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.history import Epoch, Times
from alexnet.run import Run
from alexnet.torch import AlexNet
from alexnet.torch.device import autocast_type
from alexnet.torch.optimizers import optimizer
from side_by_side import arguments, compare, header, peer_of

STEPS_IN_MEMORY = 40


class LastRate(training.Observer):
    """Keeps the images a second of the last epoch."""

    rate = 0.0

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        self.rate = times.images_per_second


def end_to_end(data: Path, chosen: Recipe) -> tuple[float, Run]:
    observer = LastRate()
    with tempfile.TemporaryDirectory() as folder:
        outcome = training.train(
            data, recipe=chosen, output_dir=Path(folder) / "run", observer=observer
        )
    return observer.rate, outcome.run


def in_memory(run: Run) -> float:
    """The same steps as plain PyTorch code, with nothing to load."""
    size, batch = run.architecture.image_size, run.recipe.batch_size
    model = AlexNet(run.architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = optimizer(
        run.recipe.optimizer, model.parameters(), momentum=0.9, weight_decay=0.0, fused=True
    )
    x = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(np.arange(batch) % run.architecture.num_classes)
    dtype = autocast_type(run.recipe.precision, torch.device("cpu"))
    start = 0.0
    for step in range(STEPS_IN_MEMORY + 3):
        if step == 3:
            start = time.perf_counter()
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            logits = model(x)
        loss = F.cross_entropy(logits.float(), y)
        loss.item()
        steps.zero_grad()
        loss.backward()
        steps.step()
    return STEPS_IN_MEMORY * batch / (time.perf_counter() - start)


def main() -> None:
    options = arguments(__doc__)
    peer = peer_of(options)
    theirs = None
    if peer is not None:

        def theirs() -> float:
            return peer.figure(
                "train_tutorial.py", 1, "half", options.data, pattern=r"train ([\d.]+) images/s"
            )

    runs: dict[str, Any] = {}
    header("images/s")
    for precision in ("fp32", "auto"):
        chosen = recipe("tutorial", epochs=1, precision=precision)

        def ours(chosen: Recipe = chosen, precision: str = precision) -> float:
            rate, runs[precision] = end_to_end(options.data, chosen)
            return rate

        compare(f"training, {precision}", ours, theirs, rounds=options.rounds, bar="1.2")
        compare(
            f"training, {precision}, against its steps in memory",
            ours,
            lambda precision=precision: in_memory(runs[precision]),
            rounds=options.rounds,
            bar="0.95",
        )


main()
