"""Training as a user of the Python interface meets it: a folder of images in, a run out."""

import csv
import dataclasses
import json
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alexnet import RunError, UserError, architecture
from alexnet.backends import Compute
from alexnet.config.hyperparameters import RECIPES, Recipe, recipe
from alexnet.history import Epoch, Times
from alexnet.run import Run
from alexnet.training import Observer, TrainingInterrupted, diagnose, resume, train

from ..images import red_and_blue

SMALL = {"widths": 8, "hidden": 16, "image_size": 63}
"""A network that trains in a moment; what is tested does not depend on its size."""


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that a network learns at once: reddish and bluish noise."""
    return red_and_blue(tmp_path_factory.mktemp("data") / "colors")


def small_recipe(**changes: Any) -> Recipe:
    return recipe("fast", **{"epochs": 3, "batch_size": 8, "image_size": None} | changes)


def start(data: Path, folder: Path, observer: Observer | None = None, **changes: Any) -> Any:
    """Train the small network, with changes to the recipe."""
    return train(
        data,
        changes=SMALL,
        recipe=small_recipe(**changes),
        compute=Compute(device="cpu"),
        output_dir=folder,
        observer=observer,
    )


class StopsAt(Observer):
    """Sends this process a signal after a step, as Ctrl-C does."""

    def __init__(self, epoch: int, step: int) -> None:
        self._place = (epoch, step)
        self.seen: list[tuple[int, int]] = []
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def step(self, *, epoch: int, step: int, **_: Any) -> None:
        self.seen.append((epoch, step))
        if (epoch, step) == self._place:
            os.kill(os.getpid(), signal.SIGINT)


def read_results(folder: Path) -> dict[str, bytes]:
    names = ("best.safetensors", "last.safetensors", "metrics.csv")
    return {name: (folder / name).read_bytes() for name in names}


def test_a_run_explains_itself(colors: Path, tmp_path: Path) -> None:
    outcome = start(colors, tmp_path / "run")
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {
        "run.json",
        "classes.json",
        "best.safetensors",
        "last.safetensors",
        "metrics.csv",
        "times.csv",
        "curves.png",
        "confusion.png",
        "batch.png",
        "trained_on.npy",
        "diagnosis.json",
    }
    assert json.loads((tmp_path / "run/classes.json").read_text()) == ["blue", "red"]
    config = json.loads((tmp_path / "run/run.json").read_text())
    assert config["recipe"]["epochs"] == 3
    assert config["architecture"]["widths"] == [8] * 5
    assert config["preprocessing"]["crop_px"] == 63
    with (tmp_path / "run/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert outcome.metrics.count == 16
    best = max(rows, key=lambda row: (float(row["val_top1"]), -float(row["val_loss"])))
    assert outcome.best_epoch == int(best["epoch"])
    assert outcome.metrics.top1 == float(best["val_top1"])
    assert outcome.metrics.loss == pytest.approx(float(best["val_loss"]), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_learns_colors(name: str, colors: Path, tmp_path: Path) -> None:
    lr = {"paper": 1e-5}.get(name, 0.005)
    chosen = recipe(name, epochs=20, batch_size=8, image_size=None, lr=lr, init="kaiming")
    outcome = train(colors, changes=SMALL, recipe=chosen, output_dir=tmp_path / "run")
    assert outcome.metrics.top1 > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("place", [(0, 1), (0, 6), (1, 3), (2, 6)])
def test_a_stopped_run_ends_as_if_it_had_not_been(
    place: tuple[int, int], colors: Path, tmp_path: Path
) -> None:
    start(colors, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted) as stopped:
        start(colors, tmp_path / "stopped", StopsAt(*place))
    assert stopped.value.folder == tmp_path / "stopped"
    assert stopped.value.signal_number == signal.SIGINT
    killed_while_writing = tmp_path / "stopped/.best.safetensors.1.partial"
    killed_while_writing.write_bytes(b"half of a file")
    going_on = StopsAt(9, 9)
    resume(tmp_path / "stopped", observer=going_on)
    assert going_on.seen[:1] != [place]
    epoch, step = place
    assert f"resuming in epoch {epoch + 1}, after {step} of 6 steps" in going_on.notices
    assert read_results(tmp_path / "stopped") == read_results(tmp_path / "whole")
    assert not (tmp_path / "stopped/checkpoint.safetensors").exists()
    assert not killed_while_writing.exists()


def test_resume_with_other_workers_is_bit_identical_and_recorded(
    colors: Path, tmp_path: Path
) -> None:
    start(colors, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        start(colors, tmp_path / "stopped", StopsAt(1, 3))
    resume(tmp_path / "stopped", compute={"workers": 1})
    assert read_results(tmp_path / "stopped") == read_results(tmp_path / "whole")
    compute = Run.open(tmp_path / "stopped").compute
    assert (compute.workers, compute.device, compute.backend) == (1, "cpu", "torch")
    assert Run.open(tmp_path / "whole").compute.workers is None


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3])
def test_a_signal_while_an_epoch_is_validated_stops_behind_it(
    number: int, colors: Path, tmp_path: Path
) -> None:
    """Behind the last epoch too: a program that trains many runs has to stop there."""

    class StopsBehind(Observer):
        def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
            if epoch.epoch == number:
                os.kill(os.getpid(), signal.SIGINT)

    start(colors, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted, match=f"stopped after epoch {number}"):
        start(colors, tmp_path / "stopped", StopsBehind())
    resume(tmp_path / "stopped")
    assert read_results(tmp_path / "stopped") == read_results(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "sgd-2012", "adam", "adamw"])
def test_every_optimizer_resumes_exactly(optimizer: str, colors: Path, tmp_path: Path) -> None:
    changes = {"optimizer": optimizer, "lr": 1e-3, "schedule": "plateau", "lr_drop_patience": 1}
    start(colors, tmp_path / "whole", **changes)
    with pytest.raises(TrainingInterrupted):
        start(colors, tmp_path / "stopped", StopsAt(1, 2), **changes)
    resume(tmp_path / "stopped")
    assert read_results(tmp_path / "stopped") == read_results(tmp_path / "whole")


@pytest.mark.slow
def test_batch_norm_resumes_exactly(colors: Path, tmp_path: Path) -> None:
    changes = {**SMALL, "norm": "batch", "norm_layers": (1, 2, 3, 4, 5)}
    chosen = small_recipe()
    train(colors, changes=changes, recipe=chosen, output_dir=tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        train(
            colors,
            changes=changes,
            recipe=chosen,
            output_dir=tmp_path / "stopped",
            observer=StopsAt(1, 2),
        )
    resume(tmp_path / "stopped")
    assert read_results(tmp_path / "stopped") == read_results(tmp_path / "whole")


@pytest.mark.slow
def test_the_seed_decides(colors: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        start(colors, tmp_path / name, seed=seed, epochs=1)
    assert read_results(tmp_path / "a") == read_results(tmp_path / "b")
    assert read_results(tmp_path / "a") != read_results(tmp_path / "c")


def test_a_loss_that_is_not_finite_stops_before_the_update(colors: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the loss is .*try a lower --lr"):
        start(colors, tmp_path / "run", lr=1e12, warmup_epochs=0, schedule="constant")
    for file in (tmp_path / "run").glob("*.safetensors"):
        weights = Run.open(tmp_path / "run").weights(file.name)
        assert all(np.isfinite(array).all() for array in weights.values())


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(colors, tmp_path / "whole")
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "best.safetensors":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match=r"cannot write .*best.safetensors: No space left"):
        start(colors, tmp_path / "full")
    monkeypatch.undo()
    assert not list((tmp_path / "full").glob(".*partial"))
    resume(tmp_path / "full")
    assert read_results(tmp_path / "full") == read_results(tmp_path / "whole")


def test_a_stopped_run_is_diagnosed_as_that_and_knows_its_images(
    colors: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingInterrupted):
        start(colors, tmp_path / "run", StopsAt(1, 2))
    result = diagnose(tmp_path / "run")
    again = f"alexnet train --resume {tmp_path / 'run'}"
    assert result.line == f"interrupted after 1 of 3 epochs; try {again}"
    count = len(list((colors / "val").glob("*/*")))
    assert f"% of {count} (95% confidence interval" in result.evidence[1]


def test_a_damaged_checkpoint_is_named(colors: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingInterrupted):
        start(colors, tmp_path / "run", StopsAt(1, 2))
    checkpoint = tmp_path / "run/checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"checkpoint\.safetensors is truncated or damaged"):
        resume(tmp_path / "run")


def test_images_that_changed_are_refused_on_resume(colors: Path, tmp_path: Path) -> None:
    import shutil

    data = shutil.copytree(colors, tmp_path / "colors")
    with pytest.raises(TrainingInterrupted):
        start(data, tmp_path / "run", StopsAt(0, 2))
    (data / "train/red/0.png").unlink()
    with pytest.raises(UserError, match="has changed since"):
        resume(tmp_path / "run")


def test_a_folder_with_something_in_it_is_not_written_over(colors: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes.txt").write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        start(colors, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_broken_images_are_left_out_and_counted(colors: Path, tmp_path: Path) -> None:
    import shutil

    data = shutil.copytree(colors, tmp_path / "colors")
    (data / "train/red/0.png").write_bytes(b"")
    (data / "train/blue/1.png").write_bytes((data / "train/blue/1.png").read_bytes()[:1000])
    notices: list[str] = []

    class Listens(Observer):
        def notice(self, text: str) -> None:
            notices.append(text)

    start(data, tmp_path / "run", Listens(), epochs=1)
    assert any(re.match(r"skipped 2 of \d+ images, unreadable: ", notice) for notice in notices)
    assert any(notice.startswith("46 training and ") for notice in notices)


@pytest.mark.slow
def test_gray_images_and_tensorboard(colors: Path, tmp_path: Path) -> None:
    outcome = train(
        colors,
        changes={**SMALL, "in_channels": 1},
        recipe=small_recipe(epochs=1),
        output_dir=tmp_path / "run",
        tensorboard=True,
    )
    assert outcome.run.preprocessing.channels == "gray"
    assert list((tmp_path / "run/tensorboard").glob("events*"))


def test_training_in_a_thread_that_gets_no_signals(colors: Path, tmp_path: Path) -> None:
    thread = threading.Thread(target=start, args=(colors, tmp_path / "run"), kwargs={"epochs": 1})
    thread.start()
    thread.join()
    assert (tmp_path / "run/best.safetensors").exists()


def test_observers_see_every_epoch(colors: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []

    class Watches(Observer):
        def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
            assert times.images_per_second > 0
            seen.append((epoch.epoch, is_best))

    start(colors, tmp_path / "run", Watches())
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert seen[0][1]


def test_few_images_are_seen_more_often_unless_the_epochs_are_given(
    colors: Path, tmp_path: Path
) -> None:
    few = recipe("fast", min_steps=30, batch_size=8, image_size=None)
    few = dataclasses.replace(few, epochs=1)
    outcome = train(colors, changes=SMALL, recipe=few, output_dir=tmp_path / "a")
    assert outcome.run.recipe.epochs == 5  # 48 images are 6 steps an epoch
    assert recipe("fast", epochs=2).min_steps == 0


def test_an_architecture_keeps_its_own_size(colors: Path, tmp_path: Path) -> None:
    net = architecture("half", widths=8, hidden=16, image_size=70, init="kaiming")
    chosen = recipe("fast", epochs=1, batch_size=8)
    outcome = train(colors, variant=net, recipe=chosen, output_dir=tmp_path / "run")
    assert outcome.run.architecture.image_size == 70
    assert outcome.run.architecture.init == "kaiming"


def test_a_run_keeps_what_its_diagnosis_rests_on(colors: Path, tmp_path: Path) -> None:
    from alexnet.training import diagnose

    outcome = start(colors, tmp_path / "run")
    stored = json.loads((tmp_path / "run/diagnosis.json").read_text())
    measurements = stored["measurements"]
    assert measurements["train_counts"] == [24, 24]
    assert measurements["val_counts"] == [8, 8]
    assert measurements["sample_count"] == 48
    assert list(measurements["dead_units"]) == [f"relu{n}" for n in range(1, 8)]
    assert all(0 <= share <= 1 for share in measurements["dead_units"].values())
    assert stored["verdict"] == outcome.diagnosis.verdict == diagnose(tmp_path / "run").verdict


def test_a_run_that_diverged_at_once_has_a_diagnosis(colors: Path, tmp_path: Path) -> None:
    from alexnet.training import diagnose

    with pytest.raises(RunError):
        start(colors, tmp_path / "run", lr=1e12, warmup_epochs=0, schedule="constant")
    result = diagnose(tmp_path / "run")
    assert result.verdict == "learning rate too high"
    assert "in epoch 1" in result.summary
    assert result.advice[0].option == "--lr 0.02"
