"""Training with Keras matches PyTorch: batches, run folder, resuming and exit behavior."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alexnet import UserError, weights
from alexnet.backends import Compute
from alexnet.config.hyperparameters import Recipe, recipe
from alexnet.evaluation import evaluate
from alexnet.prediction import predict
from alexnet.run import Run
from alexnet.training import Observer, TrainingInterrupted, resume, train

from ..images import red_and_blue

SMALL = {"widths": 8, "hidden": 16, "image_size": 63}


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that are quick to learn: reddish and bluish noise."""
    return red_and_blue(tmp_path_factory.mktemp("data") / "colors")


def small_recipe(**changes: Any) -> Recipe:
    defaults = {"epochs": 3, "batch_size": 8, "image_size": None}
    return recipe("fast", **defaults | changes)


def train_small(
    data: Path,
    folder: Path,
    backend: str,
    *,
    network: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    precision: str = "fp32",
    **changes: Any,
) -> Any:
    """Train the small network, with overrides for network and recipe."""
    return train(
        data,
        changes={**SMALL, **(network or {})},
        recipe=small_recipe(**changes),
        compute=Compute(device="cpu", backend=backend, precision=precision),
        output_dir=folder,
        observer=observer,
    )


def read_metrics(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_training_matches_pytorch(colors: Path, tmp_path: Path, backend: str) -> None:
    """With the same batches and no dropout, losses agree epoch by epoch."""
    for name in ("torch", backend):
        train_small(colors, tmp_path / name, name, network={"dropout": 0.0})
    rows, torch_rows = read_metrics(tmp_path / backend), read_metrics(tmp_path / "torch")
    for row, expected in zip(rows, torch_rows, strict=True):
        for key, value in expected.items():
            assert float(row[key]) == pytest.approx(float(value), rel=5e-3, abs=5e-4), key
    files = {p.name for p in (tmp_path / backend).iterdir()}
    assert files == {p.name for p in (tmp_path / "torch").iterdir()}
    versions = Run.open(tmp_path / backend).environment.versions
    assert set(versions) == {"alexnet", "numpy", "keras", backend}


@pytest.mark.slow
def test_learns_with_batch_norm_dropout_adamw_and_bf16(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    outcome = train_small(
        colors,
        tmp_path / "run",
        backend,
        epochs=10,
        precision="bf16",
        optimizer="adamw",
        lr=1e-3,
        network={"norm": "batch", "dropout": 0.1},
    )
    assert outcome.metrics.top1 >= 0.9


@pytest.mark.slow
def test_evaluation_and_prediction_agree_between_backends(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    train_small(colors, tmp_path / "run", backend)
    images = [colors / "val" / "red", colors / "val" / "blue"]
    actual, expected = (
        evaluate(
            tmp_path / "run",
            colors,
            crops=10,
            compute=Compute(backend=name),
            output_dir=tmp_path / name,
        )
        for name in (backend, "torch")
    )
    np.testing.assert_allclose(actual.probabilities, expected.probabilities, atol=1e-5)
    default, torch_rows = (
        list(predict(tmp_path / "run", images, compute=Compute(backend=name)))
        for name in (None, "torch")
    )
    assert [row.classes for row in default] == [row.classes for row in torch_rows]


class InterruptAt(Observer):
    """Sends SIGINT to this process after a step, as Ctrl-C does."""

    def __init__(self, epoch: int, step: int) -> None:
        self._epoch_and_step = (epoch, step)

    def step(self, *, epoch: int, step: int, **metrics: Any) -> None:
        if (epoch, step) == self._epoch_and_step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("network", [{}, {"norm": "batch"}])
def test_resumed_run_is_bit_identical(
    colors: Path, tmp_path: Path, backend: str, network: dict[str, Any]
) -> None:
    train_small(colors, tmp_path / "uninterrupted", backend, network=network)
    with pytest.raises(TrainingInterrupted):
        train_small(
            colors, tmp_path / "interrupted", backend, observer=InterruptAt(1, 2), network=network
        )
    resume(tmp_path / "interrupted")
    for name in ("last.safetensors", "best.safetensors", "metrics.csv"):
        assert (tmp_path / "interrupted" / name).read_bytes() == (
            tmp_path / "uninterrupted" / name
        ).read_bytes()


@pytest.mark.slow
def test_run_resumes_in_another_backend(colors: Path, tmp_path: Path, backend: str) -> None:
    network = {"dropout": 0.0}
    train_small(colors, tmp_path / "uninterrupted", backend, network=network)
    with pytest.raises(TrainingInterrupted):
        train_small(
            colors, tmp_path / "interrupted", backend, observer=InterruptAt(1, 2), network=network
        )
    resume(tmp_path / "interrupted", compute={"backend": "torch"})
    run = Run.open(tmp_path / "interrupted")
    assert (run.backend, run.environment.earlier_backends) == ("torch", (backend,))
    expected = weights.read(tmp_path / "uninterrupted" / "last.safetensors")
    actual = weights.read(tmp_path / "interrupted" / "last.safetensors")
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-2, atol=1e-4)


@pytest.mark.slow
def test_fine_tuning_changes_only_unfrozen_layers(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    train_small(colors, tmp_path / "first", "torch", network={"norm": "batch"})
    train(
        colors,
        recipe=recipe("fast", epochs=1, batch_size=8, pretrained=tmp_path / "first", freeze="conv"),
        compute=Compute(device="cpu", backend=backend),
        output_dir=tmp_path / "second",
    )
    before = weights.read(tmp_path / "first" / "best.safetensors")
    after = weights.read(tmp_path / "second" / "last.safetensors")
    for name in before:
        is_frozen = name.startswith(("conv", "norm"))
        assert bool((before[name] == after[name]).all()) == is_frozen, name


def run_python(
    code: str, *arguments: object, **environment: str
) -> "subprocess.CompletedProcess[str]":
    # Importing JAX sets a TensorFlow log level in os.environ, which subprocesses would inherit.
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "", **environment}
    variables = {name: value for name, value in variables.items() if value}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


CLI = "import sys; from alexnet.cli.main import main; sys.exit(main())"


@pytest.mark.slow
def test_command_line_runs_without_importing_pytorch(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    """Train, evaluate and predict with `--backend`, with no log lines on standard error."""
    code = (
        "import atexit, sys\n"
        "from alexnet.cli.main import main\n"
        "atexit.register(lambda: print('torch' in sys.modules))\n"
        "sys.exit(main())\n"
    )
    folder = tmp_path / "run"
    options = ["--image-size", 63, "--epochs", 1, "--output-dir", folder, "--backend", backend]
    options += ["--set", "widths=8", "--set", "hidden=16"]
    result = run_python(code, "train", colors, *options, KERAS_BACKEND="")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.endswith("False\n")
    assert f"Run: {folder}" in result.stdout
    assert Run.open(folder).backend == backend
    for command in (["evaluate", folder, colors], ["predict", folder, colors / "val" / "red"]):
        result = run_python(code, *command, KERAS_BACKEND="")
        assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "False"), result.stderr


def test_backend_that_contradicts_keras_backend_is_rejected(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    other = {"tensorflow": "jax", "jax": "tensorflow"}[backend]
    options = ["train", colors, "--backend", backend, "--output-dir", tmp_path / "run"]
    result = run_python(CLI, *options, KERAS_BACKEND=other)
    assert result.returncode == 2
    assert f"KERAS_BACKEND={other} conflicts with the backend {backend}" in result.stderr
    assert f"--backend {other}" in result.stderr
    assert not (tmp_path / "run").exists()


def test_error_for_a_missing_backend_names_its_extra(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    """Simulate an environment in which the package is not installed."""
    code = (
        "import sys, importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        "missing = sys.argv.pop(1)\n"
        "m.PathFinder.find_spec = classmethod(\n"
        "    lambda cls, name, *rest: None if name == missing else find(name, *rest))\n" + CLI
    )
    options = ["train", colors, "--backend", backend, "--output-dir", tmp_path / "run"]
    for missing in (backend, "keras"):
        result = run_python(code, missing, *options, KERAS_BACKEND="")
        assert result.returncode == 2
        assert f"{missing} not found" in result.stderr
        assert f"pip install -c constraints.txt -e '.[{backend}]'" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    result = run_python(code.replace(CLI, "import alexnet.keras"), "keras", KERAS_BACKEND="")
    assert "pip install -c constraints.txt -e '.[tensorflow]', or '.[jax]'" in result.stderr


def test_invalid_backends_and_devices_are_rejected(
    colors: Path, tmp_path: Path, backend: str
) -> None:
    with pytest.raises(UserError, match="did you mean 'tensorflow'"):
        Compute(backend="tensorflw")
    with pytest.raises(UserError, match="--compile requires PyTorch"):
        Compute(backend=backend, compile=True)
    with pytest.raises(UserError, match=f"device 'mps' is not available to {backend}"):
        train(colors, compute=Compute(backend=backend, device="mps"))
    with pytest.raises(UserError, match="cuda:7"):
        train(colors, compute=Compute(backend=backend, device="cuda:7"))
    other = {"tensorflow": "jax", "jax": "tensorflow"}[backend]
    with pytest.raises(UserError, match=f"unset KERAS_BACKEND|Keras runs on {backend}"):
        train(colors, compute=Compute(backend=other), output_dir=tmp_path / "run")
