"""`alexnet experiment` end to end, on trainings of a second each."""

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

pytestmark = pytest.mark.slow

SMALL = (
    *("--set", "widths=8", "--set", "hidden=16", "--epochs", "2", "--batch-size", "16"),
    *("--seeds", "2", "--workers", "1"),
)


class Result(NamedTuple):
    status: int
    out: str
    err: str


def run_command(*arguments: str | Path) -> Result:
    command = [sys.executable, "-m", "alexnet", "experiment", *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=250)
    return Result(process.returncode, process.stdout, process.stderr)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six classes of noise, each with its own color."""
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
def all_results(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """All experiments, with weights kept."""
    folder = tmp_path_factory.mktemp("all") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXNET_CACHE_DIR", str(folder.parent / "cache"))
        result = run_command("all", images, *SMALL, "-o", folder, "--keep-weights")
    assert result.status == 0, result.err
    return folder, result


def run_folder(folder: Path, label: str, seed: int = 0) -> Path:
    (run,) = (folder / "runs").glob(f"{label}-??????????-seed{seed}")
    return run


def test_cost_progress_and_result_files_are_complete(all_results: tuple[Path, Result]) -> None:
    folder, result = all_results
    _, first, *lines = result.out.splitlines()
    # Shared arms are trained once: the common network and ten others, with two seeds.
    assert first.startswith("22 trainings of 2 epochs of 96 images each: about ")
    assert sum("seed 0" in line for line in lines) == 11
    for experiment in EXPERIMENTS.values():
        assert experiment.title in lines
        for suffix in ("csv", "png", "html"):
            assert (folder / f"{experiment.name}.{suffix}").stat().st_size > 100
    assert lines[-1] == f"Page: {folder / 'index.html'}"


def test_all_runs_use_the_common_image_size(all_results: tuple[Path, Result]) -> None:
    folder, _ = all_results
    for run in (folder / "runs").iterdir():
        assert json.loads((run / "run.json").read_text())["architecture"]["image_size"] == 64


def test_tables_match_the_runs(all_results: tuple[Path, Result]) -> None:
    folder, _ = all_results
    for row in read_rows(folder / "lrn.csv"):
        run = run_folder(
            folder, {"LRN": "baseline", "no LRN": "lrn-no-lrn"}[row["arm"]], int(row["seed"])
        )
        last = read_rows(run / "metrics.csv")[-1]
        assert float(row["top1_error"]) == pytest.approx(
            100 * (1 - float(last["val_top1"])), abs=1e-3
        )
        assert float(row["top5_error"]) == pytest.approx(
            100 * (1 - float(last["val_top5"])), abs=1e-3
        )
    (finding,) = (
        row
        for row in read_rows(folder / "findings.csv")
        if row["baseline"] == "no dropout" and row["measure"] == "error"
    )
    errors = {
        (row["arm"], row["seed"]): float(row["top1_error"])
        for row in read_rows(folder / "dropout.csv")
    }
    mean = np.mean([errors["no dropout", s] - errors["dropout", s] for s in ("0", "1")])
    assert float(finding["mean"]) == pytest.approx(mean, abs=2e-3)


def test_pairs_train_on_the_same_batches(all_results: tuple[Path, Result]) -> None:
    """The figure of the first batch is byte-identical, unless the augmentation differs."""
    folder, _ = all_results
    batch = (run_folder(folder, "baseline") / "batch.png").read_bytes()
    assert (run_folder(folder, "lrn-no-lrn") / "batch.png").read_bytes() == batch
    assert (run_folder(folder, "dropout-no-dropout") / "batch.png").read_bytes() == batch
    assert (run_folder(folder, "augment-neither") / "batch.png").read_bytes() != batch
    assert (run_folder(folder, "baseline", 1) / "batch.png").read_bytes() != batch


def test_ten_crop_errors_match_evaluate(
    all_results: tuple[Path, Result], images: Path, tmp_path: Path
) -> None:
    folder, _ = all_results
    copy = shutil.copytree(run_folder(folder, "baseline"), tmp_path / "run")
    shutil.copy(copy / "last.safetensors", copy / "best.safetensors")
    expected = {n: evaluate(copy, images, crops=n).metrics.top1 for n in (1, 10)}
    errors = {
        row["arm"]: float(row["top1_error"])
        for row in read_rows(folder / "crops.csv")
        if row["seed"] == "0"
    }
    assert errors["one crop"] == pytest.approx(100 * (1 - expected[1]), abs=1e-3)
    assert errors["ten crops"] == pytest.approx(100 * (1 - expected[10]), abs=1e-3)


def test_page_contains_claims_and_the_reproducing_command(all_results: tuple[Path, Result]) -> None:
    folder, _ = all_results
    page = (folder / "index.html").read_text()
    for experiment in EXPERIMENTS.values():
        assert f'id="{experiment.name}"' in page
        assert experiment.claim in page
    assert "<b>colors" not in page
    assert "alexnet experiment all" in page
    assert "--epochs 2" in page
    assert "would still be supported or reversed by chance" in page


def test_second_call_reuses_trainings_with_the_same_settings(
    all_results: tuple[Path, Result], images: Path
) -> None:
    folder, _ = all_results
    again = run_command("lrn", images, *SMALL, "-o", folder)
    assert again.out.startswith("0 trainings (4 more already finished)")
    assert (folder / "lrn.html").is_file()
    other = run_command("lrn", images, *SMALL, "--lr", "0.01", "-o", folder, "--dry-run")
    assert "\n4 trainings of" in other.out


def test_weights_are_deleted_after_evaluation(images: Path, tmp_path: Path) -> None:
    result = run_command("crops", images, *SMALL, "-o", tmp_path / "results")
    assert result.status == 0, result.err
    assert not list((tmp_path / "results").rglob("*.safetensors"))
    assert len(read_rows(tmp_path / "results/crops.csv")) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_same_command_resumes_after_ctrl_c(
    all_results: tuple[Path, Result], images: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    options = [*map(str, (images, *SMALL, "-o", folder))]
    call = [sys.executable, "-m", "alexnet", "experiment", "dropout", *options]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("runs/*/metrics.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, output
    assert re.search(r"repeat the command to resume:  .*alexnet experiment dropout", output)
    result = run_command("dropout", *options)
    assert result.status == 0, result.err
    expected, _ = all_results
    assert (folder / "dropout.csv").read_bytes() == (expected / "dropout.csv").read_bytes()


def test_divergence_is_a_result(images: Path, tmp_path: Path) -> None:
    result = run_command("lrn", images, *SMALL, "--lr", "1e9", "-o", tmp_path / "results")
    assert result.status == 0, result.err
    assert "the training of LRN with seed 0 diverged." in result.out
    assert (tmp_path / "results/lrn.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lnr"], "unknown experiment 'lnr': did you mean 'lrn'?"),
        (["lrn", "--seeds", "0"], "invalid value for seeds: expected 1 to 100, got 0"),
        (
            ["augment", "--crop", "center", "--no-horizontal-flip"],
            "experiment augment: the arms 'crops' and 'neither' are identical",
        ),
        (["lrn", "--set", "nrom=lrn"], "did you mean 'norm'?"),
        (["lrn", "--variant", "paper", "--image-size", "8"], "the minimum image_size is 63"),
        (["lrn", "--backend", "theano"], "unknown backend 'theano'"),
    ],
)
def test_invalid_arguments_print_one_line(
    images: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    name, *options = arguments
    result = run_command(name, images, *options, "-o", tmp_path / "results")
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_folder_with_other_files_is_left_unchanged(images: Path, tmp_path: Path) -> None:
    (tmp_path / "lrn.csv").write_text("mine")
    result = run_command("lrn", images, *SMALL, "-o", tmp_path)
    assert result.status == 2
    assert "contains other files; choose a new or empty folder as --output-dir" in result.err
    assert (tmp_path / "lrn.csv").read_text() == "mine"
    assert run_command("lrn", tmp_path / "nothing", *SMALL).status == 2


def test_concurrent_experiments_in_one_folder_are_rejected(
    all_results: tuple[Path, Result], images: Path
) -> None:
    folder, _ = all_results
    with FileLock(folder / ".lock"):
        result = run_command("lrn", images, *SMALL, "-o", folder)
    assert result.status == 2
    assert f"another experiment is running in {folder}" in result.err


def test_corrupt_outcome_is_reported(
    all_results: tuple[Path, Result], images: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(all_results[0], tmp_path / "results")
    outcome = run_folder(folder, "lrn-no-lrn") / "outcome.json"
    outcome.write_text(json.dumps({"seed": 0}))
    result = run_command("lrn", images, *SMALL, "-o", folder)
    assert result.status == 2
    assert f"{outcome} is corrupt" in result.err
    assert "to train again" in result.err
