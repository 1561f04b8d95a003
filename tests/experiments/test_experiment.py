"""`alexnet experiment` as a person uses it, on trainings of a second each."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from alexnet.evaluation import evaluate
from alexnet.experiments import EXPERIMENTS

SMALL = (
    *("--set", "widths=8", "--set", "hidden=16", "--epochs", "2", "--batch-size", "16"),
    *("--seeds", "2", "--workers", "1"),
)


class Done(NamedTuple):
    status: int
    out: str
    err: str


def alexnet(*arguments: str | Path) -> Done:
    call = [sys.executable, "-m", "alexnet", "experiment", *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=250)
    return Done(done.returncode, done.stdout, done.stderr)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six classes of noise, each with a color of its own."""
    root, generator = tmp_path_factory.mktemp("data") / "<b>colors", np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 6)):
        for label in range(6):
            folder = root / split / f"c{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                values = generator.integers(0, 128, (70, 70, 3))
                values[..., label % 3] += 60 + 60 * (label // 3)
                Image.fromarray(values.astype(np.uint8)).save(folder / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def everything(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """All of the paper's claims, weights kept."""
    folder = tmp_path_factory.mktemp("all") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXNET_CACHE_DIR", str(folder.parent / "cache"))
        done = alexnet("all", images, *SMALL, "-o", folder, "--keep-weights")
    assert done.status == 0, done.err
    return folder, done


def run_of(folder: Path, start: str, seed: int = 0) -> Path:
    (found,) = (folder / "runs").glob(f"{start}-??????????-seed{seed}")
    return found


def test_everything_is_said_and_written(everything: tuple[Path, Done]) -> None:
    folder, done = everything
    _, first, *lines = done.out.splitlines()
    # What experiments share is trained once: the common network, and ten others.
    assert first.startswith("22 trainings of 2 epochs of 96 images each: about ")
    assert sum("seed 0" in line for line in lines) == 11
    for experiment in EXPERIMENTS.values():
        assert experiment.title in lines
        for suffix in ("csv", "png", "html"):
            assert (folder / f"{experiment.name}.{suffix}").stat().st_size > 100
    assert lines[-1] == f"Page: {folder / 'index.html'}"


def test_the_images_have_the_size_of_the_common_network(everything: tuple[Path, Done]) -> None:
    folder, _ = everything
    for run in (folder / "runs").iterdir():
        assert json.loads((run / "run.json").read_text())["architecture"]["image_size"] == 64


def test_the_tables_hold_what_the_runs_hold(everything: tuple[Path, Done]) -> None:
    folder, _ = everything
    for row in rows(folder / "lrn.csv"):
        run = run_of(folder, {"LRN": "base", "no LRN": "lrn-no-lrn"}[row["arm"]], int(row["seed"]))
        last = rows(run / "metrics.csv")[-1]
        assert float(row["top1_error"]) == pytest.approx(
            100 * (1 - float(last["val_top1"])), abs=1e-3
        )
        assert float(row["top5_error"]) == pytest.approx(
            100 * (1 - float(last["val_top5"])), abs=1e-3
        )
    (found,) = (
        row
        for row in rows(folder / "findings.csv")
        if row["against"] == "no dropout" and row["measure"] == "error"
    )
    errors = {
        (row["arm"], row["seed"]): float(row["top1_error"]) for row in rows(folder / "dropout.csv")
    }
    mean = np.mean([errors["no dropout", s] - errors["dropout", s] for s in ("0", "1")])
    assert float(found["mean"]) == pytest.approx(mean, abs=2e-3)


def test_a_pair_sees_the_same_images_in_the_same_order(everything: tuple[Path, Done]) -> None:
    """The image of the first batch is the same, byte for byte; with other crops it is not."""
    folder, _ = everything
    batch = (run_of(folder, "base") / "batch.png").read_bytes()
    assert (run_of(folder, "lrn-no-lrn") / "batch.png").read_bytes() == batch
    assert (run_of(folder, "dropout-no-dropout") / "batch.png").read_bytes() == batch
    assert (run_of(folder, "augment-neither") / "batch.png").read_bytes() != batch
    assert (run_of(folder, "base", 1) / "batch.png").read_bytes() != batch


def test_ten_crops_are_those_of_evaluate(
    everything: tuple[Path, Done], images: Path, tmp_path: Path
) -> None:
    folder, _ = everything
    copy = shutil.copytree(run_of(folder, "base"), tmp_path / "run")
    shutil.copy(copy / "last.safetensors", copy / "best.safetensors")
    expected = {n: evaluate(copy, images, crops=n).metrics.top1 for n in (1, 10)}
    found = {
        row["arm"]: float(row["top1_error"])
        for row in rows(folder / "crops.csv")
        if row["seed"] == "0"
    }
    assert found["one crop"] == pytest.approx(100 * (1 - expected[1]), abs=1e-3)
    assert found["ten crops"] == pytest.approx(100 * (1 - expected[10]), abs=1e-3)


def test_the_page_tells_claim_verdict_and_how_to_repeat_it(everything: tuple[Path, Done]) -> None:
    folder, _ = everything
    page = (folder / "index.html").read_text()
    for experiment in EXPERIMENTS.values():
        assert f'id="{experiment.name}"' in page
        assert experiment.claim in page
    assert "<b>colors" not in page
    assert "alexnet experiment all" in page
    assert "--epochs 2" in page
    assert "come out as shown one way or the other by chance" in page


def test_a_second_call_trains_nothing_and_one_with_other_settings_does(
    everything: tuple[Path, Done], images: Path
) -> None:
    folder, _ = everything
    again = alexnet("lrn", images, *SMALL, "-o", folder)
    assert again.out.startswith("0 trainings (4 more are there already)")
    assert (folder / "lrn.html").is_file()
    other = alexnet("lrn", images, *SMALL, "--lr", "0.01", "-o", folder, "--dry-run")
    assert "\n4 trainings of" in other.out


def test_weights_go_when_they_are_measured(images: Path, tmp_path: Path) -> None:
    done = alexnet("crops", images, *SMALL, "-o", tmp_path / "results")
    assert done.status == 0, done.err
    assert not list((tmp_path / "results").rglob("*.safetensors"))
    assert len(rows(tmp_path / "results/crops.csv")) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_stopped_by_ctrl_c_the_same_command_goes_on(
    everything: tuple[Path, Done], images: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    options = [*map(str, (images, *SMALL, "-o", folder))]
    call = [sys.executable, "-m", "alexnet", "experiment", "dropout", *options]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("runs/*/metrics.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, said
    assert re.search(r"the same command goes on:  .*alexnet experiment dropout", said)
    done = alexnet("dropout", *options)
    assert done.status == 0, done.err
    expected, _ = everything
    assert (folder / "dropout.csv").read_bytes() == (expected / "dropout.csv").read_bytes()


def test_a_training_that_diverges_is_a_result(images: Path, tmp_path: Path) -> None:
    done = alexnet("lrn", images, *SMALL, "--lr", "1e9", "-o", tmp_path / "results")
    assert done.status == 0, done.err
    assert "the training of LRN, seed 0, diverged." in done.out
    assert (tmp_path / "results/lrn.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lnr"], "unknown experiment 'lnr': did you mean 'lrn'?"),
        (["lrn", "--seeds", "0"], "seeds has to be from 1 to 100, got 0"),
        (
            ["augment", "--crop", "center", "--no-horizontal-flip"],
            "augment would compare 'crops' with 'neither'",
        ),
        (["lrn", "--set", "nrom=lrn"], "did you mean 'norm'?"),
        (["lrn", "--variant", "paper", "--image-size", "8"], "the least image_size is 63"),
        (["lrn", "--backend", "theano"], "unknown backend 'theano'"),
    ],
)
def test_wrong_calls_are_one_line(
    images: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    name, *options = arguments
    done = alexnet(name, images, *options, "-o", tmp_path / "results")
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_folder_of_somebody_else_stays_as_it_is(images: Path, tmp_path: Path) -> None:
    (tmp_path / "lrn.csv").write_text("mine")
    done = alexnet("lrn", images, *SMALL, "-o", tmp_path)
    assert done.status == 2
    assert "holds other files; choose another --output-dir" in done.err
    assert (tmp_path / "lrn.csv").read_text() == "mine"
    assert alexnet("lrn", tmp_path / "nothing", *SMALL).status == 2


def test_two_at_once_do_not_write_into_the_same_runs(
    everything: tuple[Path, Done], images: Path
) -> None:
    folder, _ = everything
    with FileLock(folder / ".lock"):
        done = alexnet("lrn", images, *SMALL, "-o", folder)
    assert done.status == 2
    assert f"another experiment is under way in {folder}" in done.err


def test_a_damaged_result_is_named(
    everything: tuple[Path, Done], images: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(everything[0], tmp_path / "results")
    result = run_of(folder, "lrn-no-lrn") / "result.json"
    result.write_text(json.dumps({"seed": 0}))
    done = alexnet("lrn", images, *SMALL, "-o", folder)
    assert done.status == 2
    assert f"{result} is damaged" in done.err
    assert "it is trained again" in done.err
